/**
 * Describes a snapshot as a tree of named objects: the lists of each kind of object, and the kind of their items. The
 * canonical form and the drift both walk the tree by this table, so neither can miss a list that the other knows.
 *
 * It knows nothing about the meaning of an object.
 */

/** Every kind of object that drift reports. */
export type ObjectKind =
  | 'snapshot'
  | 'extension'
  | 'schema'
  | 'relation'
  | 'column'
  | 'constraint'
  | 'index'
  | 'policy'
  | 'enum'
  | 'domain'
  | 'check'
  | 'sequence'
  | 'trigger'
  | 'rule'
  | 'published'
  | 'partition'
  | 'composite'
  | 'attribute'
  | 'range'
  | 'function'
  | 'publication'
  | 'server'
  | 'other'

/** An object as plain properties. */
export type Node = Readonly<Record<string, unknown>>

/** A list of named objects inside an object. */
export interface Part {
  readonly list: string
  readonly kind: ObjectKind
  /** True if the order has a meaning (columns); every other list is sorted by name. */
  readonly ordered: boolean
  /** True if the list is written even when it is empty. */
  readonly kept: boolean
}

const kept = (list: string, kind: ObjectKind): Part => ({ list, kind, ordered: false, kept: true })
const sparse = (list: string, kind: ObjectKind): Part => ({ list, kind, ordered: false, kept: false })

/** The lists of each kind of object. */
export const PARTS: Readonly<Record<ObjectKind, readonly Part[]>> = {
  snapshot: [
    kept('extensions', 'extension'),
    sparse('publications', 'publication'),
    sparse('servers', 'server'),
    sparse('others', 'other'),
    kept('schemas', 'schema'),
  ],
  schema: [
    kept('relations', 'relation'),
    sparse('enums', 'enum'),
    sparse('domains', 'domain'),
    sparse('composites', 'composite'),
    sparse('ranges', 'range'),
    sparse('functions', 'function'),
    sparse('sequences', 'sequence'),
    sparse('others', 'other'),
  ],
  relation: [
    { ...kept('columns', 'column'), ordered: true },
    sparse('constraints', 'constraint'),
    sparse('indexes', 'index'),
    sparse('policies', 'policy'),
    sparse('triggers', 'trigger'),
    sparse('rules', 'rule'),
    sparse('published', 'published'),
    sparse('partitions', 'partition'),
  ],
  composite: [{ ...kept('attributes', 'attribute'), ordered: true }],
  domain: [sparse('checks', 'check')],
  extension: [],
  column: [],
  constraint: [],
  index: [],
  policy: [],
  enum: [],
  check: [],
  sequence: [],
  trigger: [],
  rule: [],
  published: [],
  partition: [],
  attribute: [],
  range: [],
  function: [],
  publication: [],
  server: [],
  other: [],
}

/**
 * Compares texts by UTF-16 code units, as RFC 8785 does; the result is the same on every machine and in every locale.
 */
export function byCodeUnit(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

/** Returns the objects in one list of an object; an absent list is empty. */
export function nodesIn(node: Node, list: string): Node[] {
  const value = node[list]
  return Array.isArray(value) ? value : []
}

/** Returns the name of an object, which is unique within its list. */
export function nameOf(node: Node): string {
  return String(node['name'])
}

/**
 * True if two objects of one list, at any depth, have the same name; drift could not tell them apart. Skips lists and
 * objects that are in `known`, which have been checked before.
 */
export function hasTwins(node: Node, kind: ObjectKind, known?: { has(part: object): boolean }): boolean {
  if (known?.has(node) === true) return false
  return PARTS[kind].some(part => {
    if (node[part.list] === undefined) return false
    const nodes = nodesIn(node, part.list)
    if (known?.has(nodes) === true) return false
    if (isNamedTwice(nodes)) return true
    return PARTS[part.kind].length > 0 && nodes.some(child => hasTwins(child, part.kind, known))
  })
}

/** True if two objects of the list have the same name. */
export function isNamedTwice(nodes: readonly Node[]): boolean {
  // Most lists are sorted, and the others are short: comparing the names is cheaper than building a set of them.
  if (nodes.length > FEW) return !isAscending(nodes) && new Set(nodes.map(nameOf)).size < nodes.length
  for (let at = 1; at < nodes.length; at++)
    for (let before = 0; before < at; before++) if (nodes[at]?.['name'] === nodes[before]?.['name']) return true
  return false
}

const FEW = 16

function isAscending(nodes: readonly Node[]): boolean {
  for (let at = 1; at < nodes.length; at++) {
    const [one, next] = [nodes[at - 1], nodes[at]]
    if (one === undefined || next === undefined || nameOf(one) >= nameOf(next)) return false
  }
  return true
}
