/**
 * Many registered databases at once, written straight into the tables: datasources and credentials as the web tier
 * writes them, without checks. For rotations and their measurements.
 */
import { newId } from '#server/domain/access/ids.ts'
import type { Secret } from '#server/domain/access/sealed.ts'
import { createFingerprinter, type Fingerprinter } from '#server/seal/fingerprinter.ts'
import type { WorkerKeyring } from '#server/seal/keyring.ts'
import { createSealer, type Sealer, type VerifiedKey } from '#server/seal/sealer.ts'
import { createUnsealer } from '#server/seal/unsealer.ts'
import * as organizationKeys from '#server/store/organizations/organization-keys.ts'
import * as organizations from '#server/store/organizations/organizations.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { canonicalTarget } from '#shared/connection-string/connection-string.ts'

const BATCH = 500

/** The installation that the credentials are written to. */
export interface CredentialDeps {
  readonly db: Db
  readonly keyring: WorkerKeyring
  readonly organizationId: string
}

/** Returns the secret of the credential with this number. */
export function numberedSecret(number: number): Extract<Secret, { kind: 'direct' }> {
  const login = { user: `user_${number}`, password: `password-of-number-${number}` }
  const modes = { tlsMode: 'require', channelBinding: 'prefer', sslNegotiation: 'postgres' } as const
  const rest = { applicationName: null, connectTimeoutSeconds: null, neonEndpoint: null }
  const target = { host: 'db.example.com', port: 5432, database: 'shop', ...login, ...modes, ...rest }
  return { kind: 'direct', target, caCertificate: null }
}

/** Creates `count` credentials, numbered from 0. */
export async function makeCredentials(
  { db, keyring, organizationId }: CredentialDeps,
  count: number,
  secretOf: typeof numberedSecret = numberedSecret,
): Promise<void> {
  const sealer = await createSealer(keyring)
  const fingerprinter = await createFingerprinter(keyring)
  const row = await organizations.currentKey(db, organizationId)
  const key = row === undefined ? null : sealer.verifyKey(row)
  if (key === null) throw new Error('no key to seal to')
  for (let from = 0; from < count; from += BATCH) {
    const made = Array.from({ length: Math.min(BATCH, count - from) }, (_, at) => ({
      secret: secretOf(from + at),
      id: newId(),
    }))
    const datasources = made.map(one => datasourceRow(organizationId, one))
    await db.insertInto('datasources').values(datasources).execute()
    const credentials = made.map(one => credentialRow({ sealer, fingerprinter, key }, one))
    await db.insertInto('credentials').values(credentials).execute()
  }
}

/** A created datasource with its credential. */
interface Made {
  readonly id: string
  readonly secret: ReturnType<typeof numberedSecret>
}

function datasourceRow(organizationId: string, { id, secret }: Made) {
  const { host, port, database, tlsMode } = secret.target
  const displayed = { host, port, database, schema: 'public', tls_mode: tlsMode }
  return {
    org_id: organizationId,
    id,
    kind: 'direct' as const,
    mode: 'test' as const,
    db_type: 'postgresql' as const,
    ...displayed,
    excluded_schemas: [],
    metadata: '{}',
    created_at: new Date(),
  }
}

interface Makers {
  readonly sealer: Sealer
  readonly fingerprinter: Fingerprinter
  readonly key: VerifiedKey
}

function credentialRow({ sealer, fingerprinter, key }: Makers, { id, secret }: Made) {
  const { organizationId } = key
  const fingerprint = fingerprinter.of(organizationId, canonicalTarget(secret.target, null))
  const sealed = sealer.sealCredential(key, { organizationId, datasourceId: id, version: 1 }, secret)
  return {
    org_id: organizationId,
    datasource_id: id,
    version: 1,
    state: 'current' as const,
    key_id: sealed.keyId,
    sealed: sealed.box,
    signer_id: sealed.signerId,
    signature: sealed.signature,
    fingerprint: fingerprint.text,
    fingerprint_key_id: fingerprint.keyId,
    created_at: new Date(),
  }
}

/**
 * Opens every credential of the organization with the keyring, and returns how many there are under each key. Throws
 * for one that does not open.
 */
export async function openAll({
  db,
  keyring,
  organizationId,
}: CredentialDeps): Promise<{ keyIds: Set<string>; passwords: Set<string> }> {
  const unsealer = await createUnsealer(keyring)
  const rows = await db
    .selectFrom('credentials')
    .select(['datasource_id', 'version', 'key_id', 'sealed', 'signer_id', 'signature'])
    .where('org_id', '=', organizationId)
    .where('sealed', 'is not', null)
    .execute()
  const keys = new Map(
    (await organizationKeys.list(db, { org: organizationId })).map(key => [key.id, unsealer.hold(key)]),
  )
  const passwords = new Set<string>()
  for (const row of rows) {
    const context = { organizationId, datasourceId: row.datasource_id, version: row.version }
    const sealed = {
      keyId: row.key_id,
      box: row.sealed ?? Buffer.alloc(0),
      signerId: row.signer_id,
      signature: row.signature ?? Buffer.alloc(0),
    }
    const secret = keys.get(row.key_id)?.openCredential(context, sealed)
    if (secret === undefined) throw new Error('a key is missing')
    if (secret.kind === 'direct') passwords.add(`${secret.target.user} ${secret.target.password}`)
  }
  for (const held of keys.values()) held[Symbol.dispose]()
  return { keyIds: new Set(rows.map(row => row.key_id)), passwords }
}
