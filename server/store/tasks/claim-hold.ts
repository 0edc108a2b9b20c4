/**
 * The hold on a claim while its work goes on: for work that commits in several steps, each of which must know that the claim
 * is still its own. Claiming and settling are in `claims.ts`.
 */

import type { Db, Tx } from '#server/store/tables/tables.ts'
import { type Claim, isHeld } from './claims.ts'

/**
 * Prolongs a claim in the transaction of an effect that comes before the end of its work. False when the claim was lost:
 * then nothing of that effect may be written, since another worker may have begun anew. Holds the task's row until the
 * transaction ends, so that nobody takes the claim meanwhile.
 */
export async function extend(tx: Tx, held: Claim, until: Date): Promise<boolean> {
  const rows = await tx.updateTable('tasks').set({ locked_until: until }).where(isHeld(held)).returning('id').execute()
  return rows.length === 1
}

/** The same for work that ends with the transaction: the row is held, and its time stays. */
export async function assertHeld(tx: Tx, held: Claim): Promise<boolean> {
  const row = await tx.selectFrom('tasks').select('id').where(isHeld(held)).forNoKeyUpdate().executeTakeFirst()
  return row !== undefined
}

/** As `holds`, and false for a claim that was settled or given back: of a process that died it is not known how far it came. */
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

/** Whether the task was made after `since`: how long its caller may have waited. */
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
