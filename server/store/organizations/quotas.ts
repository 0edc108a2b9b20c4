/**
 * How much an organization may have. Datasources are counted in a row whose check refuses the one too many; keys and
 * capabilities, which also end by the clock, are counted under a lock. No process can pass another on the way.
 */
import { sql } from 'kysely'
import type { Tx } from '#server/store/tables/tables.ts'

/** What an organization may have at most of each. */
export interface Quotas {
  readonly datasources: number
  readonly keys: number
  readonly capabilities: number
}

const FULL = 'quotas_datasources_check'

/** True for the error of a statement that would have registered one datasource too many. It has changed nothing. */
export function isFull(error: unknown): boolean {
  return error instanceof Error && Reflect.get(error, 'constraint') === FULL
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
  const living = tx
    .selectFrom(ask.table)
    .select('id')
    .where('org_id', '=', org)
    .where('revoked_at', 'is', null)
    .where(eb => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', ask.now)]))
    .limit(ask.max)
  const { count } = await tx
    .selectFrom(living.as('living'))
    .select(eb => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return count < ask.max
}
