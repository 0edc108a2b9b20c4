/**
 * Holds a claim during its work: for work that commits in several steps, each of which must verify that the claim is
 * still its own. Claiming and settling are in `claims.ts`.
 */

import type { Db, Tx } from '#server/store/tables/tables.ts'
import { type Claim, isHeld } from './claims.ts'

/**
 * Extends a claim in the transaction of an effect before the end of its work. False if the claim was lost: the effect
 * must then write nothing, since another worker may have restarted the work. Locks the task's row until the transaction
 * ends, so that no other worker takes the claim in the meantime.
 */
export async function extend(tx: Tx, held: Claim, until: Date): Promise<boolean> {
  const rows = await tx.updateTable('tasks').set({ locked_until: until }).where(isHeld(held)).returning('id').execute()
  return rows.length === 1
}

/** As `extend`, for work that ends with the transaction: locks the row and leaves the claim's deadline unchanged. */
export async function assertHeld(tx: Tx, held: Claim): Promise<boolean> {
  const row = await tx.selectFrom('tasks').select('id').where(isHeld(held)).forNoKeyUpdate().executeTakeFirst()
  return row !== undefined
}

/** As `assertHeld`, but false for a settled or released claim too: if its process died, how far it came is unknown. */
export async function isClaimed(tx: Tx, held: Claim): Promise<boolean> {
  const row = await tx
    .selectFrom('tasks')
    .select('id')
    .where(isHeld(held))
    .where('locked_until', 'is not', null)
    .forNoKeyUpdate()
    .executeTakeFirst()
  return row !== undefined
}

/** True if the task was created after `since`, which bounds how long its caller has waited. */
export async function isMadeSince(db: Db, held: Claim, since: Date): Promise<boolean> {
  const row = await db
    .selectFrom('tasks')
    .select('id')
    .where('org_id', '=', held.organizationId)
    .where('id', '=', held.id)
    .where('created_at', '>', since)
    .executeTakeFirst()
  return row !== undefined
}
