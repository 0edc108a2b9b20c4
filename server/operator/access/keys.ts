/**
 * The operator's commands for API keys, needed to create an organization's first key. A key is returned once and stored
 * nowhere.
 */

import type { RevocationConsent } from '#server/domain/access/revocation.ts'
import type { OperatorDeps } from '#server/operator/organizations.ts'
import { writing } from '#server/operator/writing.ts'
import { mintKey } from '#server/seal/mint.ts'
import { createTokens } from '#server/seal/token.ts'
import * as apiKeys from '#server/store/access/api-keys.ts'
import * as audit from '#server/store/access/audit.ts'
import type { Revocation } from '#server/store/access/revocation.ts'
import * as revocation from '#server/store/access/revocation.ts'
import { DEFAULT_SCOPES } from '#shared/access/credential.ts'
import type { Mode } from '#shared/base/wire.ts'

/** Creates a key and returns it, the only time that it is known. Calls `begins` with its id before the key exists. */
export async function createKeyAsOperator(
  deps: OperatorDeps,
  request: { organizationId: string; mode: Mode; name: string | null; begins?: (id: string) => Promise<void> },
): Promise<string> {
  const tokens = await createTokens(deps.keyring)
  const { begins, ...ask } = request
  const minted = mintKey(tokens, { ...ask, issuerId: null, scopes: DEFAULT_SCOPES, now: deps.now })
  await begins?.(minted.row.id)
  await writing(deps, request.organizationId, async unit => {
    await apiKeys.insert(unit, minted.row)
    await audit.append(unit, { action: 'key.created', objectKind: 'key', objectId: minted.row.id })
  })
  return minted.token
}

/** Revokes a key, and on request its descendants; changes nothing if a confirmation is missing. */
export async function revokeKeyAsOperator(
  deps: OperatorDeps,
  request: RevocationConsent & { organizationId: string; id: string },
): Promise<Revocation> {
  const { organizationId: org, ...ask } = request
  return writing(deps, org, async unit => {
    const done = await revocation.revokeKeyRow(unit, ask)
    if (done.outcome !== 'revoked') return done
    await audit.appendAll(unit, [
      ...[...(done.isRepeat ? [] : [request.id]), ...done.revoked.keys].map(revokedEntry('key')),
      ...done.revoked.capabilities.map(revokedEntry('capability')),
    ])
    return done
  })
}

function revokedEntry(objectKind: 'key' | 'capability') {
  return (objectId: string): audit.AuditEntry => ({ action: `${objectKind}.revoked`, objectKind, objectId })
}
