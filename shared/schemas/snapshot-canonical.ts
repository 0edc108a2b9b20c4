/**
 * The canonical form of a snapshot and its fingerprint: the same schema gives the same text, whatever the order in which
 * the catalog told it, whoever wrote the JSON and whatever the estimates were.
 *
 * The text is RFC 8785 (JSON Canonicalization Scheme). The fingerprint is of it alone, so it may be stored as it is.
 */
import type { Snapshot } from './snapshot.ts'
import { byCodeUnit, type Node, nameOf, nodesIn, type ObjectKind, PARTS, type Part } from './snapshot-parts.ts'

/** The canonical text and the lower-case hex SHA-256 of it. */
export interface Canonical {
  readonly text: string
  readonly fingerprint: string
}

/**
 * Spells a snapshot canonically, without what stands beside it (`observed`), and fingerprints that text.
 *
 * `sha256` takes text, hashes its UTF-8 bytes and gives 64 hex digits: it is an argument because this file runs in
 * browsers too.
 */
export function canonical(snapshot: Snapshot, sha256: (text: string) => string, maxUnits?: number): Canonical {
  const text = canonicalText(snapshot, maxUnits)
  return { text, fingerprint: sha256(text) }
}

/** Thrown by `canonicalText` as soon as the text is longer than it may be. */
export class SnapshotTooLong extends Error {
  override readonly name = 'SnapshotTooLong'
}

/** A text that is being written, and how many UTF-16 code units it may have. */
interface Draft {
  text: string
  readonly maxUnits: number
}

/**
 * The canonical text of a snapshot: lists in order, empty ones left out, keys sorted, no white space, no `observed`.
 *
 * One type that ten thousand schemas use is written ten thousand times: a small catalog can make an immense text. With
 * `maxUnits` (UTF-16 code units) the writing stops there. Throws `SnapshotTooLong`.
 */
export function canonicalText(snapshot: Snapshot, maxUnits = Number.POSITIVE_INFINITY): string {
  const { observed: _, ...content } = snapshot
  const root = {
    ...content,
    schemasAsked: snapshot.schemasAsked?.toSorted(byCodeUnit) ?? null,
    excludedSchemas: snapshot.excludedSchemas.toSorted(byCodeUnit),
    findings: snapshot.findings.toSorted((a, b) => byCodeUnit(a.schema, b.schema)),
  }
  const draft: Draft = { text: '', maxUnits }
  writeNode(draft, root, 'snapshot')
  return draft.text
}

const listsOf = (kind: ObjectKind) => new Map(PARTS[kind].map(part => [part.list, part]))
// Sound: the keys are those of PARTS.
const KINDS = Object.keys(PARTS) as ObjectKind[]
/** The lists of each sort of object by name. */
const LISTS = Object.fromEntries(KINDS.map(kind => [kind, listsOf(kind)])) as Record<ObjectKind, Map<string, Part>> // the keys are those of PARTS

// Object by object, and joined by `+`, which does not copy: a large snapshot is not to be held several times over.
function writeNode(draft: Draft, node: Node, kind: ObjectKind): void {
  if (isAsWritten(node, kind)) {
    write(draft, jsonText(node))
    return
  }
  let separator = '{'
  for (const key of Object.keys(node).sort()) {
    const part = LISTS[kind].get(key)
    if (part === undefined ? node[key] === undefined : isLeftOut(node, part)) continue
    draft.text += `${separator}${JSON.stringify(key)}:`
    separator = ','
    if (part === undefined) write(draft, jsonText(node[key]))
    else writeList(draft, node, part)
  }
  draft.text += separator === '{' ? '{}' : '}'
}

/** True for an object with few parts, all in order, of which none is left out, as most relations are: it is written in one go. */
function isAsWritten(node: Node, kind: ObjectKind): boolean {
  const parts = PARTS[kind]
  return parts.every(({ list, kind: below, ordered, kept }) => {
    if (node[list] === undefined) return !kept
    const nodes = nodesIn(node, list)
    if (PARTS[below].length > 0 || nodes.length > MANY || (nodes.length === 0 && !kept)) return false
    return ordered || nodes.every((one, at) => at === 0 || byCodeUnit(nameOf(nodes[at - 1] ?? one), nameOf(one)) <= 0)
  })
}

const MANY = 16

function isLeftOut(node: Node, part: Part): boolean {
  return !part.kept && nodesIn(node, part.list).length === 0
}

/** A list in order. Its objects are written one by one where each can be large by itself, or made of more. */
function writeList(draft: Draft, node: Node, part: Part): void {
  const given = nodesIn(node, part.list)
  const nodes = part.ordered ? given : given.toSorted((a, b) => byCodeUnit(nameOf(a), nameOf(b)))
  // Columns are many and small, and no relation has more than it may.
  if (part.kind === 'column') {
    write(draft, jsonText(nodes))
    return
  }
  let separator = '['
  for (const child of nodes) {
    draft.text += separator
    separator = ','
    if (PARTS[part.kind].length > 0) writeNode(draft, child, part.kind)
    else write(draft, jsonText(child))
  }
  draft.text += separator === '[' ? '[]' : ']'
}

function write(draft: Draft, text: string): void {
  draft.text += text
  if (draft.text.length > draft.maxUnits) throw new SnapshotTooLong()
}

/** An object of a snapshot with every list below it in canonical order and the empty ones left out. */
export function ordered(node: Node, kind: ObjectKind): Node {
  const result: Record<string, unknown> = { ...node }
  for (const part of PARTS[kind]) {
    const nodes = nodesIn(node, part.list).map(child => ordered(child, part.kind))
    if (!part.ordered) nodes.sort((a, b) => byCodeUnit(nameOf(a), nameOf(b)))
    if (nodes.length > 0 || part.kept) result[part.list] = nodes
    else delete result[part.list]
  }
  return result
}

/** JSON with sorted keys and no white space (RFC 8785, for values without fractions); absent properties are left out. */
export function jsonText(value: unknown): string {
  return JSON.stringify(keysSorted(value)) ?? 'null'
}

/** The same value with the keys of every object in order: itself, where they are, since a copy of each column costs much. */
function keysSorted(value: unknown): unknown {
  if (Array.isArray(value)) return listSorted(value)
  if (!isNode(value)) return value
  const keys = Object.keys(value)
  const isSorted = inOrder(keys)
  let result: Record<string, unknown> | null = isSorted ? null : {}
  for (const key of isSorted ? keys : keys.sort()) {
    const given = value[key]
    const sorted = typeof given === 'object' ? keysSorted(given) : given
    if (sorted !== given) result ??= { ...value }
    if (result !== null) result[key] = sorted
  }
  return result ?? value
}

function listSorted(values: readonly unknown[]): readonly unknown[] {
  let copy: unknown[] | null = null
  for (let at = 0; at < values.length; at++) {
    const sorted = keysSorted(values[at])
    if (sorted === values[at]) continue
    copy ??= [...values]
    copy[at] = sorted
  }
  return copy ?? values
}

/** Most objects are: a snapshot has a hundred thousand, and sorting two keys costs more than looking at them. */
function inOrder(keys: readonly string[]): boolean {
  for (let at = 1; at < keys.length; at++) if ((keys[at - 1] ?? '') > (keys[at] ?? '')) return false
  return true
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null
}
