/**
 * Rows that nobody needs any more: old verifications, datasources that were removed and all that hangs on them, ended leases,
 * revoked keys and capabilities that ended. Each function removes one batch, found by an index, and says whether there may
 * be more. Any worker may call them, at any time.
 */
import { sql } from 'kysely'
import { type Db, type Tx, transaction } from './db.ts'

/** How many rows one batch removes at most. */
const BATCH = 1_000

/** Removes verifications made before `before`, but for the one that a datasource shows. */
export async function forgetVerifications(db: Db, before: Date): Promise<boolean> {
  const gone = await sql`
    delete from verifications where (org_id, id) in (
      select v.org_id, v.id from verifications v
      where v.at < ${before} and not exists (
        select from datasources d where d.org_id = v.org_id and d.id = v.datasource_id and d.verification_id = v.id)
      order by v.at limit ${BATCH})
  `.execute(db)
  return isFull(gone.numAffectedRows)
}

/** Removes a batch of what hangs on one datasource that was removed before `before`, and it with the last of them. */
export async function forgetDatasource(db: Db, before: Date): Promise<boolean> {
  return transaction(db, async tx => {
    // A feed goes first, in batches of its own.
    const { rows } = await sql<{ org: string; id: string }>`
      select org_id as org, id from datasources d where deleted_at < ${before}
        and not exists (select from feeds f where f.org_id = d.org_id and f.datasource_id = d.id)
      order by deleted_at limit 1 for update skip locked
    `.execute(tx)
    const gone = rows[0]
    if (gone === undefined) return false
    // Before its credentials: were the removal taken back between two batches, another box could be put under the version that the
    // verdict lets be used.
    await sql`
      update datasources set verdict_version = null, verdict_usable = null, usable_until = null, verdict_signer_id = null,
        verdict_signature = null
      where org_id = ${gone.org} and id = ${gone.id} and verdict_version is not null
    `.execute(tx)
    for (const table of ['verifications', 'snapshots', 'leases', 'tasks', 'changes', 'credentials'] as const) {
      if (await removeOf(tx, gone, table)) return true
    }
    await sql`delete from datasources where org_id = ${gone.org} and id = ${gone.id}`.execute(tx)
    return true
  })
}

type Hanging = 'verifications' | 'snapshots' | 'leases' | 'tasks' | 'changes' | 'credentials'

/** Newest first: a snapshot refers to an older one. */
async function removeOf(tx: Tx, of: { org: string; id: string }, table: Hanging): Promise<boolean> {
  const key = sql.ref(table === 'credentials' ? 'version' : 'id')
  const where = sql`org_id = ${of.org} and datasource_id = ${of.id}`
  const gone = await sql`
    delete from ${sql.table(table)} where ${where} and ${key} in (
      select ${key} from ${sql.table(table)} where ${where} order by ${key} desc limit ${BATCH})
  `.execute(tx)
  return isFull(gone.numAffectedRows)
}

/** Removes leases that ended before `before`. */
export async function forgetLeases(db: Db, before: Date): Promise<boolean> {
  const gone = await sql`
    delete from leases where (org_id, id) in (
      select org_id, id from leases where ended_at < ${before} order by ended_at limit ${BATCH})
  `.execute(db)
  return isFull(gone.numAffectedRows)
}

/** Removes capabilities that ended before `before`, but for those that another, a lease or an operator's grant refers to. */
export async function forgetCapabilities(db: Db, before: Date): Promise<boolean> {
  const gone = await sql`
    delete from capabilities where (org_id, id) in (
      select c.org_id, c.id from capabilities c where least(c.revoked_at, c.expires_at) < ${before}
        and not exists (select from capabilities o where o.org_id = c.org_id and o.rotated_from = c.id)
        and not exists (select from leases l where l.org_id = c.org_id and l.capability_id = c.id)
        and not exists (select from lease_grants g where g.org_id = c.org_id and g.capability_id = c.id)
      order by least(c.revoked_at, c.expires_at) limit ${BATCH})
  `.execute(db)
  return isFull(gone.numAffectedRows)
}

/** Removes keys that were revoked before `before`, but for those that have made a key or capability whose row is kept. */
export async function forgetKeys(db: Db, before: Date): Promise<boolean> {
  const gone = await sql`
    delete from api_keys where (org_id, id) in (
      select k.org_id, k.id from api_keys k where k.revoked_at < ${before}
        and not exists (select from api_keys o where o.org_id = k.org_id and o.issuer_id = k.id)
        and not exists (select from capabilities c where c.org_id = k.org_id and c.issuer_id = k.id)
      order by k.revoked_at limit ${BATCH})
  `.execute(db)
  return isFull(gone.numAffectedRows)
}

/** A batch that was not full was the last one: what a living row refers to is not counted, and does not keep this going. */
function isFull(removed: bigint | undefined): boolean {
  return Number(removed ?? 0n) === BATCH
}
