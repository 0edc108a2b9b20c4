/**
 * How much an organization may have. Datasources are counted in a row, which is changed only while there is room; keys and
 * capabilities, which also end by the clock, are counted under a lock. No process can pass another on the way.
 */
import { sql } from 'kysely'
import type { Db, Tx } from '#server/store/tables/tables.ts'
import { isUnrevoked } from '#server/store/tokens/revocations.ts'

/** The quotas of an organization. */
export interface Quotas {
  readonly datasources: number
  readonly keys: number
  readonly capabilities: number
}

/** Counts a datasource as gone, in the transaction that removes it. */
export async function release(tx: Tx, org: string): Promise<void> {
  await tx
    .updateTable('quotas')
    .set(eb => ({ datasources: eb('datasources', '-', 1) }))
    .where('org_id', '=', org)
    .where('datasources', '>', 0)
    .execute()
}

/**
 * Until the transaction ends, nobody else makes, counts or revokes what is in this table of the organization. Of both tables
 * that of the keys is locked first.
 */
export async function lock(tx: Tx, org: string, table: 'api_keys' | 'capabilities'): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtext('mooring quota'), hashtext(${`${table} ${org}`}))`.execute(tx)
}

/** The same for those who only need that nothing is revoked meanwhile, and do not keep each other waiting. */
export async function lockShared(tx: Tx, org: string, table: 'capabilities'): Promise<void> {
  await sql`select pg_advisory_xact_lock_shared(hashtext('mooring quota'), hashtext(${`${table} ${org}`}))`.execute(tx)
}

/**
 * True when the organization may have one more. Until the transaction ends no other one is answered, so that of two at
 * once the second counts what the first has made. Only living ones count: neither revoked nor expired.
 */
export async function hasRoom(
  tx: Tx,
  org: string,
  ask: { table: 'api_keys' | 'capabilities'; max: number; now: Date },
): Promise<boolean> {
  await lock(tx, org, ask.table)
  return (await livingOf(tx, org, ask)) < ask.max
}

/** How many there are that are neither revoked nor expired, counted up to `max`. Takes no lock: for a reader. */
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

/** How many datasources the organization has, as its row counts them. */
export async function datasourcesOf(db: Db, org: string): Promise<number> {
  const row = await db.selectFrom('quotas').select('datasources').where('org_id', '=', org).executeTakeFirst()
  return row?.datasources ?? 0
}
