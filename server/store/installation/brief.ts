/**
 * Batches of upkeep: transactions that hold their locks for a moment, and that nobody waits for. Called by what forgets old rows.
 */
import { type RawBuilder, sql } from 'kysely'
import { transaction } from '#server/store/database/db.ts'
import type { Db, Tx } from '#server/store/tables/tables.ts'

/** How many rows one batch changes at most; measured in docs/operations.md. */
export const BATCH = 250
/** How long a batch waits for a lock while it may hold others. */
const LOCK_MS = 100

/**
 * Runs one batch, which says whether there may be more. One that would have to wait for a lock does nothing and answers false:
 * it is tried again at the next turn.
 */
export async function briefly(db: Db, work: (tx: Tx) => Promise<boolean>): Promise<boolean> {
  try {
    return await transaction(db, async tx => {
      await sql.raw(`set local lock_timeout = '${LOCK_MS}ms'`).execute(tx)
      return work(tx)
    })
  } catch (error) {
    if (isLockNotAvailable(error)) return false
    throw error
  }
}

/** Runs one statement as a batch; there may be more when it has changed as many rows as one may. */
export function batch(db: Db, statement: RawBuilder<unknown>): Promise<boolean> {
  return briefly(db, async tx => isFull((await statement.execute(tx)).numAffectedRows))
}

/** True when a batch was full: what a living row refers to is not counted, and does not keep this going. */
export function isFull(changed: bigint | undefined): boolean {
  return Number(changed ?? 0n) >= BATCH
}

/** True for an error that says so: a lock that was not to be had in time. */
export function isLockNotAvailable(error: unknown): boolean {
  return error instanceof Error && Reflect.get(error, 'code') === '55P03'
}
