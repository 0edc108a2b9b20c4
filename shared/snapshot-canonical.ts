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
export function canonical(snapshot: Snapshot, sha256: (text: string) => string): Canonical {
  const text = canonicalText(snapshot)
  return { text, fingerprint: sha256(text) }
}

/** The canonical text of a snapshot: lists in order, empty ones left out, keys sorted, no white space, no `observed`. */
export function canonicalText(snapshot: Snapshot): string {
  const { observed: _, ...content } = snapshot
  const root = {
    ...content,
    schemasAsked: snapshot.schemasAsked?.toSorted(byCodeUnit) ?? null,
    excludedSchemas: snapshot.excludedSchemas.toSorted(byCodeUnit),
    findings: snapshot.findings.toSorted((a, b) => byCodeUnit(a.schema, b.schema)),
  }
  return nodeText(root, 'snapshot')
}

// Object by object, and joined by `+`, which does not copy: a large snapshot is not to be held several times over.
function nodeText(node: Node, kind: ObjectKind): string {
  let members = ''
  for (const key of Object.keys(node).sort()) {
    const part = PARTS[kind].find(({ list }) => list === key)
    const text = part ? listText(node, part) : node[key] === undefined ? '' : jsonText(node[key])
    if (text !== '') members += `${members === '' ? '' : ','}${JSON.stringify(key)}:${text}`
  }
  return `{${members}}`
}

/** A list in order; an empty text for an empty list that is left out. */
function listText(node: Node, part: Part): string {
  const given = nodesIn(node, part.list)
  if (given.length === 0) return part.kept ? '[]' : ''
  const nodes = part.ordered ? given : given.toSorted((a, b) => byCodeUnit(nameOf(a), nameOf(b)))
  if (PARTS[part.kind].length === 0) return jsonText(nodes)
  let items = ''
  for (const child of nodes) items += `${items === '' ? '' : ','}${nodeText(child, part.kind)}`
  return `[${items}]`
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

/** The same value with the keys of every object in order. */
function keysSorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(keysSorted)
  if (!isNode(value)) return value
  const result: Record<string, unknown> = {}
  const keys = Object.keys(value)
  for (const key of inOrder(keys) ? keys : keys.sort()) result[key] = keysSorted(value[key])
  return result
}

/** Most objects are: a snapshot has a hundred thousand, and sorting two keys costs more than looking at them. */
function inOrder(keys: readonly string[]): boolean {
  return keys.every((key, at) => at === 0 || (keys[at - 1] ?? '') < key)
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null
}
