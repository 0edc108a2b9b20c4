/**
 * Creates and revokes API keys. A key creates only keys of its own mode, with scopes that it has; the token is in the
 * first answer and is stored nowhere, not even under an idempotency key.
 */

import type { z } from 'zod'
import { asCaller, type KnownContext } from '#server/api/context.ts'
import { idempotent, idempotentAs } from '#server/api/procedure/idempotent.ts'
import { countedDescendants, type RevocationConsent } from '#server/domain/access/revocation.ts'
import { isWithin, requireScope } from '#server/domain/access/scope.ts'
import { mintKey } from '#server/seal/mint.ts'
import * as apiKeys from '#server/store/access/api-keys.ts'
import * as audit from '#server/store/access/audit.ts'
import * as revocation from '#server/store/access/revocation.ts'
import { lockAccess, type Revocation } from '#server/store/access/revocation.ts'
import * as quotas from '#server/store/organizations/quotas.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'
import type { CreatedKey, CreateKeyInput, RevokedKey, RevokeKeyInput } from '#shared/access/api-key.ts'
import { typedId, uuidOf } from '#shared/base/wire.ts'
import { Fault, type Issue } from '#shared/faults/fault.ts'

type Created = z.output<typeof CreatedKey>

/**
 * Creates a key. Throws `forbidden` for another mode and for a scope that the caller lacks, and
 * `resource_limit_reached`.
 */
export async function createKey(ctx: KnownContext, input: z.output<typeof CreateKeyInput>): Promise<Created> {
  const { principal, deps } = ctx
  const scopes = input.scopes ?? principal.scopes.filter(scope => scope !== 'datasources.lease')
  const { mode = principal.mode, name = null } = input
  requireScope(principal, 'organization.write', { mode })
  if (!isWithin(scopes, principal.scopes)) throw new Fault('forbidden')
  const { token, row } = mintKey(deps.tokens, {
    organizationId: principal.organizationId,
    issuerId: principal.id,
    mode,
    name,
    scopes,
    now: deps.clock(),
  })
  const { last4, created_at } = row
  const id = typedId('key_', row.id)
  const made: Created = { id, mode, name, last4, scopes: [...scopes], createdAt: created_at.toISOString() }
  const stored = async (inside: KnownContext) => {
    await store(inside, row)
    return made
  }
  return idempotentAs({ ctx, path: 'organization.createKey', input }, stored, {
    answer: async (_, kept): Promise<Created> => ({ ...kept, key: token }),
    // Read from the answer rather than this call: a retry describes the key that the first call created.
    keepable: ({ key: _, ...rest }) => rest,
  })
}

async function store(ctx: KnownContext, row: ReturnType<typeof mintKey>['row']): Promise<void> {
  const { deps } = ctx
  await asCaller(ctx, async unit => {
    if (!(await quotas.hasRoom(unit, { table: 'api_keys', max: deps.quotas.keys })))
      throw new Fault('resource_limit_reached')
    await requireUnrevoked(ctx, unit)
    await apiKeys.insert(unit, row)
    await audit.append(unit, { action: 'key.created', objectKind: 'key', objectId: row.id })
  })
}

/**
 * Reads the calling key again, under the lock that a revocation takes: a request authenticated before its key was
 * revoked creates nothing afterwards. Throws `apikey_revoked`.
 */
export async function requireUnrevoked(ctx: KnownContext, unit: UnitOfWork): Promise<void> {
  const { id } = ctx.principal
  if ((await apiKeys.find(unit.tx, unit.org, id))?.revoked_at !== null) throw new Fault('apikey_revoked')
}

/**
 * Revokes a key: every process refuses requests with it from then on. Throws `entity_not_found`, `forbidden`, and
 * `conflict`, changing nothing, if `children` or `force` must be given.
 */
export async function revokeKey(
  ctx: KnownContext,
  input: z.output<typeof RevokeKeyInput>,
): Promise<z.output<typeof RevokedKey>> {
  const id = uuidOf(input.id, 'key_')
  if (id === null) throw new Fault('entity_not_found')
  return idempotent({ ctx, path: 'organization.revokeKey', input }, async inside => {
    const { revokedAt, revoked, kept } = await revoke(inside, { ...input, id })
    ctx.responseMetadata.kept = kept.keys.length + kept.capabilities.length
    return {
      id: input.id,
      revokedAt: revokedAt.toISOString(),
      revokedKeys: revoked.keys.length,
      revokedCapabilities: revoked.capabilities.length,
    }
  })
}

type Revoked = Extract<Revocation, { outcome: 'revoked' }>

async function revoke(ctx: KnownContext, ask: RevocationConsent & { id: string }): Promise<Revoked> {
  const { principal } = ctx
  return asCaller(ctx, async unit => {
    const row = await apiKeys.find(unit.tx, unit.org, ask.id)
    if (row === undefined) throw new Fault('entity_not_found')
    requireScope(principal, 'organization.write', { mode: row.mode })
    await lockAccess(unit)
    await requireUnrevoked(ctx, unit)
    const done = await revocation.revokeKeyRow(unit, ask)
    if (done.outcome === 'unknown') throw new Fault('entity_not_found')
    if (done.outcome === 'refused') throw new Fault('conflict', { issues: [issueOf(done)] })
    const event = (objectKind: 'key' | 'capability') => (objectId: string) => ({
      action: `${objectKind}.revoked`,
      objectKind,
      objectId,
    })
    await audit.appendAll(unit, [
      // The record has changes and refusals; a repeat is neither.
      ...[...(done.isRepeat ? [] : [ask.id]), ...done.revoked.keys].map(event('key')),
      ...done.revoked.capabilities.map(event('capability')),
    ])
    return done
  })
}

/** The confirmations that the call lacks, with the numbers to decide by. */
function issueOf({ missing, living }: Extract<Revocation, { outcome: 'refused' }>): Issue {
  const ctx = { keys: living.keys.length, capabilities: living.capabilities.length }
  if (missing === 'children') {
    const message = `The key has made ${countedDescendants(ctx)}. Set children to "revoke" or "keep".`
    return { path: ['children'], code: 'living_descendants', message, ctx }
  }
  const message =
    'No key with organization.write would be left in this mode. Call organization.revokeKey with force: true to revoke it all the same.'
  return { path: ['force'], code: 'last_key', message }
}
