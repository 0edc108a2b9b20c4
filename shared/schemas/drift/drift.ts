/**
 * The changes between two snapshots: a pure comparison of the parts that both cover and hold.
 *
 * It can only see differences that the snapshots contain. A relation that the role can no longer see looks like a
 * dropped one. The worker, the command line and the console call it.
 */
import { z } from 'zod'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import { judge } from './drift-class.ts'
import { comparable, isOtherMajor } from './drift-formats.ts'
import type { Draft } from './drift-verdict.ts'
import { walk } from './drift-walk.ts'

/**
 * One change. `object` and `path` (schema, relation, column …; for an extension or schema, its name alone) identify the
 * object. An added or removed object is included whole, as `after` or `before`; a column also has its position in the
 * table. For a changed object, `what` is the property, and an absent side means that the property is absent. `with`
 * lists the sequences that were added or removed with it because its columns own them.
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
  /**
   * `breaking`: something that worked fails, or a protection is gone. `risky`: something may behave differently.
   * `safe`: neither.
   */
  class: z.enum(['breaking', 'risky', 'safe']),
  reason: z.string(),
})
export type Change = z.infer<typeof Change>

/** True if the snapshot covers the schema, even if only to say that no such schema exists. */
export function covers(snapshot: Snapshot, schema: string): boolean {
  return snapshot.schemasAsked?.includes(schema) ?? !snapshot.excludedSchemas.includes(schema)
}

/**
 * Lists the changes from one snapshot to another, over the schemas that both cover, in snapshot order. If the formats
 * differ, only properties that both formats hold are compared.
 *
 * `drift(a, a)` is empty, and `drift(b, a)` is `drift(a, b)` with added and removed, and before and after, swapped;
 * only classes and reasons depend on the direction.
 */
export function drift(before: Snapshot, after: Snapshot): Change[] {
  const changes: Change[] = []
  eachChange(before, after, change => changes.push(change))
  return changes
}

/**
 * Passes the changes of `drift` to `tell` one by one, so that a caller that only counts them does not hold them in
 * memory.
 *
 * The time is that of sorting the names and otherwise linear. The stack is as deep as a snapshot, whatever the number
 * of objects and changes, because the owner of the database decides the size of both snapshots.
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
