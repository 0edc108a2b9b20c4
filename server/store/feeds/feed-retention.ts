/**
 * The retention of feeds: payloads of expired events, answers to old pushes, and all rows of removed datasources. It
 * works in batches, so that no poll waits long for a lock.
 */
import { sql } from 'kysely'
import { transaction } from '#server/store/database/db.ts'
import { BATCH, batch, briefly, isFull, isLockNotAvailable, limited } from '#server/store/installation/batches.ts'
import type { Db, Tx } from '#server/store/tables/tables.ts'

interface Old {
  readonly org: string
  readonly id: string
  readonly from: number
}

/**
 * Turns one batch of events stored before `before` into tombstones, all of one feed; false if there was none. The ids
 * stay, because a repeated page must not store the events again. It waits for a poll that is storing a page: otherwise
 * a feed that is always busy would never be cleaned up.
 */
export async function blankBatch(db: Db, before: Date, size: number = BATCH): Promise<boolean> {
  const { rows } = await sql<{ org: string; id: string }>`
    select org_id as org, datasource_id as id from feeds where oldest_at < ${before} order by oldest_at limit 1
  `.execute(db)
  const [feed] = rows
  if (feed === undefined) return false
  return transaction(db, async tx => {
    const held = await sql<{ org: string; id: string; from: number }>`
      select org_id as org, datasource_id as id, removed_to as from from feeds
      where org_id = ${feed.org} and datasource_id = ${feed.id} and oldest_at < ${before} for no key update
    `.execute(tx)
    for (const old of held.rows) await blank(tx, old, { before, size })
    return true
  }).catch((error: unknown) => {
    if (isLockNotAvailable(error)) return false
    throw error
  })
}

async function blank(tx: Tx, old: Old, { before, size }: { before: Date; size: number }): Promise<void> {
  const where = sql`org_id = ${old.org} and datasource_id = ${old.id}`
  const { rows } = await sql<{ position: number }>`
    with batch as (
      select position, stored_at from feed_events where ${where} and position > ${old.from}
      order by position ${limited(size)})
    update feed_events set event = null, bytes = 0 where ${where} and position in (
      select position from batch where position < coalesce(
        (select min(position) from batch where stored_at >= ${before}), 9223372036854775807))
    returning position
  `.execute(tx)
  const removedTo = rows.reduce((most, row) => Math.max(most, row.position), old.from)
  await sql`
    update feeds set removed_to = ${removedTo}, oldest_at = (
      select stored_at from feed_events where ${where} and position > ${removedTo} order by position limit 1)
    where ${where}
  `.execute(tx)
}

/** Deletes one batch of rows of feeds whose datasource was removed; false if there was none. */
export async function clearBatch(db: Db, size: number = BATCH): Promise<boolean> {
  const { rows } = await sql<{ org: string; id: string }>`
    select f.org_id as org, f.datasource_id as id from datasources d
    join feeds f on f.org_id = d.org_id and f.datasource_id = d.id
    where d.deleted_at is not null limit 1
  `.execute(db)
  const [gone] = rows
  if (gone === undefined) return false
  return briefly(db, size, async tx => {
    const where = sql`org_id = ${gone.org} and datasource_id = ${gone.id}`
    await sql`select 1 from feeds where ${where} for update`.execute(tx)
    const events = await sql`
      delete from feed_events where ${where} and position in (
        select position from feed_events where ${where} order by position ${limited(size)})
    `.execute(tx)
    if (isFull(events.numAffectedRows, 1)) return true
    const pushes = await sql`
      delete from feed_pushes where ${where} and ctid = any (array(select ctid from feed_pushes where ${where} ${limited(size)}))
    `.execute(tx)
    if (isFull(pushes.numAffectedRows, 1)) return true
    await sql`delete from feeds where ${where}`.execute(tx)
    return true
  })
}

/** Deletes a batch of the answers to pushes from before `before`. */
export function purgePushes(db: Db, before: Date, size: number = BATCH): Promise<boolean> {
  return batch(
    db,
    size,
    sql`
      with old as (
        select org_id, datasource_id, message_id, sender from feed_pushes where at < ${before} order by at ${limited(size)}
      )
      delete from feed_pushes p using old
      where p.org_id = old.org_id and p.datasource_id = old.datasource_id and p.message_id = old.message_id
        and p.sender = old.sender`,
  )
}
