/**
 * Limits the number of snapshots kept of a datasource.
 * The worker calls it in the transaction that stores another one.
 */

import { sql } from 'kysely'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'

/** The limits per datasource: the number of snapshots, and their packed bytes as stored. */
export const KEPT_SNAPSHOTS = { count: 100, bytes: 64 << 20 } as const

/**
 * Deletes a datasource's snapshots beyond `KEPT_SNAPSHOTS`, those with the oldest `seen_at` first. The newest stays,
 * and so does the newest of all schemas: repeated introspections of one schema must not hide the next drift. Snapshots
 * that refer to a deleted one no longer have a predecessor. The lengths are read without the bytes.
 */
export async function trim({ tx, org }: UnitOfWork, datasourceId: string): Promise<void> {
  const { rows } = await sql<{ id: string }>`
    with ranked as (
      select id, row_number() over newest as place,
        sum(octet_length(content) + octet_length(observed)) over newest as bytes,
        row_number() over (partition by schemas_asked is null order by seen_at desc, id desc) = 1 as is_newest
      from snapshots where org_id = ${org} and datasource_id = ${datasourceId}
      window newest as (order by seen_at desc, id desc)
    )
    select id from ranked
    where not is_newest and (place > ${KEPT_SNAPSHOTS.count} or bytes > ${KEPT_SNAPSHOTS.bytes})
  `.execute(tx)
  const old = rows.map(({ id }) => id)
  if (old.length === 0) return
  await sql`
    update snapshots set previous_id = null, breaking = null, risky = null, safe = null
    where org_id = ${org} and previous_id = any(${old}::uuid[]) and id <> all(${old}::uuid[])
  `.execute(tx)
  await sql`delete from snapshots where org_id = ${org} and id = any(${old}::uuid[])`.execute(tx)
}
