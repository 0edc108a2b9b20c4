/**
 * The facts about our own database for an operator: its release, whether it takes writes, and which migrations it has and lacks.
 * Read only; called by the operator's `status`.
 */
import { sql } from 'kysely'
import type { Db } from '#server/store/tables/tables.ts'
import { isOfLaterRelease, pendingMigrations } from './migrate.ts'

/** The facts. */
export interface DatabaseFacts {
  readonly serverVersion: string
  readonly takesWrites: boolean
  readonly pending: readonly string[]
  /** It has a migration that this release does not know. */
  readonly isLater: boolean
  /** Rows that no month takes. False where the tables are not there yet. */
  readonly isOverflowing: boolean
}

/** Reads them. */
export async function readFacts(db: Db): Promise<DatabaseFacts> {
  const { rows } = await sql<{ version: string; writes: boolean }>`
    select current_setting('server_version') as version,
      not pg_is_in_recovery() and current_setting('transaction_read_only') = 'off' as writes
  `.execute(db)
  const pending = await pendingMigrations(db)
  return {
    serverVersion: (rows[0]?.version ?? '').split(' ')[0] ?? '',
    takesWrites: rows[0]?.writes === true,
    pending,
    isLater: await isOfLaterRelease(db),
    isOverflowing: pending.length === 0 && (await isOverflowing(db)),
  }
}

/** Whether the record or verifications have rows that no month takes. */
export async function isOverflowing(db: Db): Promise<boolean> {
  const { rows } = await sql<{ found: boolean }>`select exists (select from overflowing_months()) as found`.execute(db)
  return rows[0]?.found === true
}
