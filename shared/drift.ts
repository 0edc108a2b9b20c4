/**
 * What changed between two snapshots: a pure comparison of what both of them cover, and its inverse.
 *
 * It tells apart only what the snapshots tell apart. A relation that the role may no longer see is as gone as a dropped
 * one. The worker, the command line and the console call it.
 */
import { z } from 'zod'
import { judge } from './drift-class.ts'
import type { Draft } from './drift-verdict.ts'
import type { Snapshot } from './snapshot.ts'
import { jsonText } from './snapshot-canonical.ts'
import { byCodeUnit, type Node, nameOf, nodesIn, type ObjectKind, PARTS, type Part } from './snapshot-parts.ts'

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
  return { ...snapshot, schemas: snapshot.schemas.filter(schema => covers(other, schema.name)) }
}

/**
 * Lists the changes from one snapshot to another, over the schemas that both cover, in the order of the snapshot.
 *
 * `drift(a, a)` is empty, and `drift(b, a)` is `drift(a, b)` with added and removed, before and after exchanged; only the
 * classes and reasons are of their own direction.
 */
export function drift(before: Snapshot, after: Snapshot): Change[] {
  return childChanges('snapshot', { was: within(before, after), is: within(after, before) }, []).map(draft => {
    const { was: _, is: __, within: ___, ...change } = draft
    return { ...change, path: [...draft.path], ...judge(draft) }
  })
}

interface Pair {
  readonly was: Node
  readonly is: Node
}

function childChanges(kind: ObjectKind, pair: Pair, path: readonly string[]): Draft[] {
  return PARTS[kind].flatMap(part => partChanges(part, pair, path))
}

function partChanges(part: Part, pair: Pair, path: readonly string[]): Draft[] {
  const wasNodes = nodesIn(pair.was, part.list)
  const isNodes = nodesIn(pair.is, part.list)
  const was = new Map(wasNodes.map(node => [nameOf(node), node]))
  const is = new Map(isNodes.map(node => [nameOf(node), node]))
  const place = (nodes: readonly Node[], node: Node) => (part.ordered ? { position: nodes.indexOf(node) } : {})
  const drafts: Draft[] = []
  for (const name of [...new Set([...was.keys(), ...is.keys()])].sort(byCodeUnit)) {
    const before = was.get(name)
    const after = is.get(name)
    const about = { object: part.kind, path: [...path, name], within: pair }
    if (before && after) drafts.push(...ownChanges(about, before, after))
    else if (after) drafts.push({ kind: 'added', ...about, after, ...place(isNodes, after), is: after })
    else if (before) drafts.push({ kind: 'removed', ...about, before, ...place(wasNodes, before), was: before })
  }
  return drafts
}

function ownChanges(about: Pick<Draft, 'object' | 'path' | 'within'>, was: Node, is: Node): Draft[] {
  const lists = new Set(['name', ...PARTS[about.object].map(part => part.list)])
  const keys = [...new Set([...Object.keys(was), ...Object.keys(is)])].filter(key => !lists.has(key))
  const drafts: Draft[] = []
  const compare = (what: string, before: unknown, after: unknown) => {
    if (sameValue(before, after)) return
    const sides = { ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }
    drafts.push({ kind: 'changed', ...about, what, ...sides, was, is })
  }
  for (const key of keys.sort(byCodeUnit)) compare(key, was[key], is[key])
  if (about.object === 'relation') compare(COLUMN_ORDER, shared(was, is), shared(is, was))
  return [...drafts, ...childChanges(about.object, { was, is }, about.path)]
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
