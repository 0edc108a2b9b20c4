/**
 * Updates the credential columns that only the worker writes: the fingerprint, whether MD5 is still allowed, and the
 * resealed secret.
 */
import { sql } from 'kysely'
import type { CredentialContext, Fingerprint, SealedBox } from '#server/domain/access/sealed.ts'
import { BATCH, batch, limited } from '#server/store/installation/batches.ts'
import type { Db, Tx } from '#server/store/tables/tables.ts'

/** The values that a check writes to a credential. */
export interface Marks {
  /** Null for a credential that was never verified. */
  readonly fingerprint: Fingerprint | null
  readonly md5Allowed: boolean
  /** A keyed hash of the login that passed a check; null for a credential that was never verified. */
  readonly loginHash: Buffer | null
  /** The same secret, resealed; null if the stored bytes stay. */
  readonly resealed: SealedBox | null
}

/** Writes the values from a check to one live version. */
export async function mark(tx: Tx, context: CredentialContext, marks: Marks): Promise<void> {
  const { fingerprint, md5Allowed, loginHash, resealed } = marks
  const bytes =
    resealed === null
      ? {}
      : { key_id: resealed.keyId, sealed: resealed.box, signer_id: resealed.signerId, signature: resealed.signature }
  await tx
    .updateTable('credentials')
    .set({
      ...bytes,
      fingerprint: fingerprint?.text ?? null,
      fingerprint_key_id: fingerprint?.keyId ?? null,
      md5_allowed: md5Allowed,
      login_hash: loginHash,
    })
    .where('org_id', '=', context.organizationId)
    .where('datasource_id', '=', context.datasourceId)
    .where('version', '=', context.version)
    .where('state', '!=', 'retired')
    .execute()
}

/**
 * Clears a batch of fingerprints that do not name their key, across all organizations; an earlier release wrote them.
 * Returns true if more may remain.
 */
export function cleanupFingerprints(db: Db, size: number = BATCH): Promise<boolean> {
  return batch(
    db,
    size,
    sql`
      with old as (
        select org_id, datasource_id, version from credentials
        where fingerprint is not null and fingerprint_key_id is null ${limited(size)}
      )
      update credentials c set fingerprint = null from old
      where c.org_id = old.org_id and c.datasource_id = old.datasource_id and c.version = old.version
        and c.fingerprint_key_id is null`,
  )
}
