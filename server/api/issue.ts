/**
 * Mints and rotates capabilities. Only a key does: for its own mode, with operations that it has, ending no later than it
 * does. The token is in the first answer and is kept nowhere, not even under an idempotency key.
 */

import { isWithin, refusal } from '#server/domain/scope.ts'
import { grantOf, mintCapability } from '#server/seal/mint.ts'
import * as audit from '#server/store/audit.ts'
import * as capabilities from '#server/store/capabilities.ts'
import * as datasources from '#server/store/datasources.ts'
import { type Tx, transaction } from '#server/store/db.ts'
import * as quotas from '#server/store/quotas.ts'
import type { Capability, MintCapabilityInput, MintedCapability, RotateCapabilityInput } from '#shared/capability.ts'
import { Fault } from '#shared/fault.ts'
import { type DatasourceId, typedId, uuidOf } from '#shared/wire.ts'
import { eventOf, type KnownContext } from './context.ts'
import { once } from './once.ts'

/** A capability as it is shown, by listing what goes out. */
export function presentCapability(row: capabilities.CapabilityRow): Capability {
  return {
    id: typedId('cap_', row.id),
    mode: row.mode,
    participantKind: row.participant_kind,
    participantId: row.participant_id,
    allowedSyncGroups: row.sync_groups,
    allowedOperations: row.operations,
    datasourceIds: row.datasource_ids,
    createdAt: row.created_at.toISOString(),
    lastUsedAt: row.last_used_at?.toISOString() ?? null,
    expiresAt: row.expires_at.toISOString(),
    revokedAt: row.revoked_at?.toISOString() ?? null,
    label: row.label,
    userMeta: row.user_meta,
    wideScope: row.wide_scope,
  }
}

/** Mints one. Throws `forbidden` for an operation that the caller lacks, `resource_limit_reached` where there is no room. */
export async function mint(ctx: KnownContext, input: MintCapabilityInput): Promise<MintedCapability> {
  const { parts, principal } = ctx
  if (!isWithin(input.operations, principal.scopes)) throw new Fault('forbidden')
  const datasourceIds = input.datasourceIds === undefined ? null : [...new Set(input.datasourceIds)]
  const now = parts.clock()
  const minted = mintCapability(parts.tokens, {
    organizationId: principal.organizationId,
    issuerId: principal.id,
    mode: principal.mode,
    operations: [...new Set(input.operations)],
    datasourceIds,
    expiresAt: noLaterThan(principal.expiresAt, new Date(now.getTime() + input.ttlSeconds * 1000)),
  })
  const row = {
    ...minted.row,
    participant_kind: input.participantKind,
    participant_id: input.participantId ?? null,
    label: input.label ?? null,
    sync_groups: input.syncGroups ?? [],
    user_meta: JSON.stringify(input.userMeta ?? {}),
    wide_scope: input.wideScope ?? false,
    created_at: now,
  }
  return once(ctx, {
    path: 'organization.mintCapability',
    input,
    effect: async within =>
      transaction(within.parts.db, async tx => {
        // In here, as whatever may change meanwhile: a replay is answered although a datasource has gone.
        if (datasourceIds !== null) await requireKnown(within, datasourceIds)
        await requireRoom(within, tx, parts.quotas.capabilities)
        await record(within, tx, { action: 'capability.minted', id: row.id })
        return presentCapability(await capabilities.insert(tx, principal.organizationId, row))
      }),
    answer: async (_, made): Promise<MintedCapability> => ({ ...made, token: minted.token }),
    keepable: withoutToken,
  })
}

/**
 * A new token with the same grant, issued by the caller, who must have all of it; the old one ends now, or after the grace.
 * Throws `entity_not_found`, `conflict` for one that has ended already, and `forbidden`.
 */
export async function rotate(ctx: KnownContext, input: RotateCapabilityInput): Promise<MintedCapability> {
  const id = uuidOf(input.id, 'cap_')
  if (id === null) throw new Fault('entity_not_found')
  const shown: { token?: string } = {}
  return once(ctx, {
    path: 'organization.rotateCapability',
    input,
    effect: async within =>
      transaction(within.parts.db, async tx => {
        const { token, capability } = await replace(within, tx, { id, graceMs: input.graceSeconds * 1000 })
        shown.token = token
        return capability
      }),
    answer: async (_, made): Promise<MintedCapability> => ({ ...made, ...shown, rotatedFrom: input.id }),
    keepable: withoutToken,
  })
}

async function replace(ctx: KnownContext, tx: Tx, of: { id: string; graceMs: number }) {
  const { parts, principal } = ctx
  const org = principal.organizationId
  const now = parts.clock()
  const old = await capabilities.lock(tx, org, of.id)
  if (old === undefined) throw new Fault('entity_not_found')
  const denied = refusal(principal, 'organization.write', { mode: old.mode })
  if (denied !== null) throw new Fault(denied)
  if (!isWithin(old.operations, principal.scopes)) throw new Fault('forbidden')
  if (old.revoked_at !== null || old.expires_at <= now) throw new Fault('conflict')
  await endOld(ctx, tx, { old, graceMs: of.graceMs, now })
  await requireRoom(ctx, tx, parts.quotas.capabilities + 1)
  const minted = mintCapability(parts.tokens, {
    organizationId: org,
    issuerId: principal.id,
    mode: old.mode,
    operations: old.operations,
    datasourceIds: old.datasource_ids,
    expiresAt: noLaterThan(principal.expiresAt, old.expires_at),
  })
  const { participant_kind, participant_id, label, sync_groups, user_meta, wide_scope } = old
  const kept = {
    participant_kind,
    participant_id,
    label,
    sync_groups,
    wide_scope,
    user_meta: JSON.stringify(user_meta),
  }
  await record(ctx, tx, { action: 'capability.rotated', id: old.id })
  const row = { ...minted.row, ...kept, rotated_from: old.id, created_at: now }
  return { token: minted.token, capability: presentCapability(await capabilities.insert(tx, org, row)) }
}

/** Revoked at once, or after a grace that the MAC covers like any expiry. */
async function endOld(
  ctx: KnownContext,
  tx: Tx,
  of: { old: capabilities.CapabilityRow; graceMs: number; now: Date },
): Promise<void> {
  const { old, graceMs, now } = of
  if (graceMs === 0) {
    await capabilities.revoke(tx, old.org_id, { id: old.id, now })
    return
  }
  const expiresAt = noLaterThan(old.expires_at, new Date(now.getTime() + graceMs))
  const mac = ctx.parts.tokens.mac({ pepperId: old.pepper_id, hash: old.hash }, { ...grantOf(old), expiresAt })
  await capabilities.reschedule(tx, old.org_id, { id: old.id, expiresAt, mac })
}

function noLaterThan(limit: Date | null, at: Date): Date {
  return limit !== null && limit < at ? limit : at
}

/** A datasource that is not there is a fault of the body, not a 404: callers take that for a wrong path. */
async function requireKnown(ctx: KnownContext, ids: readonly DatasourceId[]): Promise<void> {
  const uuids = ids.map(id => uuidOf(id, 'ds_', 'ds_test_', 'dse_') ?? '')
  const known = await datasources.known(ctx.parts.db, ctx.principal.organizationId, uuids)
  const at = uuids.findIndex(uuid => !known.has(uuid))
  if (at === -1) return
  throw new Fault('invalid_body', {
    issues: [{ path: ['datasourceIds', at], code: 'entity_not_found', message: 'There is no such datasource.' }],
  })
}

async function requireRoom(ctx: KnownContext, tx: Tx, max: number): Promise<void> {
  const ask = { table: 'capabilities' as const, max, now: ctx.parts.clock() }
  if (!(await quotas.hasRoom(tx, ctx.principal.organizationId, ask))) throw new Fault('resource_limit_reached')
}

async function record(ctx: KnownContext, tx: Tx, of: { action: string; id: string }): Promise<void> {
  const event = eventOf(ctx, { action: of.action, objectKind: 'capability', objectId: of.id })
  await audit.append(tx, ctx.principal.organizationId, event)
}

function withoutToken({ token: _, ...rest }: MintedCapability): Omit<MintedCapability, 'token'> {
  return rest
}
