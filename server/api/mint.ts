/** Makes a new API key and its row. The procedures and the operator's commands call it. */

import { newId } from '#server/domain/ids.ts'
import type { Tokens } from '#server/seal/token.ts'
import type { Scope } from '#shared/credential.ts'
import type { Mode } from '#shared/wire.ts'

/** A new key: its text, to be shown once, and its row, which holds a hash. */
export function mintKey(
  tokens: Tokens,
  of: { organizationId: string; mode: Mode; name: string | null; scopes: readonly Scope[]; now: Date },
) {
  const token = tokens.mint('sk', of.mode)
  const id = newId()
  const hash = tokens.hashes(token)[0]
  if (hash === undefined) throw new Error('the keyring has no pepper')
  const grant = {
    organizationId: of.organizationId,
    id,
    mode: of.mode,
    scopes: of.scopes,
    datasourceIds: null,
    expiresAt: null,
  }
  return {
    token,
    row: {
      id,
      mode: of.mode,
      name: of.name,
      last4: token.slice(-4),
      pepper_id: hash.pepperId,
      hash: hash.hash,
      mac: tokens.mac(hash, grant),
      scopes: [...of.scopes],
      created_at: of.now,
      last_used_at: null,
      expires_at: null,
      revoked_at: null,
    },
  }
}
