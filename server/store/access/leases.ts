/**
 * Rows of leases and of operators' grants. They do not contain the leased credential: the sealed box reaches its holder
 * through the task's outcome and is stored nowhere. The web tier ends leases; only the worker and operators write
 * grants and begin leases.
 */

import { type Selectable, sql } from 'kysely'
import { BATCH, batch, limited } from '#server/store/installation/batches.ts'
import * as quotas from '#server/store/organizations/quotas.ts'
import type { Db, Tables } from '#server/store/tables/tables.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'
import { isUnrevoked, revokedAt } from '#server/store/tokens/revocations.ts'

/** A lease's row. */
export type LeaseRow = Selectable<Tables['leases']>

/** An operator's signature on a capability's grant. */
export interface GrantSignature {
  readonly signerId: string
  readonly signature: Buffer
}

/** Stores an operator's signature on a grant, in the transaction that writes the capability. */
export async function insertGrant(
  { tx, org }: UnitOfWork,
  entry: { capabilityId: string; signed: GrantSignature },
): Promise<void> {
  const { capabilityId, signed } = entry
  const row = { org_id: org, capability_id: capabilityId, signer_id: signed.signerId, signature: signed.signature }
  await tx.insertInto('lease_grants').values(row).execute()
}

/** A capability granted by an operator, with the operator's signature. */
export type GrantedCapability = Pick<
  Selectable<Tables['capabilities']>,
  'org_id' | 'id' | 'mode' | 'hash' | 'operations' | 'datasource_ids' | 'expires_at' | 'revoked_at'
> & { readonly signed: GrantSignature }

/**
 * Finds a capability of the organization that has an operator's signature, by its hashes, one for each pepper in use;
 * undefined if there is none, it has no signature, or the organization was removed.
 */
export async function findGranted(
  db: Db,
  org: string,
  hashes: readonly Buffer[],
): Promise<GrantedCapability | undefined> {
  const row = await granted(db)
    .where('c.org_id', '=', org)
    .where('c.hash', 'in', [...hashes])
    .executeTakeFirst()
  return row && grantedOf(row)
}

/** Live capabilities whose grant was signed by a key other than `signerId`, across all organizations. */
export async function grantsOfOthers(db: Db, than: { signerId: string; now: Date }): Promise<GrantedCapability[]> {
  const rows = await granted(db)
    .where('g.signer_id', '!=', than.signerId)
    .where(isUnrevoked('capability', 'c'))
    .where('c.expires_at', '>', than.now)
    .execute()
  return rows.map(grantedOf)
}

/** Replaces a grant's signature with a new one. */
export async function replaceGrant(
  { tx, org }: UnitOfWork,
  entry: { capabilityId: string; signed: GrantSignature },
): Promise<void> {
  await tx
    .updateTable('lease_grants')
    .set({ signer_id: entry.signed.signerId, signature: entry.signed.signature })
    .where('org_id', '=', org)
    .where('capability_id', '=', entry.capabilityId)
    .execute()
}

type GrantedRow = Omit<GrantedCapability, 'signed'> & { signer_id: string; signature: Buffer }

function grantedOf({ signer_id: signerId, signature, ...capability }: GrantedRow): GrantedCapability {
  return { ...capability, signed: { signerId, signature } }
}

function granted(db: Db) {
  return db
    .selectFrom('capabilities as c')
    .innerJoin('organizations as o', 'o.id', 'c.org_id')
    .innerJoin('lease_grants as g', join =>
      join.onRef('g.org_id', '=', 'c.org_id').onRef('g.capability_id', '=', 'c.id'),
    )
    .select(['c.org_id', 'c.id', 'c.mode', 'c.hash', 'c.operations', 'c.datasource_ids', 'c.expires_at'])
    .select(revokedAt('capability', 'c').as('revoked_at'))
    .select(['g.signer_id', 'g.signature'])
    .where('o.removed_at', 'is', null)
}

/** A lease to insert. `verdictSignature` belongs to the verdict that allowed it. */
export interface NewLease {
  readonly id: string
  readonly datasourceId: string
  readonly capabilityId: string
  readonly version: number
  readonly verdictSignature: Buffer
  readonly expiresAt: Date
}

/**
 * Inserts a new lease, in the transaction that hands it out. Returns false and writes nothing if the facts read before
 * the host was resolved no longer hold: the capability was revoked or expired, the datasource was removed or verified
 * again, or the credential was replaced.
 */
export async function insert(unit: UnitOfWork, entry: NewLease): Promise<boolean> {
  const { tx, org, now } = unit
  // Waits for a revocation in progress, so that no lease is handed out after the revocation was confirmed.
  await quotas.lockShared(unit, 'capabilities')
  const { rows } = await sql`
    insert into leases (org_id, id, datasource_id, capability_id, version, granted_at, expires_at)
    select d.org_id, ${entry.id}::uuid, d.id, g.id, c.version, ${now}::timestamptz, ${entry.expiresAt}::timestamptz
    from datasources d
    join credentials c on c.org_id = d.org_id and c.datasource_id = d.id and c.state = 'current'
    join capabilities g on g.org_id = d.org_id and g.id = ${entry.capabilityId} and ${isUnrevoked('capability', 'g')}
      and g.expires_at > ${now}
    where d.org_id = ${org} and d.id = ${entry.datasourceId} and d.deleted_at is null and d.status = 'active'
      and c.version = ${entry.version} and d.verdict_signature = ${entry.verdictSignature}
    returning id
  `.execute(tx)
  return rows.length === 1
}

/**
 * Ends a live lease, restricted to one capability if given. Returns the lease's subject; undefined if there is no such
 * lease.
 */
export function end(
  { tx, org, now }: UnitOfWork,
  which: { id: string; capabilityId?: string; by: 'released' | 'revoked' },
): Promise<{ datasource_id: string } | undefined> {
  const query = tx
    .updateTable('leases')
    .set({ ended_at: now, ended_by: which.by })
    .where('org_id', '=', org)
    .where('id', '=', which.id)
    .where('ended_at', 'is', null)
    .returning('datasource_id')
  return (
    which.capabilityId === undefined ? query : query.where('capability_id', '=', which.capabilityId)
  ).executeTakeFirst()
}

/** Leases that have neither ended nor expired, newest first. */
export function live(db: Db, org: string, now: Date): Promise<LeaseRow[]> {
  return db
    .selectFrom('leases')
    .select(['org_id', 'id', 'datasource_id', 'capability_id', 'version', 'granted_at', 'expires_at'])
    .select(['ended_at', 'ended_by'])
    .where('org_id', '=', org)
    .where('ended_at', 'is', null)
    .where('expires_at', '>', now)
    .orderBy('id', 'desc')
    .execute()
}

/**
 * How recently a lease's capability or datasource must have ended for a sweep to examine the lease; a missed lease
 * expires by itself.
 */
const LOST_WITHIN = sql`interval '1 hour'`
const LOST_LAST = 250

/**
 * Marks one batch of expired leases, and one of leases whose capability or datasource ended recently; across all
 * organizations. Returns true if more may remain.
 */
export async function purgeExpired(db: Db, now: Date, size: number = BATCH): Promise<boolean> {
  const expired = await batch(
    db,
    size,
    sql`
      with over as (
        select org_id, id from leases where ended_at is null and expires_at <= ${now} order by expires_at ${limited(size)}
      )
      update leases l set ended_at = l.expires_at, ended_by = 'expired' from over
      where l.org_id = over.org_id and l.id = over.id and l.ended_at is null`,
  )
  const revoked = await batch(
    db,
    size,
    sql`
      with over as (
        (select l.org_id, l.id from (
          select org_id, id from capabilities
          where least(revoked_at, expires_at) between ${now}::timestamptz - ${LOST_WITHIN} and ${now} and revoked_at <= ${now}
          order by least(revoked_at, expires_at) desc ${limited(LOST_LAST)}) c
          join leases l on l.org_id = c.org_id and l.capability_id = c.id and l.ended_at is null ${limited(size)})
        union
        (select l.org_id, l.id from (
          select org_id, id from datasources where deleted_at > ${now}::timestamptz - ${LOST_WITHIN}
          order by deleted_at desc ${limited(LOST_LAST)}) d
          join leases l on l.org_id = d.org_id and l.datasource_id = d.id and l.ended_at is null ${limited(size)})
      )
      update leases l set ended_at = ${now}, ended_by = 'revoked' from over
      where l.org_id = over.org_id and l.id = over.id and l.ended_at is null`,
  )
  return expired || revoked
}
