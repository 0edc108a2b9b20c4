/**
 * Forgets old changes, of every organization: the lowest numbers first, so that what is left of an organization goes on without a
 * gap, and a reader sees by one row whether something before it is gone. Any worker may, at any time.
 */
import { sql } from 'kysely'
import { adopt, unnumbered } from './change-reads.ts'
import type { Db } from './db.ts'

/** How many rows one batch removes at most. */
const BATCH = 1_000

/** Removes a batch of changes older than `before`; true when there may be more. */
export async function forgetBatch(db: Db, before: Date): Promise<boolean> {
  // What processes of the last release wrote is numbered even where nobody watches, or its end would be silent.
  const others = await unnumbered(db, null)
  for (const org of others) await adopt(db, org)
  const removed = [await forgetNumbered(db, before), await forgetUnnumbered(db, before)]
  return others.length > 0 || removed.includes(BATCH)
}

/** Looks without a lock for the lowest rows of each organization up to the first one that is kept, then removes them by number. */
async function forgetNumbered(db: Db, before: Date): Promise<number> {
  const { rows } = await sql<{ org: string; upTo: number }>`
    select o.org_id as org, max(k.n) as "upTo" from (
      select c.org_id, count(*) as found from (
        select org_id from changes where at < ${before} and n > 0 order by at limit ${BATCH}) c
      group by c.org_id) o
    cross join lateral (
      select f.n, bool_and(f.at < ${before}) over (order by f.n) as is_old from (
        select c.n, c.at from changes c where c.org_id = o.org_id and c.n > 0 order by c.n limit o.found) f) k
    where k.is_old group by o.org_id
  `.execute(db)
  const gone = await sql`
    delete from changes c using unnest(${rows.map(row => row.org)}::uuid[], ${rows.map(row => row.upTo)}::bigint[]) as k (org, n)
    where c.org_id = k.org and c.n <= k.n and c.n > 0 and c.at < ${before}
  `.execute(db)
  return Number(gone.numAffectedRows ?? 0n)
}

/** Rows from before there were numbers. */
async function forgetUnnumbered(db: Db, before: Date): Promise<number> {
  const gone = await sql`
    delete from changes where (org_id, id) in (
      select org_id, id from changes where at < ${before} and n = 0 order by at limit ${BATCH})
  `.execute(db)
  return Number(gone.numAffectedRows ?? 0n)
}
