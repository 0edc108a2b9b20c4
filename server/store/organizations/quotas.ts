/**
 * The quotas of an organization. Datasources are counted in a row that is incremented only while there is room; keys
 * and capabilities, which also expire, are counted under a lock. Concurrent processes cannot exceed a quota.
 */

import { sql } from 'kysely'
import type { Db } from '#server/store/tables/tables.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'
import { isUnrevoked } from '#server/store/tokens/revocations.ts'

/** The quotas of an organization. */
export interface Quotas {
  readonly datasources: number
  readonly keys: number
  readonly capabilities: number
}

/** Counts a datasource as removed, in the transaction that removes it. */
export async function release({ tx, org }: UnitOfWork): Promise<void> {
  await tx
    .updateTable('quotas')
    .set(eb => ({ datasources: eb('datasources', '-', 1) }))
    .where('org_id', '=', org)
    .where('datasources', '>', 0)
    .execute()
}

/**
 * Until the transaction ends, no one else creates, counts or revokes entries of this table for the organization. If
 * both tables are locked, `api_keys` comes first.
 */
export async function lock({ tx, org }: UnitOfWork, table: 'api_keys' | 'capabilities'): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtext('mooring quota'), hashtext(${`${table} ${org}`}))`.execute(tx)
}

/** A shared lock for callers who only need to exclude revocations and do not block each other. */
export async function lockShared({ tx, org }: UnitOfWork, table: 'capabilities'): Promise<void> {
  await sql`select pg_advisory_xact_lock_shared(hashtext('mooring quota'), hashtext(${`${table} ${org}`}))`.execute(tx)
}

/**
 * True if the organization may have one more. Other callers wait until the transaction ends, so that of two concurrent
 * calls the second counts the first one's insert. Only living entries count: neither revoked nor expired.
 */
export async function hasRoom(
  unit: UnitOfWork,
  ask: { table: 'api_keys' | 'capabilities'; max: number },
): Promise<boolean> {
  const { tx, org, now } = unit
  await lock(unit, ask.table)
  return (await livingOf(tx, org, { ...ask, now })) < ask.max
}

/** The number of entries that are neither revoked nor expired, counted up to `max`. Takes no lock: for readers. */
export async function livingOf(
  db: Db,
  org: string,
  ask: { table: 'api_keys' | 'capabilities'; max: number; now: Date },
): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from (
      select 1 from ${sql.table(ask.table)} t
      where t.org_id = ${org} and ${isUnrevoked(ask.table === 'api_keys' ? 'key' : 'capability', 't')}
        and (t.expires_at is null or t.expires_at > ${ask.now})
      limit ${ask.max}) as living
  `.execute(db)
  return Number(rows[0]?.count ?? 0)
}

/** The number of datasources of the organization, as counted in its row. */
export async function datasourcesOf(db: Db, org: string): Promise<number> {
  const row = await db.selectFrom('quotas').select('datasources').where('org_id', '=', org).executeTakeFirst()
  return row?.datasources ?? 0
}
