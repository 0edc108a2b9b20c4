/**
 * Deletes obsolete rows: old verifications, removed datasources and their dependent rows, ended leases, retired
 * credentials, revoked keys and ended capabilities. Each function deletes one batch, found through an index without a
 * lock and checked again on deletion, and returns true if more may remain. The reasons to keep a row are looked up row
 * by row, through an index: a join would read the whole other table.
 */
import { type RawBuilder, sql } from 'kysely'
import * as oldChanges from '#server/store/installation/old-changes.ts'
import type { Db, Tx } from '#server/store/tables/tables.ts'
import * as tokens from '#server/store/tokens/directory.ts'
import type { Revocable } from '#server/store/tokens/revocations.ts'
import * as revocations from '#server/store/tokens/revocations.ts'
import { BATCH, batch, briefly, isFull, limited } from './batches.ts'

/**
 * Deletes verifications made before `before`. If a datasource shows one without holding a copy, because a worker of the
 * last release recorded it, the copy is made first.
 */
export async function purgeVerifications(db: Db, before: Date, size: number = BATCH): Promise<boolean> {
  const { rows } = await sql<Gone & { isShown: boolean }>`
    select v.org_id as org, v.id, coalesce((
      select d.verification_id = v.id and d.latest_id is distinct from v.id from datasources d
      where d.org_id = v.org_id and d.id = v.datasource_id), false) as "isShown"
    from verifications v where v.at < ${before} order by v.at ${limited(size)}
  `.execute(db)
  if (rows.length === 0) return false
  const displayed = rows.filter(row => row.isShown)
  return briefly(db, size, async tx => {
    if (displayed.length > 0) await saveDisplayed(tx, displayed)
    await sql`delete from verifications v using ${listed(rows)} where v.org_id = old.org_id and v.id = old.id`.execute(
      tx,
    )
    return rows.length >= size
  })
}

async function saveDisplayed(tx: Tx, displayed: readonly Gone[]): Promise<void> {
  await sql`
    update datasources d set latest_id = v.id, latest_version = v.version, latest_outcome = v.outcome,
      latest_reason = v.reason, latest_checks = v.checks, latest_advisories = v.advisories, latest_took_ms = v.took_ms,
      latest_at = v.at
    from ${listed(displayed)} join verifications v on v.org_id = old.org_id and v.id = old.id
    where d.org_id = v.org_id and d.id = v.datasource_id and d.verification_id = v.id and d.latest_id is distinct from v.id
  `.execute(tx)
}

/** The rows that were found, as `old (org_id, id)`. */
function listed(rows: readonly Gone[]): RawBuilder<unknown> {
  return sql`unnest(${rows.map(row => row.org)}::uuid[], ${rows.map(row => row.id)}::uuid[]) as old (org_id, id)`
}

/**
 * Deletes a batch of the rows that depend on one datasource removed before `before`, and finally the datasource itself.
 */
export async function purgeDatasource(db: Db, before: Date, size: number = BATCH): Promise<boolean> {
  // A feed is deleted first, in batches of its own.
  const { rows } = await sql<{ org: string; id: string }>`
    select org_id as org, id from datasources d where deleted_at < ${before}
      and not exists (select from feeds f where f.org_id = d.org_id and f.datasource_id = d.id)
    order by deleted_at limit 1
  `.execute(db)
  const gone = rows[0]
  return gone !== undefined && briefly(db, size, tx => purgeHanging(tx, gone, { before, size }))
}

interface Gone {
  readonly org: string
  readonly id: string
}

async function purgeHanging(tx: Tx, gone: Gone, { before, size }: { before: Date; size: number }): Promise<boolean> {
  const it = sql`org_id = ${gone.org} and id = ${gone.id} and deleted_at < ${before}`
  const { rows } = await sql`select id from datasources where ${it} for update`.execute(tx)
  if (rows.length === 0) return true
  // Before the credentials: if the removal were reverted between two batches, another box could be stored under the
  // version that the verdict allows to be used.
  await sql`
    update datasources set verdict_version = null, verdict_usable = null, usable_until = null, verdict_signer_id = null,
      verdict_signature = null
    where ${it} and verdict_version is not null
  `.execute(tx)
  // Each batch runs one deleting statement: the locks of several would be held together.
  if (await oldChanges.purgeWith(tx, gone, size)) return true
  for (const hanging of HANGING) if (await removeOf(tx, gone, { ...hanging, size })) return true
  await sql`delete from datasources where ${it}`.execute(tx)
  return true
}

/**
 * The tables that depend on a datasource, in deletion order, whatever their own retention, each with the column by
 * which an index orders one datasource's rows. In any other order, each batch would read all of the organization's
 * rows.
 */
const HANGING = [
  { table: 'verifications', order: 'at' },
  { table: 'snapshots', order: 'id' },
  { table: 'leases', order: null },
  { table: 'tasks', order: null },
  { table: 'credentials', order: 'version' },
] as const

/** Newest first: a snapshot refers to an older one. */
async function removeOf(
  tx: Tx,
  { org, id }: Gone,
  { table, order, size }: (typeof HANGING)[number] & { size: number },
): Promise<boolean> {
  const key = sql.ref(table === 'credentials' ? 'version' : 'id')
  const where = sql`org_id = ${org} and datasource_id = ${id}`
  const newest = order === null ? sql`` : sql`order by ${sql.ref(order)} desc`
  const gone = await sql`
    delete from ${sql.table(table)} where ${where} and ${key} in (
      select ${key} from ${sql.table(table)} where ${where} ${newest} ${limited(size)})
  `.execute(tx)
  return isFull(gone.numAffectedRows, 1)
}

/** Sets the retirement time of credentials that lack it: processes of the last release write none. */
export function stampRetired(db: Db, now: Date, size: number = BATCH): Promise<boolean> {
  return batch(
    db,
    size,
    sql`
      with old as (
        select org_id, datasource_id, version from credentials where state = 'retired' and retired_at is null ${limited(size)}
      )
      update credentials c set retired_at = ${now} from old
      where c.org_id = old.org_id and c.datasource_id = old.datasource_id and c.version = old.version and c.retired_at is null`,
  )
}

/**
 * Deletes rows of credentials retired before `before`, of existing datasources; those of a removed one are deleted with
 * it. The newest version stays, since the next one is counted from it, and so do versions that a verdict or a live
 * lease refers to.
 */
export function purgeCredentials(db: Db, before: Date, size: number = BATCH): Promise<boolean> {
  const isOld = sql`c.state = 'retired' and c.retired_at < ${before}
    and (
      select d.deleted_at is null and d.credential_version <> c.version and d.verdict_version is distinct from c.version
      from datasources d where d.org_id = c.org_id and d.id = c.datasource_id)
    and (
      select true from leases l where l.org_id = c.org_id and l.datasource_id = c.datasource_id and l.version = c.version
        and l.ended_at is null limit 1) is null`
  return batch(
    db,
    size,
    sql`
      with old as (
        select org_id, datasource_id, version from credentials c where ${isOld} order by retired_at ${limited(size)}
      )
      delete from credentials c using old
      where c.org_id = old.org_id and c.datasource_id = old.datasource_id and c.version = old.version and ${isOld}`,
  )
}

/** Deletes leases that ended before `before`. */
export function purgeLeases(db: Db, before: Date, size: number = BATCH): Promise<boolean> {
  return batch(
    db,
    size,
    sql`
      with old as (select org_id, id from leases where ended_at < ${before} order by ended_at ${limited(size)})
      delete from leases l using old where l.org_id = old.org_id and l.id = old.id`,
  )
}

/**
 * Deletes capabilities that ended before `before` and operators' grants of them, unless another capability or a lease
 * refers to them.
 */
export async function purgeCapabilities(db: Db, before: Date, size: number = BATCH): Promise<boolean> {
  const isOld = sql`least(c.revoked_at, c.expires_at) < ${before}
    and (select true from capabilities o where o.org_id = c.org_id and o.rotated_from = c.id limit 1) is null
    and (select true from leases l where l.org_id = c.org_id and l.capability_id = c.id limit 1) is null`
  const { rows: found } = await sql<Gone>`
    select c.org_id as org, c.id from capabilities c where ${isOld} order by least(c.revoked_at, c.expires_at) ${limited(size)}
  `.execute(db)
  if (found.length === 0) return false
  return briefly(db, size, async tx => {
    await sql`
      delete from lease_grants g using ${listed(found)} where g.org_id = old.org_id and g.capability_id = old.id
    `.execute(tx)
    const { rows } = await sql<GoneToken>`
      delete from capabilities c using ${listed(found)} where c.org_id = old.org_id and c.id = old.id and ${isOld}
      returning c.org_id as org, c.id, c.hash
    `.execute(tx)
    return purgeTokens(tx, 'capability', { gone: rows, size })
  })
}

/** Deletes keys that were revoked before `before`, unless they issued a key or capability whose row is kept. */
export function purgeKeys(db: Db, before: Date, size: number = BATCH): Promise<boolean> {
  const isOld = sql`k.revoked_at < ${before}
    and (select true from api_keys o where o.org_id = k.org_id and o.issuer_id = k.id limit 1) is null
    and (select true from capabilities c where c.org_id = k.org_id and c.issuer_id = k.id limit 1) is null`
  return briefly(db, size, async tx => {
    const { rows } = await sql<GoneToken>`
      with old as (select k.org_id, k.id from api_keys k where ${isOld} order by k.revoked_at ${limited(size)})
      delete from api_keys k using old where k.org_id = old.org_id and k.id = old.id and ${isOld}
      returning k.org_id as org, k.id, k.hash`.execute(tx)
    return purgeTokens(tx, 'key', { gone: rows, size })
  })
}

interface GoneToken extends Gone {
  readonly hash: Buffer
}

/** Deletes the directory entries of tokens with their rows, and the revocations, which no longer name anything. */
async function purgeTokens(
  tx: Tx,
  kind: Revocable,
  { gone, size }: { gone: readonly GoneToken[]; size: number },
): Promise<boolean> {
  if (gone.length === 0) return false
  await tokens.remove(
    tx,
    gone.map(one => one.hash),
  )
  await revocations.purge(tx, kind, gone)
  return gone.length >= size
}
