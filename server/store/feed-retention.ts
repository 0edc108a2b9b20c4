/**
 * What feeds forget: payloads of events that have passed their time, answers to old pushes, and everything of datasources
 * that were removed. In batches, so that no poll waits long for a lock. Any worker may, at any time.
 */
import { sql } from 'kysely'
import { type Db, type Tx, transaction } from './db.ts'

/** How many rows one batch changes at most. */
const BATCH = 2_000

interface Old {
  readonly org: string
  readonly id: string
  readonly from: number
}

/**
 * Turns one batch of events stored before `before` into tombstones, all of one feed; false when there was none. The ids
 * stay: a page that is repeated must not bring them back. Waits for a poll that stores a page: a feed that is always busy
 * would else be passed over for ever.
 */
export async function blankBatch(db: Db, before: Date): Promise<boolean> {
  return transaction(db, async tx => {
    const { rows } = await sql<Old>`
      select org_id as org, datasource_id as id, removed_to as from from feeds
      where oldest_at < ${before} order by oldest_at limit 1 for no key update
    `.execute(tx)
    const old = rows[0]
    if (old === undefined) return false
    await blank(tx, old, before)
    return true
  })
}

async function blank(tx: Tx, old: Old, before: Date): Promise<void> {
  const where = sql`org_id = ${old.org} and datasource_id = ${old.id}`
  const { rows } = await sql<{ position: number }>`
    with batch as (
      select position, stored_at from feed_events where ${where} and position > ${old.from}
      order by position limit ${BATCH})
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

/** Removes one batch of what is left of feeds whose datasource was removed; false when there was nothing. */
export async function clearBatch(db: Db): Promise<boolean> {
  return transaction(db, async tx => {
    const { rows } = await sql<{ org: string; id: string }>`
      select f.org_id as org, f.datasource_id as id from feeds f
      join datasources d on d.org_id = f.org_id and d.id = f.datasource_id
      where d.deleted_at is not null limit 1 for update of f skip locked
    `.execute(tx)
    const gone = rows[0]
    if (gone === undefined) return false
    const where = sql`org_id = ${gone.org} and datasource_id = ${gone.id}`
    const events = await sql`
      delete from feed_events where ${where} and position in (
        select position from feed_events where ${where} order by position limit ${BATCH})
    `.execute(tx)
    if (Number(events.numAffectedRows ?? 0n) === BATCH) return true
    await sql`delete from feed_pushes where ${where}`.execute(tx)
    await sql`delete from feeds where ${where}`.execute(tx)
    return true
  })
}

/** Forgets what was answered to pushes before `before`. */
export async function forgetPushes(db: Db, before: Date): Promise<void> {
  await db.deleteFrom('feed_pushes').where('at', '<', before).execute()
}
