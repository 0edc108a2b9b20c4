/**
 * The canonical form of a snapshot: the same schema always gives the same text, regardless of the order in the catalog,
 * the JSON serializer and the row estimates.
 *
 * The text is RFC 8785 (JSON Canonicalization Scheme). The fingerprint is the SHA-256 of this text only, so it may be
 * stored in clear.
 */
import type { Snapshot } from './snapshot.ts'
import { byCodeUnit, type Node, nameOf, nodesIn, type ObjectKind, PARTS, type Part } from './snapshot-parts.ts'

/**
 * The texts of lists and objects that were written before the rest of the snapshot was available, by list or object. A
 * change to one of them, or to anything inside it, invalidates its text, which must then be removed.
 */
export type WrittenParts = Map<object, string>

/** A text in progress: the part that has not been passed on yet, and its receiver. */
interface Draft {
  text: string
  readonly written: WrittenParts
  readonly take: (text: string) => void
}

/**
 * Writes the canonical text of a snapshot in pieces: sorted lists, no empty lists, sorted keys, no white space, no
 * `observed`.
 *
 * A type that ten thousand schemas use is written ten thousand times, so a small catalog can produce an enormous text.
 * `take` stops the writing by throwing.
 */
export function writeCanonical(
  snapshot: Snapshot,
  take: (text: string) => void,
  written: WrittenParts = new Map(),
): void {
  const { observed: _, ...content } = snapshot
  const root = {
    ...content,
    schemasAsked: snapshot.schemasAsked?.toSorted(byCodeUnit) ?? null,
    excludedSchemas: snapshot.excludedSchemas.toSorted(byCodeUnit),
    findings: snapshot.findings.toSorted((a, b) => byCodeUnit(a.schema, b.schema)),
  }
  const draft: Draft = { text: '', written, take }
  writeNode(draft, root, 'snapshot')
  handOn(draft)
}

/** Returns the canonical text of a snapshot. */
export function canonicalText(snapshot: Snapshot): string {
  // Joins with `+`, which does not copy: a large snapshot must not be in memory several times.
  let whole = ''
  writeCanonical(snapshot, text => {
    whole += text
  })
  return whole
}

/** Returns the canonical text of a single object, some of whose lists may be in `written`. */
export function nodeText(node: Node, kind: ObjectKind, written: WrittenParts): string {
  let whole = ''
  const take = (text: string) => {
    whole += text
  }
  const draft: Draft = { text: '', written, take }
  writeNode(draft, node, kind)
  return whole + draft.text
}

/** Returns the canonical text of a single list, whose objects contain no lists of objects. */
export function listText(nodes: readonly Node[], isOrdered: boolean): string {
  return jsonText(isOrdered || inOrderOfNames(nodes) ? nodes : nodes.toSorted(byName))
}

const listsOf = (kind: ObjectKind) => new Map(PARTS[kind].map(part => [part.list, part]))
// Sound: the keys are those of PARTS.
const KINDS = Object.keys(PARTS) as ObjectKind[]
/** The lists of each kind of object, by name. */
const LISTS = Object.fromEntries(KINDS.map(kind => [kind, listsOf(kind)])) as Record<ObjectKind, Map<string, Part>> // the keys are those of PARTS

function writeNode(draft: Draft, node: Node, kind: ObjectKind): void {
  if (isAsWritten(draft, node, kind)) {
    draft.text += jsonText(node)
    return
  }
  let separator = '{'
  for (const key of Object.keys(node).sort()) {
    const part = LISTS[kind].get(key)
    if (part === undefined ? node[key] === undefined : isLeftOut(node, part)) continue
    draft.text += separator + keyText(key)
    separator = ','
    if (part === undefined) draft.text += valueText(node[key])
    else writeList(draft, node, part)
  }
  draft.text += separator === '{' ? '{}' : '}'
}

/**
 * True for an object with few parts, all sorted and none to be omitted, like most relations. It is written in one step.
 */
function isAsWritten({ written }: Draft, node: Node, kind: ObjectKind): boolean {
  const parts = PARTS[kind]
  return parts.every(({ list, kind: below, ordered, kept }) => {
    if (node[list] === undefined) return !kept
    const nodes = nodesIn(node, list)
    if (PARTS[below].length > 0 || nodes.length > MANY || (nodes.length === 0 && !kept) || written.has(nodes))
      return false
    return ordered || inOrderOfNames(nodes)
  })
}

const MANY = 16

const PLAIN_KEY = /^\w+$/

/** The property names of snapshots are plain words, which need no escaping. */
function keyText(key: string): string {
  return PLAIN_KEY.test(key) ? `"${key}":` : `${JSON.stringify(key)}:`
}

function byName(a: Node, b: Node): number {
  return byCodeUnit(nameOf(a), nameOf(b))
}

function inOrderOfNames(nodes: readonly Node[]): boolean {
  return nodes.every((one, at) => at === 0 || byName(nodes[at - 1] ?? one, one) <= 0)
}

function isLeftOut(node: Node, part: Part): boolean {
  return !part.kept && nodesIn(node, part.list).length === 0
}

/** Writes a list in order. Objects that can be large or contain other lists are written one by one. */
function writeList(draft: Draft, node: Node, part: Part): void {
  const given = nodesIn(node, part.list)
  const known = draft.written.get(given)
  // Columns are many and small, and the number per relation is bounded.
  if (known !== undefined || part.kind === 'column') {
    draft.text += known ?? listText(given, part.ordered)
    return
  }
  const nodes = part.ordered || inOrderOfNames(given) ? given : given.toSorted(byName)
  let separator = '['
  for (const child of nodes) {
    draft.text += separator
    separator = ','
    const text = draft.written.get(child)
    if (text !== undefined) draft.text += text
    else if (PARTS[part.kind].length > 0) writeNode(draft, child, part.kind)
    else draft.text += jsonText(child)
    if (draft.text.length > PIECE_UNITS) handOn(draft)
  }
  draft.text += separator === '[' ? '[]' : ']'
}

/** The approximate length of a piece. A piece for each object would cost more, and the text must end at its bound. */
const PIECE_UNITS = 16_384

function handOn(draft: Draft): void {
  draft.take(draft.text)
  draft.text = ''
}

/** Returns an object of a snapshot with every list below it in canonical order and without empty lists. */
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

function valueText(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : jsonText(value)
}

/**
 * Returns JSON with sorted keys and no white space (RFC 8785, for values without fractions). Absent properties are
 * omitted.
 */
export function jsonText(value: unknown): string {
  return JSON.stringify(keysSorted(value)) ?? 'null'
}

/**
 * Returns the value with the keys of every object sorted. A sorted value is returned itself, because copying every
 * column is expensive.
 */
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

/**
 * Most objects have sorted keys. A snapshot has a hundred thousand objects, and sorting two keys costs more than this
 * check.
 */
function inOrder(keys: readonly string[]): boolean {
  for (let at = 1; at < keys.length; at++) if ((keys[at - 1] ?? '') > (keys[at] ?? '')) return false
  return true
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null
}
