/**
 * What has happened to datasources, in an order that no reader can miss a row of. Written in the transaction of a change,
 * read by one feed in each web process.
 */
import { sql } from 'kysely'
import type { Db, Tx } from './db.ts'

/** What can happen to a datasource. */
export type Change = 'registered' | 'updated' | 'rotated' | 'verified' | 'removed' | 'introspected' | 'drifted'

/** A place in the order of changes: transaction, then number. */
export interface Position {
  readonly xid: string
  readonly id: number
}

/** One change and where it stands. */
export interface ChangeRow extends Position {
  readonly organizationId: string
  readonly datasourceId: string
  readonly change: Change
}

/** Appends a change, in the transaction of what it tells of. */
export async function append(
  tx: Tx,
  org: string,
  entry: { datasourceId: string; change: Change; at: Date },
): Promise<void> {
  await tx
    .insertInto('changes')
    .values({ org_id: org, datasource_id: entry.datasourceId, change: entry.change, at: entry.at })
    .execute()
}

/**
 * The oldest transaction of this snapshot that may still append a change: a transaction of another database of the server
 * cannot, and may be open for hours. One that cannot be told apart is waited for.
 */
const HORIZON = sql`(
  select coalesce(min(x.xid), pg_snapshot_xmax(pg_current_snapshot()))
  from pg_snapshot_xip(pg_current_snapshot()) as x(xid)
  where not exists (
    select from pg_locks l join pg_stat_activity a on a.pid = l.pid
    where l.locktype = 'transactionid' and l.granted and l.transactionid = x.xid::xid
      and a.datid <> (select d.oid from pg_database d where d.datname = current_database())))`

/** The place after everything that may be read now. Of all organizations: a feed begins here. */
export async function latest(db: Db): Promise<Position> {
  const { rows } = await sql<{ xid: string }>`select ${HORIZON}::text as xid`.execute(db)
  const xid = rows[0]?.xid
  if (xid === undefined) throw new Error('the database told no snapshot')
  return { xid, id: 0 }
}

/**
 * Changes after a place, oldest first, at most `limit`; of one organization, or of all for the feed of a process, which
 * gives each to those whose it is.
 */
export async function after(
  db: Db,
  ask: { organizationId: string | null; position: Position; limit: number },
): Promise<ChangeRow[]> {
  const { organizationId, position, limit } = ask
  const { rows } = await sql<ChangeRow>`
    select org_id as "organizationId", id, xid::text as xid, datasource_id as "datasourceId", change from changes
    where (xid, id) > (${position.xid}::xid8, ${position.id}::bigint) and xid < ${HORIZON}
      and (${organizationId}::uuid is null or org_id = ${organizationId}::uuid)
    order by xid, id limit ${limit}
  `.execute(db)
  return rows
}

/** Forgets changes older than `before`, of every organization. */
export async function sweep(db: Db, before: Date): Promise<void> {
  await db.deleteFrom('changes').where('at', '<', before).execute()
}
