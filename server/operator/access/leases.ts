/**
 * The operator's part in leasing: signs capabilities that may lease, and lists and revokes leases. The signature is
 * made with the worker's key, so that no web tier can grant this to itself.
 */

import type { OperatorDeps } from '#server/operator/organizations.ts'
import { writing } from '#server/operator/writing.ts'
import { createLeaseSealer } from '#server/seal/leases.ts'
import { mintCapability } from '#server/seal/mint.ts'
import { createTokens } from '#server/seal/token.ts'
import * as audit from '#server/store/access/audit.ts'
import * as capabilities from '#server/store/access/capabilities.ts'
import * as leases from '#server/store/access/leases.ts'
import * as datasources from '#server/store/datasources/datasources.ts'
import type { Operation } from '#shared/access/credential.ts'
import { type DatasourceId, datasourceId } from '#shared/base/datasource-name.ts'
import { type Mode, uuidOf } from '#shared/base/wire.ts'

/** The operations of a lease capability: lease a datasource, read it, and watch it for rotations. */
const OPERATIONS: readonly Operation[] = ['datasources.lease', 'datasources.read']

/** The capability to grant. */
export interface LeaseGrant {
  readonly organizationId: string
  readonly mode: Mode
  /** Null for all of the organization's, present and future. */
  readonly datasourceIds: readonly DatasourceId[] | null
  readonly ttlSeconds: number
  readonly label: string | null
}

/** Mints and signs a capability that may lease, and returns its token, the only time that it is known. */
export async function createLeaseCapability(
  deps: OperatorDeps,
  { organizationId, mode, datasourceIds, ttlSeconds, label }: LeaseGrant,
): Promise<string> {
  const tokens = await createTokens(deps.keyring)
  const expiresAt = new Date(deps.now.getTime() + ttlSeconds * 1000)
  const granted = { organizationId, issuerId: null, mode, operations: OPERATIONS, datasourceIds, expiresAt }
  const { token, row } = mintCapability(tokens, granted)
  const sealer = await createLeaseSealer(deps.keyring)
  const signed = sealer.sign({ ...granted, capabilityId: row.id, hash: row.hash })
  await writing(deps, organizationId, async unit => {
    await capabilities.insert(unit, {
      ...row,
      rotated_from: null,
      participant_kind: 'system',
      participant_id: null,
      label,
      sync_groups: [],
      user_meta: '{}',
      wide_scope: datasourceIds === null,
      created_at: deps.now,
      last_used_at: null,
      revoked_at: null,
    })
    await leases.insertGrant(unit, { capabilityId: row.id, signed })
    const about = { action: 'capability.created', objectKind: 'capability', objectId: row.id }
    await audit.append(unit, about)
  })
  return token
}

/** The mode of all the datasources. Throws a sentence if one is unknown, an endpoint, or in the other mode. */
export async function modeOf(deps: OperatorDeps, organizationId: string, ids: readonly DatasourceId[]): Promise<Mode> {
  const modes = new Set<Mode>()
  for (const id of ids) {
    const uuid = uuidOf(id, 'ds_', 'ds_test_')
    const row = uuid === null ? undefined : await datasources.find(deps.db, organizationId, { id: uuid })
    if (row === undefined || datasourceId(row) !== id) throw new Error('There is no direct datasource with that id.')
    modes.add(row.mode)
  }
  const [mode] = modes
  if (mode === undefined || modes.size > 1) throw new Error('A capability is for datasources of one mode.')
  return mode
}

/**
 * Revokes a lease; false if there is no live lease with that id. Its holder still knows the credential: rotate it as
 * well.
 */
export async function revokeLease(
  deps: OperatorDeps,
  { organizationId, id }: { organizationId: string; id: string },
): Promise<boolean> {
  return writing(deps, organizationId, async unit => {
    const ended = await leases.end(unit, { id, by: 'revoked' })
    if (ended === undefined) return false
    const about = { action: 'lease.revoked', objectKind: 'lease', objectId: id }
    await audit.append(unit, about)
    return true
  })
}
