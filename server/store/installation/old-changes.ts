/**
 * Deletes old changes of every organization, the lowest numbers first, so that the rest of an organization has no gaps
 * and a reader sees from a single row whether anything before it was deleted. Any worker may run it, at any time.
 */
import { sql } from 'kysely'
import { adopt, unnumbered } from '#server/store/changes/change-reads.ts'
import { BATCH, batch, isFull, limited } from '#server/store/installation/batches.ts'
import type { Db, Tx } from '#server/store/tables/tables.ts'

/** Deletes a batch of changes older than `before`; true if more may remain. */
export async function purgeBatch(db: Db, before: Date, size: number = BATCH): Promise<boolean> {
  // Changes written by processes of the last release are numbered even without a subscriber; otherwise their deletion
  // would go unnoticed.
  const others = await unnumbered(db, null)
  for (const org of others) await adopt(db, org)
  return (await purgeUnnumbered(db, before, size)) || (await purgeNumbered(db, before, size)) || others.length > 0
}

/**
 * Finds, without a lock, each organization's lowest rows up to the first one that is kept, then deletes them by number.
 * It starts from the lowest number, not from 1: until the next vacuum the index still holds deleted entries, which each
 * batch would have to skip.
 */
async function purgeNumbered(db: Db, before: Date, size: number): Promise<boolean> {
  const { rows } = await sql<{ org: string; from: number; upTo: number }>`
    select o.org_id as org, min(k.n) as from, max(k.n) as "upTo" from (
      select c.org_id, count(*) as found from (
        select org_id from changes where at < ${before} and n > 0 order by at ${limited(size)}) c
      group by c.org_id) o
    cross join lateral (
      select f.n, bool_and(f.at < ${before}) over (order by f.n) as is_old from (
        select c.n, c.at from changes c where c.org_id = o.org_id and c.n > 0 order by c.n limit o.found) f) k
    where k.is_old group by o.org_id
  `.execute(db)
  return batch(
    db,
    size,
    sql`
    delete from changes c using unnest(${rows.map(row => row.org)}::uuid[], ${rows.map(row => row.from)}::bigint[],
      ${rows.map(row => row.upTo)}::bigint[]) as k (org, lowest, highest)
    where c.org_id = k.org and c.n between k.lowest and k.highest and c.n > 0 and c.at < ${before}`,
  )
}

/**
 * Deletes rows from before numbering began, which are the oldest: if there are none, it reads at most one batch of
 * other rows.
 */
function purgeUnnumbered(db: Db, before: Date, size: number): Promise<boolean> {
  return batch(
    db,
    size,
    sql`
      delete from changes where (org_id, id) in (
        select org_id, id from (
          select org_id, id, n from changes where at < ${before} order by at ${limited(size)}) oldest where n = 0)`,
  )
}

/**
 * Deletes a batch of the changes of a removed datasource, together with all changes of lower numbers, whatever their
 * age: if a number were missing between two others, a subscriber would never learn of the removal. True if more may
 * remain.
 */
export async function purgeWith(tx: Tx, { org, id }: { org: string; id: string }, size: number): Promise<boolean> {
  const numbered = await sql`
    delete from changes where org_id = ${org} and n > 0 and n in (
      select n from changes where org_id = ${org} and n > 0
        and n <= (select max(n) from changes where org_id = ${org} and datasource_id = ${id})
      order by n ${limited(size)})
  `.execute(tx)
  if (isFull(numbered.numAffectedRows, 1)) return true
  const others = await sql`
    delete from changes where org_id = ${org} and datasource_id = ${id} and id in (
      select id from changes where org_id = ${org} and datasource_id = ${id} ${limited(size)})
  `.execute(tx)
  return isFull(others.numAffectedRows, 1)
}
