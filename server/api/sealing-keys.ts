/**
 * The public keys that the web tier seals to, each checked against the worker's signature before its first use and kept
 * for a short while, since the check costs more than the seal.
 */
import type { Sealer, VerifiedKey } from '#server/seal/sealer.ts'
import type { Db } from '#server/store/db.ts'
import * as organizations from '#server/store/organizations.ts'

/** How long a key is used without another look at its row. A retired key stays openable for longer than this. */
export const KEY_CACHE_MS = 30_000

const MAX_KEPT = 10_000

/** Finds the key to seal to. */
export interface SealingKeys {
  /** The organization's current key. Throws when there is none or its row was tampered with: nothing is sealed then. */
  of(organizationId: string): Promise<VerifiedKey>
}

/** A cache of checked keys. */
export function createSealingKeys(parts: { db: Db; sealer: Sealer; clock: () => Date }): SealingKeys {
  const kept = new Map<string, { key: VerifiedKey; until: number }>()
  return {
    async of(organizationId) {
      const now = parts.clock().getTime()
      const held = kept.get(organizationId)
      if (held !== undefined && held.until > now) return held.key
      const row = await organizations.currentKey(parts.db, organizationId)
      const key = row === undefined ? null : parts.sealer.verifyKey(row)
      if (key === null) throw new Error(`organization ${organizationId} has no sealing key that we signed`)
      if (kept.size >= MAX_KEPT) kept.clear()
      kept.set(organizationId, { key, until: now + KEY_CACHE_MS })
      return key
    },
  }
}
