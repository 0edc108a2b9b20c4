/**
 * What changed between two snapshots: a pure comparison of what both of them cover, and its inverse.
 *
 * It tells apart only what the snapshots tell apart. A relation that the role may no longer see is as gone as a dropped
 * one. The worker, the command line and the console call it.
 */
import { z } from 'zod'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import { jsonText } from '#shared/schemas/snapshot-canonical.ts'
import {
  byCodeUnit,
  type Node,
  nameOf,
  nodesIn,
  type ObjectKind,
  PARTS,
  type Part,
} from '#shared/schemas/snapshot-parts.ts'
import { judge } from './drift-class.ts'
import { keysOf } from './drift-key.ts'
import type { Draft, Within } from './drift-verdict.ts'

/** The `what` of a change of the order of a table's columns; its sides are lists of names, of those in both. */
export const COLUMN_ORDER = 'column order'

/**
 * One change. `object` and `path` (schema, relation, column …; an extension's or schema's name alone) name the object.
 * An added or removed object is there whole, as `after` or `before`, with its place in the table when it is a column;
 * of a changed one `what` is the property, and an absent side means that the property was or is absent.
 */
export const Change = z.object({
  kind: z.enum(['added', 'removed', 'changed']),
  object: z.string(),
  path: z.array(z.string()),
  what: z.string().optional(),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
  position: z.number().optional(),
  /** `breaking`: what worked fails, or a protection is gone. `risky`: it may behave otherwise. `safe`: neither. */
  class: z.enum(['breaking', 'risky', 'safe']),
  reason: z.string(),
})
export type Change = z.infer<typeof Change>

/** True when a snapshot tells of a schema, be it that there is none of that name. */
export function covers(snapshot: Snapshot, schema: string): boolean {
  return snapshot.schemasAsked?.includes(schema) ?? !snapshot.excludedSchemas.includes(schema)
}

/** A snapshot without the schemas that another one does not cover. */
export function within(snapshot: Snapshot, other: Snapshot): Snapshot {
  const asked = other.schemasAsked === null ? null : new Set(other.schemasAsked)
  const excluded = new Set(other.excludedSchemas)
  const isCovered = (name: string) => asked?.has(name) ?? !excluded.has(name)
  return { ...snapshot, schemas: snapshot.schemas.filter(schema => isCovered(schema.name)) }
}

/**
 * Lists the changes from one snapshot to another, over the schemas that both cover, in the order of the snapshot.
 *
 * `drift(a, a)` is empty, and `drift(b, a)` is `drift(a, b)` with added and removed, before and after exchanged; only the
 * classes and reasons are of their own direction.
 */
export function drift(before: Snapshot, after: Snapshot): Change[] {
  const changes: Change[] = []
  eachChange(before, after, change => changes.push(change))
  return changes
}

/**
 * Tells the changes of `drift` one by one, so that whoever only counts them holds none.
 *
 * The time is that of sorting the names, linear otherwise, and the stack as deep as a snapshot is, whatever the number of
 * objects and changes: both snapshots are sized by whoever runs the database.
 */
export function eachChange(before: Snapshot, after: Snapshot, tell: (change: Change) => void): void {
  const judged = (draft: Draft) => {
    const { was: _, is: __, within: ___, ...change } = draft
    tell({ ...change, path: [...draft.path], ...judge(draft) })
  }
  tellChildren({ object: 'snapshot', path: [], pair: pairOf(within(before, after), within(after, before)) }, judged)
}

/** An object that is in both snapshots. */
interface Place {
  readonly object: ObjectKind
  readonly path: readonly string[]
  readonly pair: Within
}

type Tell = (draft: Draft) => void

function pairOf(was: Node, is: Node): Within {
  let before: ReadonlySet<string> | null = null
  let after: ReadonlySet<string> | null = null
  return { was, is, keys: { was: () => (before ??= keysOf(was)), is: () => (after ??= keysOf(is)) } }
}

function tellChildren(place: Place, tell: Tell): void {
  for (const part of PARTS[place.object]) tellPart(part, place, tell)
}

function tellPart(part: Part, { path, pair }: Place, tell: Tell): void {
  const was = listOf(pair.was, part)
  const is = listOf(pair.is, part)
  for (const name of [...new Set([...was.nodes.keys(), ...is.nodes.keys()])].sort(byCodeUnit)) {
    const before = was.nodes.get(name)
    const after = is.nodes.get(name)
    const about = { object: part.kind, path: [...path, name], within: pair }
    if (before && after) tellOwn(about, pairOf(before, after), tell)
    else if (after) tell({ kind: 'added', ...about, after, ...is.place(after), is: after })
    else if (before) tell({ kind: 'removed', ...about, before, ...was.place(before), was: before })
  }
}

/** The objects of a list by name, and what is to be said of the place of each. */
function listOf(node: Node, part: Part) {
  const list = nodesIn(node, part.list)
  const nodes = new Map(list.map(child => [nameOf(child), child]))
  if (!part.ordered) return { nodes, place: () => ({}) }
  const positions = new Map(list.map((child, at) => [child, at]))
  return { nodes, place: (child: Node) => ({ position: positions.get(child) ?? 0 }) }
}

function tellOwn(about: Pick<Draft, 'object' | 'path' | 'within'>, pair: Within, tell: Tell): void {
  const { was, is } = pair
  const lists = new Set(['name', ...PARTS[about.object].map(part => part.list)])
  const keys = [...new Set([...Object.keys(was), ...Object.keys(is)])].filter(key => !lists.has(key))
  const compare = (what: string, before: unknown, after: unknown) => {
    if (sameValue(before, after)) return
    const sides = { ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }
    tell({ kind: 'changed', ...about, what, ...sides, was, is })
  }
  for (const key of keys.sort(byCodeUnit)) compare(key, was[key], is[key])
  if (about.object === 'relation') compare(COLUMN_ORDER, shared(was, is), shared(is, was))
  tellChildren({ object: about.object, path: about.path, pair }, tell)
}

function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true
  return typeof a === 'object' && typeof b === 'object' && jsonText(a) === jsonText(b)
}

function shared(relation: Node, other: Node): string[] {
  const names = new Set(nodesIn(other, 'columns').map(nameOf))
  return nodesIn(relation, 'columns')
    .map(nameOf)
    .filter(name => names.has(name))
}
