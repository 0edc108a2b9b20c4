/**
 * The inverse of `drift`: applies changes to the earlier snapshot and returns the later one.
 *
 * A property test uses it to prove that a drift is complete, and it allows a history to be stored as differences.
 */

import { Snapshot } from '#shared/schemas/snapshot.ts'
import { ordered } from '#shared/schemas/snapshot-canonical.ts'
import { type Node, nameOf, nodesIn, type ObjectKind, PARTS, type Part } from '#shared/schemas/snapshot-parts.ts'
import type { Change } from './drift.ts'
import { COLUMN_ORDER } from './drift-walk.ts'

/**
 * Applies `drift(before, after)` to `before`. The schemas and extensions of the result are those of `after`, as far as
 * both snapshots cover them; coverage, findings and observations stay those of `before`.
 *
 * Throws a ZodError if the result is not a snapshot.
 */
export function applyDrift(before: Snapshot, changes: readonly Change[]): Snapshot {
  const all = changes.flatMap(change => [change, ...carriedBy(change)])
  const edits = Map.groupBy(all, change =>
    change.kind === 'added'
      ? key('added', change.object, change.path.slice(0, -1))
      : key(change.kind, change.object, change.path),
  )
  return Snapshot.parse(ordered(edited(before, { kind: 'snapshot', path: [], edits }), 'snapshot'))
}

/** The changes of sequences that were added or removed together with an object. */
function carriedBy(change: Change): Change[] {
  const { kind, class: rated, reason } = change
  return (change.with ?? []).map(one => ({ ...one, kind, class: rated, reason }))
}

interface Place {
  readonly kind: ObjectKind
  readonly path: readonly string[]
  readonly edits: ReadonlyMap<string, readonly Change[]>
}

function edited(node: Node, place: Place): Node {
  const result: Record<string, unknown> = { ...node }
  let order: unknown
  for (const change of place.edits.get(key('changed', place.kind, place.path)) ?? []) {
    if (change.what === COLUMN_ORDER) order = change.after
    else if (change.what !== undefined) result[change.what] = change.after
  }
  for (const part of PARTS[place.kind]) result[part.list] = editedList(node, part, { ...place, order })
  return result
}

function editedList(node: Node, part: Part, place: Place & { order: unknown }): Node[] {
  const nodes: Node[] = []
  for (const child of nodesIn(node, part.list)) {
    const path = [...place.path, nameOf(child)]
    if (place.edits.has(key('removed', part.kind, path))) continue
    nodes.push(edited(child, { kind: part.kind, path, edits: place.edits }))
  }
  const { order } = place
  if (part.ordered && Array.isArray(order)) {
    const positions = new Map(order.map((name, at) => [name, at]))
    const position = (child: Node) => positions.get(nameOf(child)) ?? -1
    nodes.sort((a, b) => position(a) - position(b))
  }
  const added = place.edits.get(key('added', part.kind, place.path)) ?? []
  for (const change of added.toSorted((a, b) => (a.position ?? 0) - (b.position ?? 0))) {
    nodes.splice(part.ordered ? (change.position ?? nodes.length) : nodes.length, 0, nodeOf(change.after))
  }
  return nodes
}

function nodeOf(value: unknown): Node {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function key(verb: Change['kind'], object: string, path: readonly string[]): string {
  return JSON.stringify([verb, object, ...path])
}
