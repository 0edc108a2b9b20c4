/**
 * Mints capabilities. Only a key can: for its own mode, with operations that it has, ending no later than it does. The
 * token is in the first answer and is stored nowhere, not even under an idempotency key.
 */

import { asCaller, type KnownContext } from '#server/api/context.ts'
import { idempotentAs } from '#server/api/procedure/idempotent.ts'
import { capabilityToResponse, issuerName, withoutToken } from '#server/api/responses/capability.ts'
import { isWithin } from '#server/domain/access/scope.ts'
import { mintCapability } from '#server/seal/mint.ts'
import * as audit from '#server/store/access/audit.ts'
import * as capabilities from '#server/store/access/capabilities.ts'
import * as datasources from '#server/store/datasources/datasources.ts'
import * as quotas from '#server/store/organizations/quotas.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'
import type { MintCapabilityInput, MintedCapability } from '#shared/access/capability.ts'
import { OPERATIONS, type Operation } from '#shared/access/credential.ts'
import { type DatasourceId, datasourceUuid } from '#shared/base/datasource-name.ts'
import { Fault } from '#shared/faults/fault.ts'
import { requireUnrevoked } from './keys.ts'

/** The named operations, or with `wideScope` alone all of the key's except the lease. Throws `forbidden`. */
function grantedOperations(
  { scopes }: KnownContext['principal'],
  named: MintCapabilityInput['operations'],
): Operation[] {
  const wide = OPERATIONS.filter(operation => operation !== 'datasources.lease' && scopes.includes(operation))
  const operations = [...new Set(named ?? wide)]
  if (operations.length === 0 || !isWithin(operations, scopes)) throw new Fault('forbidden')
  return operations
}

/**
 * Mints a capability. Throws `forbidden` for an operation that the caller lacks, `resource_limit_reached` if the quota
 * is full.
 */
export async function mint(ctx: KnownContext, input: MintCapabilityInput): Promise<MintedCapability> {
  const { deps, principal } = ctx
  const operations = grantedOperations(principal, input.operations)
  const datasourceIds = input.datasourceIds === undefined ? null : [...new Set(input.datasourceIds)]
  const now = deps.clock()
  const minted = mintCapability(deps.tokens, {
    organizationId: principal.organizationId,
    issuerId: principal.id,
    mode: principal.mode,
    operations,
    datasourceIds,
    expiresAt: noLaterThan(principal.expiresAt, new Date(now.getTime() + input.ttlSeconds * 1000)),
  })
  const row = {
    ...minted.row,
    participant_kind: input.participantKind,
    participant_id: input.participantId ?? issuerName(principal.id),
    label: input.label ?? null,
    sync_groups: input.syncGroups ?? [],
    user_meta: JSON.stringify(input.userMeta ?? {}),
    wide_scope: input.wideScope ?? false,
    created_at: now,
  }
  const stored = (within: KnownContext) =>
    asCaller(within, async unit => {
      // Inside the transaction, like everything that may change meanwhile: a replay is answered even if a datasource
      // was removed.
      if (datasourceIds !== null) await requireKnown(unit, datasourceIds)
      await requireRoom(unit, deps.quotas.capabilities)
      await requireUnrevoked(within, unit)
      await recordCapability(unit, { action: 'capability.minted', id: row.id })
      return capabilityToResponse(await capabilities.insert(unit, row), unit.now)
    })
  return idempotentAs({ ctx, path: 'organization.mintCapability', input }, stored, {
    answer: async (_, made): Promise<MintedCapability> => ({ ...made, token: minted.token }),
    keepable: withoutToken,
  })
}

/** A missing datasource is a fault of the body, not a 404: callers take a 404 for a wrong path. */
async function requireKnown(unit: UnitOfWork, ids: readonly DatasourceId[]): Promise<void> {
  const uuids = ids.map(id => datasourceUuid(id) ?? '')
  const known = await datasources.known(unit.tx, unit.org, uuids)
  const at = uuids.findIndex(uuid => !known.has(uuid))
  if (at === -1) return
  throw new Fault('invalid_body', {
    issues: [{ path: ['datasourceIds', at], code: 'entity_not_found', message: 'There is no such datasource.' }],
  })
}

/** The earlier of the two; a null `limit` means none. */
export function noLaterThan(limit: Date | null, at: Date): Date {
  return limit !== null && limit < at ? limit : at
}

/**
 * Throws `resource_limit_reached` unless the organization may have one more. The transaction holds the lock from here
 * on.
 */
export async function requireRoom(unit: UnitOfWork, max: number): Promise<void> {
  if (!(await quotas.hasRoom(unit, { table: 'capabilities', max }))) throw new Fault('resource_limit_reached')
}

/** Records an action on a capability. */
export async function recordCapability(unit: UnitOfWork, entry: { action: string; id: string }): Promise<void> {
  await audit.append(unit, { action: entry.action, objectKind: 'capability', objectId: entry.id })
}
