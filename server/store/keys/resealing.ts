/**
 * The rows that a key rotation reads and writes: credentials that were sealed or signed with an old key, and the task
 * that reseals them. The worker and operators call it; the web role may run none of it.
 */

import { sql } from 'kysely'
import type { CredentialContext, Fingerprint, SealedBox } from '#server/domain/access/sealed.ts'
import * as verdicts from '#server/store/keys/verdict-signatures.ts'
import type { Db } from '#server/store/tables/tables.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'
import { isAtHome } from '#server/store/tasks/claim-choice.ts'
import { type Claim, isHeld } from '#server/store/tasks/claims.ts'

/** The keys that a credential must be sealed and signed with to be up to date. */
export interface UpToDate {
  /** Ids of the signing keys in use, of both tiers. */
  readonly signerIds: readonly string[]
  /** Id of the key that fingerprints are made with. */
  readonly fingerprintKeyId: string
}

/** A credential to reseal, under its row's lock. */
export interface StaleCredential {
  readonly context: CredentialContext
  readonly sealed: SealedBox
  /** True if it has a fingerprint, which requires a verification. */
  readonly isFingerprinted: boolean
}

/** The position of a pass in credential order: it continues after this one. */
export type After = Pick<CredentialContext, 'datasourceId' | 'version'>

interface StaleRow {
  datasource_id: string
  version: number
  key_id: string
  sealed: Buffer
  signer_id: string
  signature: Buffer
  fingerprint_key_id: string | null
}

/** A predicate over `credentials c`: sealed, signed or fingerprinted with an old key. */
function isStale(expected: UpToDate) {
  return sql<boolean>`c.sealed is not null and (
    c.key_id in (select k.id from organization_keys k where k.org_id = c.org_id and k.retired_at is not null)
    or not (c.signer_id = any(${[...expected.signerIds]}))
    or c.fingerprint_key_id <> ${expected.fingerprintKeyId})`
}

/**
 * Locks up to `limit` stale credentials of an organization after a position, in order; skips those that others hold.
 */
export async function lockStale(
  { tx, org }: UnitOfWork,
  ask: { expected: UpToDate; after: After | null; limit: number },
): Promise<StaleCredential[]> {
  const { datasourceId, version } = ask.after ?? { datasourceId: '00000000-0000-0000-0000-000000000000', version: 0 }
  const { rows } = await sql<StaleRow>`
    select c.datasource_id, c.version, c.key_id, c.sealed, c.signer_id, c.signature, c.fingerprint_key_id from credentials c
    where c.org_id = ${org} and (c.datasource_id, c.version) > (${datasourceId}::uuid, ${version}::integer)
      and ${isStale(ask.expected)}
    order by c.datasource_id, c.version limit ${ask.limit} for update of c skip locked
  `.execute(tx)
  return rows.map(row => ({
    context: { organizationId: org, datasourceId: row.datasource_id, version: row.version },
    sealed: { keyId: row.key_id, box: row.sealed, signerId: row.signer_id, signature: row.signature },
    isFingerprinted: row.fingerprint_key_id !== null,
  }))
}

/** A resealed credential. */
export interface Resealed {
  readonly context: CredentialContext
  readonly sealed: SealedBox
  readonly fingerprint: Fingerprint | null
}

/**
 * True if a stale verdict remains, or a stale credential other than those that a pass could not open: its row was
 * locked, or it is new.
 */
export async function isAnyLeft(
  db: Db,
  org: string,
  ask: { expected: UpToDate; beside: readonly After[] },
): Promise<boolean> {
  const { rows } = await sql`
    select 1 from credentials c where c.org_id = ${org} and ${isStale(ask.expected)}
      and (c.datasource_id, c.version) not in (
        select * from unnest(
          ${ask.beside.map(one => one.datasourceId)}::uuid[], ${ask.beside.map(one => one.version)}::integer[]))
    union all select 1 from datasources d where d.org_id = ${org} and ${verdicts.isStale(ask.expected.signerIds)}
    limit 1
  `.execute(db)
  return rows.length === 1
}

/** Writes resealed credentials in one statement, in the transaction that holds the locks. */
export async function writeResealed({ tx, org }: UnitOfWork, entries: readonly Resealed[]): Promise<void> {
  if (entries.length === 0) return
  const column = <T>(columnOf: (entry: Resealed) => T) => entries.map(columnOf)
  await sql`
    update credentials c set
      key_id = n.key_id, sealed = n.sealed, signer_id = n.signer_id, signature = n.signature,
      fingerprint = n.fingerprint, fingerprint_key_id = n.fingerprint_key_id, sealed_at = now()
    from unnest(
      ${column(e => e.context.datasourceId)}::uuid[], ${column(e => e.context.version)}::integer[],
      ${column(e => e.sealed.keyId)}::uuid[], ${column(e => e.sealed.box)}::bytea[],
      ${column(e => e.sealed.signerId)}::text[], ${column(e => e.sealed.signature)}::bytea[],
      ${column(e => e.fingerprint?.text ?? null)}::text[], ${column(e => e.fingerprint?.keyId ?? null)}::text[]
    ) as n (datasource_id, version, key_id, sealed, signer_id, signature, fingerprint, fingerprint_key_id)
    where c.org_id = ${org} and c.datasource_id = n.datasource_id and c.version = n.version and c.sealed is not null
  `.execute(tx)
}

/**
 * The number of stale credentials and verdicts, of one organization or of all. Moving organizations do not count:
 * nobody reseals them here.
 */
export async function countStale(db: Db, org: string | null, expected: UpToDate): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from credentials c
    where (${org}::uuid is null or c.org_id = ${org}::uuid) and ${isStale(expected)} and ${isAtHome}
  `.execute(db)
  return (rows[0]?.count ?? 0) + (await verdicts.countStale(db, org, expected.signerIds))
}

/**
 * Organizations with stale credentials or verdicts, or with a retired key that still has its secret half: the moving
 * ones, or the others.
 */
export async function organizationsToReseal(
  db: Db,
  { expected, areMoving }: { expected: UpToDate; areMoving: boolean },
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select o.id from organizations o where o.removed_at is null and (o.moving_at is not null) = ${areMoving}::boolean and (
      exists (select 1 from credentials c where c.org_id = o.id and ${isStale(expected)})
      or exists (select 1 from datasources d where d.org_id = o.id and ${verdicts.isStale(expected.signerIds)})
      or exists (select 1 from organization_keys k where k.org_id = o.id and k.retired_at is not null and k.secret is not null))
    order by o.id
  `.execute(db)
  return rows.map(row => row.id)
}

/** Enqueues the task that reseals an organization's stale credentials; does nothing if it exists already. */
export async function submit({ tx, org, now }: UnitOfWork, id: string): Promise<void> {
  await sql`
    insert into tasks (org_id, id, kind, standing, due_at, created_at, requested)
    select ${org}::uuid, ${id}::uuid, 'reseal', false, ${now}::timestamptz, ${now}::timestamptz, 0
    where not exists (select 1 from tasks where org_id = ${org} and kind = 'reseal')
  `.execute(tx)
  // A task that waits for a key's end, or for its next retry, runs now.
  await sql`update tasks set due_at = ${now} where org_id = ${org} and kind = 'reseal' and due_at > ${now}`.execute(tx)
}

/** Ends a claim without an outcome: due again at `dueAt`, as if it had never failed, or deleted if that is null. */
export async function settle(db: Db, held: Claim, dueAt: Date | null): Promise<void> {
  if (dueAt === null) {
    await db.deleteFrom('tasks').where(isHeld(held)).execute()
    return
  }
  await db
    .updateTable('tasks')
    .set(eb => ({ locked_until: null, ran_out: 0, due_at: dueAt, attempts: 0, token: eb('token', '+', 1) }))
    .where(isHeld(held))
    .execute()
}
