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
import { revokeCapabilities } from '#server/store/revocation.ts'
import type { Capability, MintCapabilityInput, MintedCapability, RotateCapabilityInput } from '#shared/capability.ts'
import { OPERATIONS, type Operation } from '#shared/credential.ts'
import { Fault } from '#shared/fault.ts'
import { type DatasourceId, typedId, uuidOf } from '#shared/wire.ts'
import { eventOf, type KnownContext } from './context.ts'
import { requireUnrevoked } from './keys.ts'
import { once } from './once.ts'

/** A capability as it is shown, by listing what goes out. */
export function presentCapability(row: capabilities.CapabilityRow, now: Date): Capability {
  const id = typedId('cap_', row.id)
  const issuedAt = row.created_at.toISOString()
  const scope = {
    organizationId: typedId('org_', row.org_id),
    syncGroups: row.sync_groups,
    operations: row.operations,
    participantKind: row.participant_kind,
    participantId: row.participant_id ?? issuerName(row.issuer_id),
  }
  return {
    id,
    capabilityId: id,
    mode: row.mode,
    status: row.revoked_at !== null ? 'revoked' : row.expires_at <= now ? 'expired' : 'active',
    ...scope,
    scope,
    allowedSyncGroups: scope.syncGroups,
    allowedOperations: scope.operations,
    datasourceIds: row.datasource_ids,
    createdAt: issuedAt,
    issuedAt,
    lastUsedAt: row.last_used_at?.toISOString() ?? null,
    expiresAt: row.expires_at.toISOString(),
    revokedAt: row.revoked_at?.toISOString() ?? null,
    label: row.label,
    userMeta: row.user_meta,
    wideScope: row.wide_scope,
  }
}

/** Who a capability is for, where nobody was named: the key that minted it. */
function issuerName(keyId: string | null): string {
  return keyId === null ? 'operator' : typedId('key_', keyId)
}

/** The operations that are named, or with `wideScope` alone every one of the key's but the lease. Throws `forbidden`. */
function grantedOperations(
  { scopes }: KnownContext['principal'],
  named: MintCapabilityInput['operations'],
): Operation[] {
  const wide = OPERATIONS.filter(operation => operation !== 'datasources.lease' && scopes.includes(operation))
  const operations = [...new Set(named ?? wide)]
  if (operations.length === 0 || !isWithin(operations, scopes)) throw new Fault('forbidden')
  return operations
}

/** Mints one. Throws `forbidden` for an operation that the caller lacks, `resource_limit_reached` where there is no room. */
export async function mint(ctx: KnownContext, input: MintCapabilityInput): Promise<MintedCapability> {
  const { parts, principal } = ctx
  const operations = grantedOperations(principal, input.operations)
  const datasourceIds = input.datasourceIds === undefined ? null : [...new Set(input.datasourceIds)]
  const now = parts.clock()
  const minted = mintCapability(parts.tokens, {
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
  return once(ctx, {
    path: 'organization.mintCapability',
    input,
    effect: async within =>
      transaction(within.parts.db, async tx => {
        // In here, as whatever may change meanwhile: a replay is answered although a datasource has gone.
        if (datasourceIds !== null) await requireKnown(within, datasourceIds)
        await requireRoom(within, tx, parts.quotas.capabilities)
        await requireUnrevoked(within, tx)
        await record(within, tx, { action: 'capability.minted', id: row.id })
        return presentCapability(await capabilities.insert(tx, principal.organizationId, row), now)
      }),
    answer: async (_, made): Promise<MintedCapability> => ({ ...made, token: minted.token }),
    keepable: withoutToken,
  })
}

/**
 * A new token with the same grant, issued by the caller, who must have all of it; the old one ends now, or after the grace.
 * Throws `capability_not_found`, `conflict` for one that has ended already, and `forbidden`.
 */
export async function rotate(ctx: KnownContext, input: RotateCapabilityInput): Promise<MintedCapability> {
  const id = uuidOf(input.id, 'cap_')
  if (id === null) throw new Fault('capability_not_found')
  const shown: { token?: string } = {}
  return once(ctx, {
    path: 'organization.rotateCapability',
    input,
    effect: async within =>
      transaction(within.parts.db, async tx => {
        const { token, ...made } = await replace(within, tx, { ...input, uuid: id })
        shown.token = token
        return made
      }),
    answer: async (_, { capability, rotatedFrom }): Promise<MintedCapability> => ({
      ...capability,
      ...shown,
      rotatedFrom,
    }),
    keepable: withoutToken,
  })
}

async function replace(ctx: KnownContext, tx: Tx, of: RotateCapabilityInput & { uuid: string }) {
  const { parts, principal } = ctx
  const org = principal.organizationId
  const now = parts.clock()
  // Before the row: a revocation takes the two in this order.
  await quotas.lock(tx, org, 'capabilities')
  await requireUnrevoked(ctx, tx)
  const old = await capabilities.lock(tx, org, of.uuid)
  if (old === undefined) throw new Fault('capability_not_found')
  const denied = refusal(principal, 'organization.write', { mode: old.mode })
  if (denied !== null) throw new Fault(denied)
  if (!isWithin(old.operations, principal.scopes)) throw new Fault('forbidden')
  if (old.revoked_at !== null || old.expires_at <= now) throw new Fault('conflict')
  const endsAt = await endOld(ctx, tx, { old, graceMs: of.graceSeconds * 1000, now })
  await requireRoom(ctx, tx, parts.quotas.capabilities + 1)
  const minted = mintCapability(parts.tokens, {
    organizationId: org,
    issuerId: principal.id,
    mode: old.mode,
    operations: old.operations,
    datasourceIds: old.datasource_ids,
    expiresAt: noLaterThan(
      principal.expiresAt,
      of.ttlSeconds === undefined ? old.expires_at : new Date(now.getTime() + of.ttlSeconds * 1000),
    ),
  })
  const { participant_kind, participant_id, label, sync_groups, user_meta, wide_scope } = old
  const kept = {
    participant_kind,
    participant_id: participant_id ?? issuerName(old.issuer_id),
    label,
    sync_groups,
    wide_scope,
    user_meta: JSON.stringify(user_meta),
  }
  await record(ctx, tx, { action: 'capability.rotated', id: old.id })
  const row = { ...minted.row, ...kept, rotated_from: old.id, created_at: now }
  const rotatedFrom = { id: of.id, capabilityId: of.id, expiresAt: endsAt.toISOString() }
  const capability = presentCapability(await capabilities.insert(tx, org, row), now)
  return { token: minted.token, capability, rotatedFrom }
}

/** Revoked at once, or after a grace that the MAC covers like any expiry. Answers when its token stops. */
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
  const mac = ctx.parts.tokens.mac({ pepperId: old.pepper_id, hash: old.hash }, { ...grantOf(old), expiresAt })
  await capabilities.reschedule(tx, old.org_id, { id: old.id, expiresAt, mac })
  return expiresAt
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
