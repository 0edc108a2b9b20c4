/**
 * The public keys that the web tier seals to, each checked against the worker's signature before its first use and kept
 * for a short while, since the check costs more than the seal.
 */
import { KEY_CACHE_MS } from '#server/domain/access/key-life.ts'
import type { Sealer, VerifiedKey } from '#server/seal/sealer.ts'
import * as organizations from '#server/store/organizations/organizations.ts'
import type { Db } from '#server/store/tables/tables.ts'

/** Sealing keys that are kept at a time. */
export const MAX_KEPT = 10_000

/** Finds the key to seal to. */
export interface SealingKeys {
  /**
   * The organization's current key, read over `db`: a transaction passes itself on, since one that waited for a further
   * connection would wait for its own kind. Throws when there is none or its row was tampered with: nothing is sealed then.
   */
  of(db: Db, organizationId: string): Promise<VerifiedKey>
}

/** A cache of checked keys. */
export function createSealingKeys(parts: { sealer: Sealer; clock: () => Date }): SealingKeys {
  const kept = new Map<string, { key: VerifiedKey; until: number }>()
  return {
    async of(db, organizationId) {
      const now = parts.clock().getTime()
      const held = kept.get(organizationId)
      if (held !== undefined && held.until > now) return held.key
      const row = await organizations.currentKey(db, organizationId)
      const key = row === undefined ? null : parts.sealer.verifyKey(row)
      if (key === null) throw new Error(`organization ${organizationId} has no sealing key that we signed`)
      if (kept.size >= MAX_KEPT) kept.clear()
      kept.set(organizationId, { key, until: now + KEY_CACHE_MS })
      return key
    },
  }
}
