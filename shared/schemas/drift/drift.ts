/**
 * The changes between two snapshots: a pure comparison of the parts that both cover and hold.
 *
 * It tells apart only what the snapshots tell apart. A relation that the role may no longer see is as gone as a dropped
 * one. The worker, the command line and the console call it.
 */
import { z } from 'zod'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import { judge } from './drift-class.ts'
import { comparable, isOtherMajor } from './drift-formats.ts'
import type { Draft } from './drift-verdict.ts'
import { walk } from './drift-walk.ts'

/**
 * One change. `object` and `path` (schema, relation, column …; an extension's or schema's name alone) name the object.
 * An added or removed object is there whole, as `after` or `before`, with its place in the table when it is a column;
 * of a changed one `what` is the property, and an absent side means that the property was or is absent. `with` are the
 * sequences that came or went with it, being owned by its columns.
 */
export const Change = z.object({
  kind: z.enum(['added', 'removed', 'changed']),
  object: z.string(),
  path: z.array(z.string()),
  what: z.string().optional(),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
  position: z.number().optional(),
  with: z
    .array(
      z.object({
        object: z.string(),
        path: z.array(z.string()),
        before: z.unknown().optional(),
        after: z.unknown().optional(),
      }),
    )
    .optional(),
  /** `breaking`: what worked fails, or a protection is gone. `risky`: it may behave otherwise. `safe`: neither. */
  class: z.enum(['breaking', 'risky', 'safe']),
  reason: z.string(),
})
export type Change = z.infer<typeof Change>

/** True when a snapshot tells of a schema, be it that there is none of that name. */
export function covers(snapshot: Snapshot, schema: string): boolean {
  return snapshot.schemasAsked?.includes(schema) ?? !snapshot.excludedSchemas.includes(schema)
}

/**
 * Lists the changes from one snapshot to another, over the schemas that both cover, in the order of the snapshot. Of
 * snapshots of two formats, what both hold is compared.
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
    const { was: _, is: __, within: ___, compared: ____, with: carried, ...change } = draft
    const more = carried === undefined ? {} : { with: [...carried] }
    tell({ ...change, path: [...draft.path], ...more, ...judge(draft) })
  }
  const [was, is] = comparable(before, after)
  walk(was, is, { isOtherMajor: isOtherMajor(before, after), tell: judged })
}
