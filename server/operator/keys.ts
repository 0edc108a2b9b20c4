/**
 * The operator's commands on API keys: the first key of an organization has to come from somewhere.
 * A key is returned once and kept nowhere.
 */

import { newId } from '#server/domain/ids.ts'
import { mintKey } from '#server/seal/mint.ts'
import { createTokens } from '#server/seal/token.ts'
import * as apiKeys from '#server/store/api-keys.ts'
import * as audit from '#server/store/audit.ts'
import { transaction } from '#server/store/db.ts'
import { DEFAULT_SCOPES } from '#shared/credential.ts'
import type { Mode } from '#shared/wire.ts'
import { type Ground, OPERATOR } from './organizations.ts'

/** Creates a key and returns it: the only time that it is known. */
export async function createKey(
  ground: Ground,
  of: { organizationId: string; mode: Mode; name: string | null },
): Promise<string> {
  const tokens = await createTokens(ground.keyring)
  const minted = mintKey(tokens, { ...of, scopes: DEFAULT_SCOPES, now: ground.now })
  await transaction(ground.db, async tx => {
    await apiKeys.insert(tx, of.organizationId, minted.row)
    await audit.append(tx, of.organizationId, keyEvent(ground, 'key.created', minted.row.id))
  })
  return minted.token
}

/** Revokes a key; false when the organization has none of that id. */
export async function revokeKey(ground: Ground, of: { organizationId: string; id: string }): Promise<boolean> {
  return transaction(ground.db, async tx => {
    const revoked = await apiKeys.revoke(tx, of.organizationId, { id: of.id, now: ground.now })
    if (revoked === undefined) return false
    await audit.append(tx, of.organizationId, keyEvent(ground, 'key.revoked', of.id))
    return true
  })
}

function keyEvent(ground: Ground, action: string, id: string): audit.AuditEvent {
  return { id: newId(), actor: OPERATOR, action, objectKind: 'key', objectId: id, outcome: 'ok', at: ground.now }
}
