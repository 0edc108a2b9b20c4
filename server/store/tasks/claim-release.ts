/**
 * Claims that are given back unsettled. The claim is void from then on: work that is still being cut off must not settle what
 * it could not do. Claiming and settling are in `claims.ts`.
 */

import type { Db } from '#server/store/tables/tables.ts'
import { type Claim, isHeld } from './claims.ts'

/** Gives a claim back undone, due at `dueAt`, as if it had never been made. */
export async function release(db: Db, held: Claim, dueAt: Date): Promise<void> {
  await giveBack(db, held, { due_at: dueAt })
}

/** Releases a claim after our own failure: the next try waits longer. */
export async function releaseFailed(db: Db, held: Claim, dueAt: Date): Promise<void> {
  await giveBack(db, held, { due_at: dueAt, attempts: held.attempts })
}

/** The same for what was cut off at its first try: due now, behind everything that has not hung. */
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
