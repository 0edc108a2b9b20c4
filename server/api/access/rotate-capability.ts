/**
 * Rotates capabilities: issues a new token with the grant of an old one, which ends now or after a grace period. It
 * waits for a revocation in progress, so that a rotation restores nothing that was revoked, and no revoked caller can
 * rotate.
 */

import type { KnownContext } from '#server/api/context.ts'
import { idempotentAs } from '#server/api/procedure/idempotent.ts'
import { capabilityToResponse, issuerName, withoutToken } from '#server/api/responses/capability.ts'
import { capabilityState } from '#server/domain/access/capability-state.ts'
import { isWithin, requireScope } from '#server/domain/access/scope.ts'
import { grantOf, mintCapability } from '#server/seal/mint.ts'
import * as capabilities from '#server/store/access/capabilities.ts'
import { revokeCapabilities } from '#server/store/access/revocation.ts'
import { transaction } from '#server/store/database/db.ts'
import * as quotas from '#server/store/organizations/quotas.ts'
import type { Tx } from '#server/store/tables/tables.ts'
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
    transaction(within.deps.db, async tx => {
      const { token, ...made } = await replace(within, tx, { ...input, uuid: id })
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

async function replace(ctx: KnownContext, tx: Tx, of: RotateCapabilityInput & { uuid: string }) {
  const { deps, principal } = ctx
  const org = principal.organizationId
  const now = deps.clock()
  // Before the row: a revocation takes the two locks in this order.
  await quotas.lock(tx, org, 'capabilities')
  await requireUnrevoked(ctx, tx)
  const old = await capabilities.lock(tx, org, of.uuid)
  if (old === undefined) throw new Fault('capability_not_found')
  requireScope(principal, 'organization.write', { mode: old.mode })
  if (!isWithin(old.operations, principal.scopes)) throw new Fault('forbidden')
  if (capabilityState(old, now) !== 'active') throw new Fault('conflict')
  const endsAt = await endOld(ctx, tx, { old, graceMs: of.graceSeconds * 1000, now })
  await requireRoom(ctx, tx, deps.quotas.capabilities + 1)
  const asked = of.ttlSeconds === undefined ? old.expires_at : new Date(now.getTime() + of.ttlSeconds * 1000)
  const minted = mintCapability(deps.tokens, {
    organizationId: org,
    issuerId: principal.id,
    mode: old.mode,
    operations: old.operations,
    datasourceIds: old.datasource_ids,
    expiresAt: noLaterThan(principal.expiresAt, asked),
  })
  await recordCapability(ctx, tx, { action: 'capability.rotated', id: old.id })
  const row = { ...minted.row, ...described(old), rotated_from: old.id, created_at: now }
  const rotatedFrom = { id: of.id, capabilityId: of.id, expiresAt: endsAt.toISOString() }
  const capability = capabilityToResponse(await capabilities.insert(tx, org, row), now)
  return { token: minted.token, capability, rotatedFrom }
}

/**
 * Revokes the old capability at once, or sets its expiry, which the MAC covers, to the end of the grace period. Returns
 * when its token stops working.
 */
async function endOld(
  ctx: KnownContext,
  tx: Tx,
  of: { old: capabilities.CapabilityRow; graceMs: number; now: Date },
): Promise<Date> {
  const { old, graceMs, now } = of
  if (graceMs === 0) {
    await revokeCapabilities(tx, old.org_id, { ids: [old.id], now })
    return now
  }
  const expiresAt = noLaterThan(old.expires_at, new Date(now.getTime() + graceMs))
  const mac = ctx.deps.tokens.mac({ pepperId: old.pepper_id, hash: old.hash }, { ...grantOf(old), expiresAt })
  await capabilities.reschedule(tx, old.org_id, { id: old.id, expiresAt, mac })
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
