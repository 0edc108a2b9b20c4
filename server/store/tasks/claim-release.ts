/**
 * Releases claims without settling them. The claim is void afterwards: work that is still being aborted must not settle
 * a task that it did not complete. Claiming and settling are in `claims.ts`.
 */

import type { Db } from '#server/store/tables/tables.ts'
import { type Claim, isHeld } from './claims.ts'

/** Releases a claim, due again at `dueAt`, as if it had never been made. */
export async function release(db: Db, held: Claim, dueAt: Date): Promise<void> {
  await giveBack(db, held, { due_at: dueAt })
}

/** Releases a claim after our own failure: the next retry waits longer. */
export async function releaseFailed(db: Db, held: Claim, dueAt: Date): Promise<void> {
  await giveBack(db, held, { due_at: dueAt, attempts: held.attempts })
}

/** Releases a claim that was aborted on its first attempt: due now, but after all tasks that have not hung. */
export async function releaseHung(db: Db, held: Claim, now: Date): Promise<void> {
  await giveBack(db, held, { due_at: now, hung: true })
}

async function giveBack(db: Db, held: Claim, set: { due_at: Date; attempts?: number; hung?: boolean }): Promise<void> {
  await db
    .updateTable('tasks')
    .set(eb => ({ ...set, locked_until: null, token: eb('token', '+', 1) }))
    .where(isHeld(held))
    .execute()
}
