/**
 * Rotates capabilities: issues a new token with the grant of an old one, which ends now or after a grace period. It
 * waits for a revocation in progress, so that a rotation restores nothing that was revoked, and no revoked caller can
 * rotate.
 */

import { asCaller, type KnownContext } from '#server/api/context.ts'
import { idempotentAs } from '#server/api/procedure/idempotent.ts'
import { capabilityToResponse, issuerName, withoutToken } from '#server/api/responses/capability.ts'
import { capabilityState } from '#server/domain/access/capability-state.ts'
import { isWithin, requireScope } from '#server/domain/access/scope.ts'
import { grantOf, mintCapability } from '#server/seal/mint.ts'
import * as capabilities from '#server/store/access/capabilities.ts'
import { revokeCapabilities } from '#server/store/access/revocation.ts'
import * as quotas from '#server/store/organizations/quotas.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'
import type { MintedCapability, RotateCapabilityInput } from '#shared/access/capability.ts'
import { uuidOf } from '#shared/base/wire.ts'
import { Fault } from '#shared/faults/fault.ts'
import { requireUnrevoked } from './keys.ts'
import { noLaterThan, recordCapability, requireRoom } from './mint-capability.ts'

/**
 * Issues a new token with the same grant for the caller, who must have all of it; the old one ends now, or after the
 * grace period. Throws `capability_not_found`, `conflict` for one that has already ended, and `forbidden`.
 */
export async function rotateCapability(ctx: KnownContext, input: RotateCapabilityInput): Promise<MintedCapability> {
  const id = uuidOf(input.id, 'cap_')
  if (id === null) throw new Fault('capability_not_found')
  const displayed: { token?: string } = {}
  const rotated = (within: KnownContext) =>
    asCaller(within, async unit => {
      const { token, ...made } = await replace(within, unit, { ...input, uuid: id })
      displayed.token = token
      return made
    })
  return idempotentAs({ ctx, path: 'organization.rotateCapability', input }, rotated, {
    answer: async (_, { capability, rotatedFrom }): Promise<MintedCapability> => ({
      ...capability,
      ...displayed,
      rotatedFrom,
    }),
    keepable: withoutToken,
  })
}

async function replace(
  ctx: KnownContext,
  unit: UnitOfWork,
  { uuid, graceSeconds, ttlSeconds, id }: RotateCapabilityInput & { uuid: string },
) {
  const { deps, principal } = ctx
  const { org, now } = unit
  // Before the row: a revocation takes the two locks in this order.
  await quotas.lock(unit, 'capabilities')
  await requireUnrevoked(ctx, unit)
  const old = await capabilities.lock(unit, uuid)
  if (old === undefined) throw new Fault('capability_not_found')
  requireScope(principal, 'organization.write', { mode: old.mode })
  if (!isWithin(old.operations, principal.scopes)) throw new Fault('forbidden')
  if (capabilityState(old, now) !== 'active') throw new Fault('conflict')
  const endsAt = await endOld(ctx, unit, { old, graceMs: graceSeconds * 1000 })
  await requireRoom(unit, deps.quotas.capabilities + 1)
  const asked = ttlSeconds === undefined ? old.expires_at : new Date(now.getTime() + ttlSeconds * 1000)
  const minted = mintCapability(deps.tokens, {
    organizationId: org,
    issuerId: principal.id,
    mode: old.mode,
    operations: old.operations,
    datasourceIds: old.datasource_ids,
    expiresAt: noLaterThan(principal.expiresAt, asked),
  })
  await recordCapability(unit, { action: 'capability.rotated', id: old.id })
  const row = { ...minted.row, ...described(old), rotated_from: old.id, created_at: now }
  const rotatedFrom = { id, capabilityId: id, expiresAt: endsAt.toISOString() }
  const capability = capabilityToResponse(await capabilities.insert(unit, row), now)
  return { token: minted.token, capability, rotatedFrom }
}

/**
 * Revokes the old capability at once, or sets its expiry, which the MAC covers, to the end of the grace period. Returns
 * when its token stops working.
 */
async function endOld(
  ctx: KnownContext,
  unit: UnitOfWork,
  { old, graceMs }: { old: capabilities.CapabilityRow; graceMs: number },
): Promise<Date> {
  if (graceMs === 0) {
    await revokeCapabilities(unit, [old.id])
    return unit.now
  }
  const expiresAt = noLaterThan(old.expires_at, new Date(unit.now.getTime() + graceMs))
  const mac = ctx.deps.tokens.mac({ pepperId: old.pepper_id, hash: old.hash }, { ...grantOf(old), expiresAt })
  await capabilities.reschedule(unit, { id: old.id, expiresAt, mac })
  return expiresAt
}

/** The properties of a capability besides its grant, which a rotation carries over. */
function described(old: capabilities.CapabilityRow) {
  const { participant_kind, participant_id, label, sync_groups, wide_scope } = old
  return {
    participant_kind,
    participant_id: participant_id ?? issuerName(old.issuer_id),
    label,
    sync_groups,
    wide_scope,
    user_meta: JSON.stringify(old.user_meta),
  }
}
