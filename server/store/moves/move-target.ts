/**
 * The target's side of a move: the copy of an organization, which nobody reads or writes until it goes live, and the
 * step that makes it live. Each step is a repeatable transaction of its own. An operator's command calls it.
 */
import { sql } from 'kysely'
import * as audit from '#server/store/access/audit.ts'
import { transaction } from '#server/store/database/db.ts'
import { isLockNotAvailable } from '#server/store/installation/batches.ts'
import type { Db, Tx } from '#server/store/tables/tables.ts'
import { type TablePart, writeLines } from './move-rows.ts'

/** Writes the organization's own row, marked as a copy that is not live yet. */
export async function arrive(
  db: Db,
  part: TablePart,
  { lines, moveId }: { lines: readonly string[]; moveId: string },
): Promise<void> {
  await transaction(db, async tx => {
    await writeLines(tx, part, lines)
    await sql`
      update organizations set moving_at = clock_timestamp(), frozen_at = clock_timestamp(), arriving_at = clock_timestamp(),
        moved_at = null, move_id = ${moveId}::uuid
      where id = ${part.org} and (move_id is null or move_id = ${moveId}::uuid)
    `.execute(tx)
  })
}

/**
 * Creates the month partitions for these times; otherwise older rows in the default partition would block their
 * creation later.
 */
export async function makeMonths(db: Db, days: readonly { parent: string; at: Date }[]): Promise<void> {
  for (const { parent, at } of days) {
    // Each attempt waits for less time than a request may, because the tables are in use.
    for (let tries = 0; ; tries += 1) {
      try {
        await sql`select make_month_of(${parent}, ${at}::timestamptz)`.execute(db)
        break
      } catch (error) {
        if (!isLockNotAvailable(error) || tries >= TRIES) throw error
      }
    }
  }
}

const TRIES = 100

/** The months in which an organization has rows, each as its first instant in UTC. */
export async function monthsOf(db: Db, org: string): Promise<{ parent: string; at: Date }[]> {
  // The first 48 bits of a UUIDv7 are milliseconds since 1970 (RFC 9562 §5.7).
  const { rows } = await sql<{ parent: string; at: Date }>`
    select distinct parent, date_trunc('month', to_timestamp(
      ('x' || lpad(replace(left(id::text, 13), '-', ''), 16, '0'))::bit(64)::bigint / 1000.0), 'UTC') as at
    from (select 'verifications' as parent, id from verifications where org_id = ${org}::uuid
      union all select 'audit_events', id from audit_events where org_id = ${org}::uuid) as ids
  `.execute(db)
  return rows
}

/** True if the organization was here once and only its record of having moved away remains. */
export async function tombstoneOf(db: Db, org: string): Promise<boolean> {
  const { rows } = await sql`select from organizations where id = ${org} and moved_at is not null`.execute(db)
  return rows.length > 0
}

/** Makes the copy live from this commit on. False if it already was, or belongs to another move. */
export async function goLive(
  db: Db,
  { org, moveId, event }: { org: string; moveId: string; event: audit.AuditRow },
): Promise<boolean> {
  return transaction(db, async (tx: Tx) => {
    const { rows } = await sql`
      update organizations set moving_at = null, frozen_at = null, arriving_at = null
      where id = ${org} and move_id = ${moveId}::uuid and arriving_at is not null returning id
    `.execute(tx)
    if (rows.length === 0) return false
    await audit.append({ org, tx, actor: event.actor, now: event.at }, event)
    return true
  })
}
