/**
 * API keys in every state that a caller's key can have,
 * made with the product's own minting and storing.
 */

import { mintKey } from '#server/seal/mint.ts'
import { createTokens } from '#server/seal/token.ts'
import * as apiKeys from '#server/store/access/api-keys.ts'
import { transaction } from '#server/store/database/db.ts'
import { DEFAULT_SCOPES, type Scope } from '#shared/access/credential.ts'
import type { Mode } from '#shared/base/wire.ts'
import { unitOf } from '#test/support/database/unit.ts'
import type { Mooring } from '#test/support/mooring/mooring.ts'

/** The properties of a key. */
export interface KeyOptions {
  readonly organizationId?: string
  readonly mode?: Mode
  readonly scopes?: readonly Scope[]
  readonly expiresAt?: Date
  readonly revokedAt?: Date
}

/** Creates a key: by default of the first organization, in test mode, with every scope that a new key has. */
export async function makeKey(mooring: Mooring, options: KeyOptions = {}): Promise<string> {
  const tokens = await createTokens(mooring.keyring)
  const organizationId = options.organizationId ?? mooring.organization.id
  const { mode = 'test', scopes = DEFAULT_SCOPES, expiresAt = null, revokedAt = null } = options
  const { token, row } = mintKey(tokens, { organizationId, issuerId: null, mode, name: null, scopes, now: new Date() })
  const hash = tokens.hashes(token)[0]
  if (hash === undefined) throw new Error('the keyring has no pepper')
  const mac = tokens.mac(hash, {
    organizationId,
    id: row.id,
    issuerId: null,
    mode,
    scopes,
    datasourceIds: null,
    expiresAt,
  })
  const stored = { ...row, mac, expires_at: expiresAt, revoked_at: revokedAt }
  await transaction(mooring.db, tx => apiKeys.insert(unitOf(tx, organizationId), stored))
  return token
}

/**
 * Returns the key with two neighbouring characters of its random part swapped; if they are equal, one of them is
 * changed.
 */
export function mistyped(key: string): string {
  const [a = '', b = ''] = [key[12], key[13]]
  return key.slice(0, 12) + (a === b ? `${a === 'x' ? 'y' : 'x'}${b}` : `${b}${a}`) + key.slice(14)
}
