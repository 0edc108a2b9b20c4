/**
 * Batches of maintenance work: short transactions that release their locks quickly and that nobody waits for. Called by
 * the code that deletes old rows.
 */
import { type RawBuilder, sql } from 'kysely'
import { codeOf } from '#server/store/connection/availability.ts'
import { transaction } from '#server/store/database/db.ts'
import type { Db, Tx } from '#server/store/tables/tables.ts'

/** The default and maximum number of rows that one batch changes; measured in docs/operations.md. */
export const BATCH = 256
/** The smallest batch. It may take up to the deadline of every statement, since slow rows must be deleted too. */
export const SMALLEST_BATCH = 8
/** How long a batch that may hold locks waits for another lock, and how long one of its statements may take. */
const LOCK_MS = 50
const STATEMENT_MS = 80

/** Thrown for a batch that would have held its locks for too long; it changed nothing. A smaller batch may succeed. */
export class BatchTooLarge extends Error {
  constructor(cause: unknown) {
    super('a batch of old rows took too long', { cause })
    this.name = 'BatchTooLarge'
  }
}

/**
 * Runs one batch, which returns whether more may remain. It commits asynchronously: a crash only undoes deletions that
 * the next run repeats, and nothing written later depends on them. A batch that would wait for a lock does nothing and
 * returns false; the next run retries it. `size` is the number of rows it may change. Throws `BatchTooLarge` for any
 * but the smallest batch.
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

/** Runs one statement as a batch; more may remain if it changed as many rows as the limit in its SQL allows. */
export function batch(db: Db, size: number, statement: RawBuilder<unknown>): Promise<boolean> {
  return briefly(db, size, async tx => isFull((await statement.execute(tx)).numAffectedRows, size))
}

/**
 * The `limit` of a batch, as a literal: for a limit parameter the planner assumes a tenth of the table, and may scan
 * all of another table for it.
 */
export function limited(size: number): RawBuilder<unknown> {
  return sql`limit ${sql.lit(size)}`
}

/**
 * True if a batch was full: rows still referenced by living rows are not counted, so that they do not keep it running.
 */
export function isFull(changed: bigint | undefined, size: number): boolean {
  return Number(changed ?? 0n) >= size
}

/** True for an error that means that a lock was not available in time. */
export function isLockNotAvailable(error: unknown): boolean {
  return codeOf(error) === '55P03'
}
