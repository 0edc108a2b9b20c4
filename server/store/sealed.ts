/**
 * The sealed columns, for the worker and for operators: reads credential bytes and wrapped organization keys. The web
 * process never reaches this file, and its database role may not run these statements.
 */
import type { CredentialContext, SealedBox, WrappedOrganizationKey } from '#server/domain/sealed.ts'
import type { Db, Tx } from './db.ts'

/** A credential with its bytes and the row that they belong to. */
export interface SealedCredential {
  readonly context: CredentialContext
  readonly state: 'pending' | 'current'
  readonly sealed: SealedBox
  readonly fingerprint: string | null
  readonly last4: string | null
  readonly createdAt: Date
}

/** The pending and the current credential of a datasource, with their bytes. */
export async function credentials(db: Db, org: string, datasourceId: string): Promise<SealedCredential[]> {
  const rows = await db
    .selectFrom('credentials')
    .select(['version', 'state', 'key_id', 'sealed', 'signer_id', 'signature', 'fingerprint', 'last4', 'created_at'])
    .where('org_id', '=', org)
    .where('datasource_id', '=', datasourceId)
    .where('state', '!=', 'retired')
    .execute()
  return rows.flatMap(row => {
    if (row.sealed === null || row.signature === null || row.state === 'retired') return []
    return [
      {
        context: { organizationId: org, datasourceId, version: row.version },
        state: row.state,
        sealed: { keyId: row.key_id, box: row.sealed, signerId: row.signer_id, signature: row.signature },
        fingerprint: row.fingerprint,
        last4: row.last4,
        createdAt: row.created_at,
      },
    ]
  })
}

/** One key pair of an organization, its secret half wrapped. Undefined when there is none: whoever needed it refuses. */
export async function organizationKey(db: Db, org: string, keyId: string): Promise<WrappedOrganizationKey | undefined> {
  const row = await db
    .selectFrom('organization_keys')
    .select(['id', 'public_key', 'secret', 'master_key_id', 'signer_id', 'signature', 'retired_at'])
    .where('org_id', '=', org)
    .where('id', '=', keyId)
    .executeTakeFirst()
  // A key whose secret half is destroyed opens nothing any more, as if it had never been.
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

/** Puts the pending credential in force and destroys the one that it replaces, in the transaction of the verdict. */
export async function promote(tx: Tx, org: string, at: { datasourceId: string; version: number }): Promise<void> {
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

/** Replaces the bytes of one live version by the same secret sealed anew, with its fingerprint, now that it is known. */
export async function reseal(
  tx: Tx,
  context: CredentialContext,
  entry: { sealed: SealedBox; fingerprint: string | null },
): Promise<void> {
  await tx
    .updateTable('credentials')
    .set({
      key_id: entry.sealed.keyId,
      sealed: entry.sealed.box,
      signer_id: entry.sealed.signerId,
      signature: entry.sealed.signature,
      fingerprint: entry.fingerprint,
    })
    .where('org_id', '=', context.organizationId)
    .where('datasource_id', '=', context.datasourceId)
    .where('version', '=', context.version)
    .where('state', '!=', 'retired')
    .execute()
}
