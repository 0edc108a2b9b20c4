/**
 * Batches of upkeep: transactions that hold their locks for a moment, and that nobody waits for. Called by what forgets old rows.
 */
import { type RawBuilder, sql } from 'kysely'
import { codeOf } from '#server/store/connection/availability.ts'
import { transaction } from '#server/store/database/db.ts'
import type { Db, Tx } from '#server/store/tables/tables.ts'

/** How many rows one batch changes where nobody says how many, and at most; measured in docs/operations.md. */
export const BATCH = 256
/** The smallest batch. It takes the time that it needs, up to the deadline of every statement: what is slow by itself must go as well. */
export const SMALLEST_BATCH = 8
/** How long a batch waits for a lock while it may hold others, and how long one of its statements may take. */
const LOCK_MS = 50
const STATEMENT_MS = 80

/** Thrown for a batch that would have held its locks for too long: it has changed nothing. A smaller one may do. */
export class BatchTooLarge extends Error {
  constructor(cause: unknown) {
    super('a batch of old rows took too long', { cause })
    this.name = 'BatchTooLarge'
  }
}

/**
 * Runs one batch, which says whether there may be more. Its locks go without waiting for the disk: what a crash takes back is forgotten
 * again at the next turn, and nothing that comes later is kept without it. One that would have to wait for a lock does nothing and answers false:
 * it is tried again at the next turn. `size` is how many rows it may change. Throws `BatchTooLarge` for one that is not the smallest.
 */
export async function briefly(db: Db, size: number, work: (tx: Tx) => Promise<boolean>): Promise<boolean> {
  try {
    return await transaction(db, async tx => {
      const statement = size > SMALLEST_BATCH ? `; set local statement_timeout = '${STATEMENT_MS}ms'` : ''
      await sql
        .raw(`set local synchronous_commit = off; set local lock_timeout = '${LOCK_MS}ms'${statement}`)
        .execute(tx)
      return work(tx)
    })
  } catch (error) {
    if (isLockNotAvailable(error)) return false
    if (codeOf(error) === '57014') throw new BatchTooLarge(error)
    throw error
  }
}

/** Runs one statement as a batch; there may be more when it has changed as many rows as it may, which its text says. */
export function batch(db: Db, size: number, statement: RawBuilder<unknown>): Promise<boolean> {
  return briefly(db, size, async tx => isFull((await statement.execute(tx)).numAffectedRows, size))
}

/**
 * The `limit` of a batch. It is written into the text: for a limit that is a parameter a plan expects a tenth of the table, and reads
 * the whole of another one for it.
 */
export function limited(size: number): RawBuilder<unknown> {
  return sql`limit ${sql.lit(size)}`
}

/** True when a batch was full: what a living row refers to is not counted, and does not keep this going. */
export function isFull(changed: bigint | undefined, size: number): boolean {
  return Number(changed ?? 0n) >= size
}

/** True for an error that says so: a lock that was not to be had in time. */
export function isLockNotAvailable(error: unknown): boolean {
  return codeOf(error) === '55P03'
}
