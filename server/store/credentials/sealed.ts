/**
 * The sealed columns, for the worker and for operators: reads credential bytes and wrapped organization keys. The web
 * process never reaches this file, and its database role may not run these statements.
 */

import { type Selectable, sql } from 'kysely'
import type { CredentialContext, Fingerprint, SealedBox, WrappedOrganizationKey } from '#server/domain/access/sealed.ts'
import type { SignedVerdict } from '#server/domain/datasources/verdict.ts'
import type { OrganizationSettings } from '#server/store/organizations/organizations.ts'
import type { Db, Tables } from '#server/store/tables/tables.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'

/** A credential with its bytes, the row that they belong to, and the key pair that sealed them. */
export interface SealedCredential {
  readonly context: CredentialContext
  readonly state: 'pending' | 'current'
  readonly sealed: SealedBox
  /** Null if the key is missing or its secret half is destroyed: the bytes can no longer be opened. */
  readonly key: WrappedOrganizationKey | null
  /** Null until the credential has been verified, and for a fingerprint that does not name its key. */
  readonly fingerprint: Fingerprint | null
  /**
   * True if the password may still be sent as MD5 under a CA certificate supplied by the caller, because it already
   * was.
   */
  readonly md5Allowed: boolean
  /** A keyed hash of its login; null until the login has passed a check. */
  readonly loginHash: Buffer | null
  readonly last4: string | null
  readonly createdAt: Date
}

/**
 * A live datasource as work on it begins: its displayed state, its organization's settings, and its live credentials.
 */
export interface SealedDatasource
  extends Pick<
    Selectable<Tables['datasources']>,
    | 'org_id'
    | 'id'
    | 'kind'
    | 'mode'
    | 'status'
    | 'status_reason'
    | 'db_type'
    | 'host'
    | 'port'
    | 'database'
    | 'schema'
    | 'excluded_schemas'
    | 'endpoint'
    | 'refusals'
    | 'refused_at'
  > {
  readonly settings: OrganizationSettings
  readonly current: SealedCredential | null
  readonly pending: SealedCredential | null
  /** The stored verdict; check its signature before trusting any part of it. */
  readonly verdict: SignedVerdict | null
  /** The number of the last settled check request, read from the same snapshot; 0 if none is settled. */
  readonly checks_settled: number
}

/** A row of the statement below. The credential columns (`c_`) are null together, and so are the key columns (`k_`). */
interface DatasourceRow extends Omit<SealedDatasource, 'settings' | 'current' | 'pending' | 'verdict'> {
  readonly role_policy: OrganizationSettings['rolePolicy']
  readonly check_interval_seconds: number | null
  readonly v_version: number | null
  readonly v_usable: boolean
  readonly v_usable_until: Date | null
  readonly v_signer_id: string
  readonly v_signature: Buffer
  readonly c_version: number | null
  readonly c_state: 'pending' | 'current'
  readonly c_key_id: string
  readonly c_sealed: Buffer
  readonly c_signer_id: string
  readonly c_signature: Buffer
  readonly c_fingerprint: string | null
  readonly c_fingerprint_key_id: string | null
  readonly c_md5_allowed: boolean
  readonly c_login_hash: Buffer | null
  readonly c_last4: string | null
  readonly c_created_at: Date
  readonly k_public_key: Buffer
  readonly k_secret: Buffer | null
  readonly k_master_key_id: string
  readonly k_signer_id: string
  readonly k_signature: Buffer
  readonly k_retired_at: Date | null
}

/**
 * One live datasource with everything that work on it needs, read in one statement: a rotation in between would look
 * like an edit. Ignores a credential older than the judged version or than the one it would replace: rows of retired
 * versions are deleted, and their sealed secrets must not reappear under the old version number. Undefined if the
 * organization has no datasource with that id.
 */
export async function datasource(db: Db, org: string, id: string): Promise<SealedDatasource | undefined> {
  const { rows } = await sql<DatasourceRow>`
    select d.org_id, d.id, d.kind, d.mode, d.status, d.status_reason, d.db_type, d.host, d.port, d.database, d.schema, d.excluded_schemas, d.endpoint, d.refusals, d.refused_at,
      o.role_policy, o.check_interval_seconds,
      coalesce((select t.settled from tasks t where t.org_id = d.org_id and t.datasource_id = d.id and t.kind = 'verify'
        and t.standing), 0) as checks_settled,
      d.verdict_version as v_version, d.verdict_usable as v_usable, d.usable_until as v_usable_until,
      d.verdict_signer_id as v_signer_id, d.verdict_signature as v_signature,
      c.version as c_version, c.state as c_state, c.key_id as c_key_id, c.sealed as c_sealed, c.signer_id as c_signer_id,
      c.signature as c_signature, c.fingerprint as c_fingerprint, c.fingerprint_key_id as c_fingerprint_key_id,
      c.md5_allowed as c_md5_allowed, c.login_hash as c_login_hash, c.last4 as c_last4, c.created_at as c_created_at,
      k.public_key as k_public_key, k.secret as k_secret, k.master_key_id as k_master_key_id,
      k.signer_id as k_signer_id, k.signature as k_signature, k.retired_at as k_retired_at
    from datasources d join organizations o on o.id = d.org_id
    left join credentials c on c.org_id = d.org_id and c.datasource_id = d.id and c.state <> 'retired'
      and c.sealed is not null and c.signature is not null and c.version >= coalesce(d.verdict_version, 0)
    left join organization_keys k on k.org_id = c.org_id and k.id = c.key_id
    where d.org_id = ${org} and d.id = ${id} and d.deleted_at is null
  `.execute(db)
  const [first] = rows
  if (first === undefined) return undefined
  const held = rows.filter(row => row.c_version !== null).map(credentialOf)
  const current = held.find(credential => credential.state === 'current') ?? null
  const inForce = current?.context.version ?? 0
  const { role_policy: rolePolicy, check_interval_seconds: checkIntervalSeconds } = first
  return {
    ...first,
    settings: { rolePolicy, checkIntervalSeconds },
    current,
    pending: held.find(({ state, context }) => state === 'pending' && context.version > inForce) ?? null,
    verdict: verdictOf(first),
  }
}

function verdictOf(row: DatasourceRow): SignedVerdict | null {
  if (row.v_version === null) return null
  const signed = { signerId: row.v_signer_id, signature: row.v_signature }
  return { version: row.v_version, usable: row.v_usable, usableUntil: row.v_usable_until, ...signed }
}

function credentialOf(row: DatasourceRow): SealedCredential {
  return {
    context: { organizationId: row.org_id, datasourceId: row.id, version: row.c_version ?? 0 },
    state: row.c_state,
    sealed: { keyId: row.c_key_id, box: row.c_sealed, signerId: row.c_signer_id, signature: row.c_signature },
    key: row.k_secret === null ? null : keyOf(row, row.k_secret),
    fingerprint: fingerprintOf(row),
    md5Allowed: row.c_md5_allowed,
    loginHash: row.c_login_hash,
    last4: row.c_last4,
    createdAt: row.c_created_at,
  }
}

function fingerprintOf({ c_fingerprint: text, c_fingerprint_key_id: keyId }: DatasourceRow): Fingerprint | null {
  return text === null || keyId === null ? null : { text, keyId }
}

function keyOf(row: DatasourceRow, secret: Buffer): WrappedOrganizationKey {
  return {
    organizationId: row.org_id,
    id: row.c_key_id,
    publicKey: row.k_public_key,
    secret,
    masterKeyId: row.k_master_key_id,
    signerId: row.k_signer_id,
    signature: row.k_signature,
    retiredAt: row.k_retired_at,
  }
}

/**
 * One key pair of an organization, with its secret half wrapped. Undefined if there is none; the caller then refuses.
 */
export async function organizationKey(db: Db, org: string, keyId: string): Promise<WrappedOrganizationKey | undefined> {
  const row = await db
    .selectFrom('organization_keys')
    .select(['id', 'public_key', 'secret', 'master_key_id', 'signer_id', 'signature', 'retired_at'])
    .where('org_id', '=', org)
    .where('id', '=', keyId)
    .executeTakeFirst()
  // A key whose secret half is destroyed opens nothing, so treat it as missing.
  if (row === undefined || row.secret === null) return undefined
  return {
    organizationId: org,
    id: row.id,
    publicKey: row.public_key,
    secret: row.secret,
    masterKeyId: row.master_key_id,
    signerId: row.signer_id,
    signature: row.signature,
    retiredAt: row.retired_at,
  }
}

/** Puts the pending credential in force and destroys the one it replaces, in the transaction of the verdict. */
export async function promote({ tx, org }: UnitOfWork, at: { datasourceId: string; version: number }): Promise<void> {
  await tx
    .updateTable('credentials')
    .set({ state: 'retired', sealed: null, signature: null })
    .where('org_id', '=', org)
    .where('datasource_id', '=', at.datasourceId)
    .where('state', '=', 'current')
    .execute()
  await tx
    .updateTable('credentials')
    .set({ state: 'current' })
    .where('org_id', '=', org)
    .where('datasource_id', '=', at.datasourceId)
    .where('version', '=', at.version)
    .where('state', '=', 'pending')
    .execute()
}
