/**
 * Walks over two snapshots and reports each difference; other files classify it.
 *
 * A sequence that a column owns is added and removed with that column: it is reported with the column or its table, not
 * separately. Only `drift.ts` calls this.
 */
import { jsonText } from '#shared/schemas/snapshot-canonical.ts'
import { byCodeUnit, type Node, nameOf, nodesIn, PARTS, type Part } from '#shared/schemas/snapshot-parts.ts'
import { requiredBy } from './drift-check.ts'
import { keyColumnsOf } from './drift-key.ts'
import { partitionKeys } from './drift-partition.ts'
import { isHidden } from './drift-row-security.ts'
import { isIdentical, knownTypes, ownedSequences, partTexts } from './drift-same.ts'
import { isReprinted } from './drift-spelling.ts'
import type { Both, Carried, Compared, Draft, Within } from './drift-verdict.ts'

/**
 * The `what` of a change in the order of a table's columns. Both sides list the names of the columns that exist in both
 * snapshots.
 */
export const COLUMN_ORDER = 'column order'

/** Properties that contain SQL, which a server may format differently after a dump and reload. */
const SQL: ReadonlySet<string> = new Set(['definition', 'default', 'generated', 'using', 'check', 'filter'])

/** Receives each difference. */
export type Tell = (draft: Draft) => void

/** An object that is in both snapshots, and the owned sequences of its schema. */
interface Place {
  readonly object: Draft['object']
  readonly path: readonly string[]
  readonly pair: Within
  readonly compared: Compared
  readonly owned: Owned | null
}

/** Reports every difference between two snapshots. */
export function walk(before: Node, after: Node, { isOtherMajor, tell }: { isOtherMajor: boolean; tell: Tell }): void {
  const types = lazily(before, after, knownTypes)
  const goneTypes = {
    was: once(() => types.was().textsBeyond(types.is())),
    is: once(() => types.is().textsBeyond(types.was())),
  }
  const [partitions, sequences] = [lazily(before, after, partitionKeys), lazily(before, after, ownedSequences)]
  const compared = { types, goneTypes, partitions, sequences, isOtherMajor }
  tellChildren({ object: 'snapshot', path: [], pair: pairOf(before, after), compared, owned: null }, tell)
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

function lazily<T>(was: Node, is: Node, make: (node: Node) => T): Both<T> {
  return { was: once(() => make(was)), is: once(() => make(is)) }
}

function pairOf(was: Node, is: Node): Within {
  return {
    ...{ was, is },
    keys: lazily(was, is, keyColumnsOf),
    columns: lazily(was, is, node => new Map(nodesIn(node, 'columns').map(column => [nameOf(column), column]))),
    required: lazily(was, is, requiredBy),
    parts: lazily(was, is, partTexts),
    hidden: lazily(was, is, isHidden),
    relations: lazily(was, is, node => new Map(nodesIn(node, 'relations').map(one => [nameOf(one), one]))),
  }
}

function tellChildren(place: Place, tell: Tell): void {
  const owned = place.object === 'schema' ? ownedIn(place.pair) : place.owned
  for (const part of PARTS[place.object]) tellPart(part, { ...place, owned }, tell)
}

function tellPart(part: Part, place: Place, tell: Tell): void {
  const { path, pair, compared, owned } = place
  const was = listOf(pair.was, part)
  const is = listOf(pair.is, part)
  for (const name of [...new Set([...was.nodes.keys(), ...is.nodes.keys()])].sort(byCodeUnit)) {
    const before = was.nodes.get(name)
    const after = is.nodes.get(name)
    // Most objects of two snapshots are the same: nothing of them is taken apart.
    if (before && after && isIdentical(before, after)) continue
    const about = { object: part.kind, path: [...path, name], within: pair, compared }
    if (before && after) tellOwn(about, { ...place, pair: pairOf(before, after) }, tell)
    else if (part.kind === 'sequence' && owned?.isReported(name)) continue
    else if (after) {
      const with_ = owned?.carried('after', about)
      tell({ kind: 'added', ...about, after, ...is.place(after), ...with_, is: after })
    } else if (before) {
      const with_ = owned?.carried('before', about)
      tell({ kind: 'removed', ...about, before, ...was.place(before), ...with_, was: before })
    }
  }
}

/** Returns the objects of a list by name, and a function for the position of each. */
function listOf(node: Node, part: Part) {
  const list = nodesIn(node, part.list)
  const nodes = new Map(list.map(child => [nameOf(child), child]))
  if (!part.ordered) return { nodes, place: () => ({}) }
  const positions = new Map(list.map((child, at) => [child, at]))
  return { nodes, place: (child: Node) => ({ position: positions.get(child) ?? 0 }) }
}

function tellOwn(about: Pick<Draft, 'object' | 'path' | 'within' | 'compared'>, place: Place, tell: Tell): void {
  const { was, is } = place.pair
  const parts = PARTS[about.object]
  const lists = new Set(['name', ...parts.map(part => part.list)])
  const keys = [...new Set([...Object.keys(was), ...Object.keys(is)])].filter(key => !lists.has(key))
  const compare = (what: string, before: unknown, after: unknown) => {
    if (sameValue(before, after) || (SQL.has(what) && isReprinted(before, after))) return
    const sides = { ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }
    tell({ kind: 'changed', ...about, what, ...sides, was, is })
  }
  for (const key of keys.sort(byCodeUnit)) compare(key, was[key], is[key])
  for (const { list } of parts.filter(part => part.ordered))
    compare(COLUMN_ORDER, shared(list, was, is), shared(list, is, was))
  tellChildren({ ...place, object: about.object, path: about.path }, tell)
}

function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true
  return typeof a === 'object' && typeof b === 'object' && jsonText(a) === jsonText(b)
}

function shared(list: string, node: Node, other: Node): string[] {
  const names = new Set(nodesIn(other, list).map(nameOf))
  return nodesIn(node, list)
    .map(nameOf)
    .filter(name => names.has(name))
}

/** The sequences of a schema that exist in only one snapshot and belong to a column. */
interface Owned {
  /** Returns the sequences that were added or removed with a relation or column, to be reported with it. */
  carried(side: 'before' | 'after', about: Pick<Draft, 'object' | 'path'>): { with: Carried[] } | undefined
  isReported(name: string): boolean
}

function ownedIn({ was, is }: Within): Owned | null {
  const [before, after] = [was, is].map(node => new Map(nodesIn(node, 'sequences').map(it => [nameOf(it), it])))
  if (!before || !after || (before.size === 0 && after.size === 0)) return null
  const owners = { before: byOwner(before, after), after: byOwner(after, before) }
  const reported = new Set<string>()
  return {
    isReported: name => reported.has(name),
    carried(side, { object, path }) {
      if (object !== 'relation' && object !== 'column') return undefined
      const [schema = '', relation = '', column] = path
      const ofRelation = owners[side].get(relation) ?? []
      const found = ofRelation.filter(it => column === undefined || it.column === column)
      if (found.length === 0) return undefined
      for (const { node } of found) reported.add(nameOf(node))
      return { with: found.map(({ node }) => ({ object: 'sequence', path: [schema, nameOf(node)], [side]: node })) }
    },
  }
}

function byOwner(sequences: ReadonlyMap<string, Node>, other: ReadonlyMap<string, Node>) {
  const owned = [...sequences.values()].filter(node => !other.has(nameOf(node)))
  const named = owned.flatMap(node => {
    // Sound: the shape of a sequence in a snapshot.
    const owner = node['ownedBy'] as { relation: string; column: string } | undefined
    return owner === undefined ? [] : [{ node, ...owner }]
  })
  return Map.groupBy(named, ({ relation }) => relation)
}
