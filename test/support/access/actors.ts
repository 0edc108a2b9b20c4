/**
 * Every kind of caller, by the defect of their credential:
 * for the matrix of procedures × actors.
 */

import { mintCapability } from '#server/seal/mint.ts'
import { createTokens } from '#server/seal/token.ts'
import * as capabilities from '#server/store/access/capabilities.ts'
import { transaction } from '#server/store/database/db.ts'
import { OPERATIONS, Scope } from '#shared/access/credential.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import { unitOf } from '#test/support/database/unit.ts'
import type { Mooring } from '#test/support/mooring/mooring.ts'
import { makeKey, mistyped } from './keys.ts'

/** The token of an actor; null is no key. */
export type Token = string | null

/** Actors that every procedure refuses, and their faults. */
export async function outcasts(mooring: Mooring): Promise<readonly { who: string; token: Token; fault: string }[]> {
  const yesterday = new Date(Date.now() - 86_400_000)
  const ours = mooring.organization.testKey
  return [
    { who: 'nobody', token: null, fault: 'apikey_missing' },
    { who: 'a mistyped key', token: mistyped(ours), fault: 'apikey_invalid' },
    { who: 'a revoked key', token: await makeKey(mooring, { revokedAt: yesterday }), fault: 'apikey_revoked' },
    { who: 'an expired key', token: await makeKey(mooring, { expiresAt: yesterday }), fault: 'apikey_expired' },
    { who: 'an unknown capability', token: await capability(mooring, { stored: false }), fault: 'capability_invalid' },
    {
      who: 'an expired capability',
      token: await capability(mooring, { expiresAt: yesterday }),
      fault: 'capability_invalid',
    },
  ]
}

/** Every scope but one; without an argument, every scope. */
export function allBut(scope: Scope | null): Scope[] {
  return Scope.options.filter(one => one !== scope)
}

/** The grant of a capability: by default every right that one can have, for an hour. */
export interface CapabilityOptions {
  readonly scopes?: readonly Scope[]
  readonly datasourceIds?: readonly DatasourceId[]
  readonly expiresAt?: Date
  /** False for a capability without a row. */
  readonly stored?: boolean
}

/** Creates a capability of the first organization, in test mode. Drops scopes that no capability can have. */
export async function capability(mooring: Mooring, options: CapabilityOptions = {}): Promise<string> {
  const tokens = await createTokens(mooring.keyring)
  const operations = OPERATIONS.filter(one => (options.scopes ?? OPERATIONS).includes(one))
  const datasourceIds = options.datasourceIds ?? null
  const { token, row } = mintCapability(tokens, {
    organizationId: mooring.organization.id,
    issuerId: null,
    mode: 'test',
    // A capability without any right here gets an unrelated one.
    operations: operations.length === 0 ? ['feeds.write'] : operations,
    datasourceIds,
    expiresAt: options.expiresAt ?? new Date(Date.now() + 3_600_000),
  })
  if (options.stored === false) return token
  const stored = {
    ...row,
    participant_kind: 'agent' as const,
    participant_id: null,
    label: null,
    sync_groups: [],
    user_meta: '{}',
    wide_scope: false,
    created_at: new Date(),
  }
  await transaction(mooring.db, tx => capabilities.insert(unitOf(tx, mooring.organization.id), stored))
  return token
}
