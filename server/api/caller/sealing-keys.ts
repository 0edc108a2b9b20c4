/**
 * The public keys that the web tier seals to, and sealing credentials to them. Each is verified against the worker's
 * signature before its first use and cached for a short while, since the verification costs more than sealing.
 */
import { KEY_CACHE_MS } from '#server/domain/access/key-life.ts'
import type { CredentialContext, SealedBox, Secret } from '#server/domain/access/sealed.ts'
import type { Sealer, VerifiedKey } from '#server/seal/sealer.ts'
import * as organizations from '#server/store/organizations/organizations.ts'
import type { Db } from '#server/store/tables/tables.ts'

/** The maximum number of cached sealing keys. */
export const MAX_KEPT = 10_000

/** Finds the key to seal to. */
export interface SealingKeys {
  /**
   * The organization's current key, read through `db`: a transaction passes itself, since waiting for another
   * connection could deadlock the pool. Throws if there is none or its row was tampered with: nothing is then sealed.
   */
  of(db: Db, organizationId: string): Promise<VerifiedKey>
  /** Seals a secret to that key, for one version of one datasource. */
  sealCredential(db: Db, context: CredentialContext, secret: Secret): Promise<SealedBox>
}

/** A cache of verified keys. */
export function createSealingKeys(parts: { sealer: Sealer; clock: () => Date }): SealingKeys {
  const kept = new Map<string, { key: VerifiedKey; until: number }>()
  const of = async (db: Db, organizationId: string): Promise<VerifiedKey> => {
    const now = parts.clock().getTime()
    const held = kept.get(organizationId)
    if (held !== undefined && held.until > now) return held.key
    const row = await organizations.currentKey(db, organizationId)
    const key = row === undefined ? null : parts.sealer.verifyKey(row)
    if (key === null) throw new Error(`organization ${organizationId} has no sealing key that we signed`)
    if (kept.size >= MAX_KEPT) kept.clear()
    kept.set(organizationId, { key, until: now + KEY_CACHE_MS })
    return key
  }
  return {
    of,
    sealCredential: async (db, context, secret) =>
      parts.sealer.sealCredential(await of(db, context.organizationId), context, secret),
  }
}
