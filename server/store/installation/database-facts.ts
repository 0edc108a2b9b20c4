/**
 * Facts about our own database for an operator: its release, whether it accepts writes, and its applied and missing
 * migrations. Read-only; called by the operator's `status`.
 */
import { sql } from 'kysely'
import type { Db } from '#server/store/tables/tables.ts'
import { isOfLaterRelease, pendingMigrations } from './migrate.ts'

/** Facts about our own database. */
export interface DatabaseFacts {
  readonly serverVersion: string
  readonly takesWrites: boolean
  readonly pending: readonly string[]
  /** True if it has a migration that this release does not know. */
  readonly isLater: boolean
  /** True if rows lie outside all month partitions. False if the tables do not exist yet. */
  readonly isOverflowing: boolean
}

/** Reads the facts. */
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

/** True if the audit record or the verifications have rows outside all month partitions. */
export async function isOverflowing(db: Db): Promise<boolean> {
  const { rows } = await sql<{ found: boolean }>`select exists (select from overflowing_months()) as found`.execute(db)
  return rows[0]?.found === true
}
