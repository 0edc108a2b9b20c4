/**
 * Makes and revokes API keys. A key makes only keys of its own mode, with scopes that it has; the token is in the first
 * answer and is kept nowhere, not even under an idempotency key.
 */
import type { z } from 'zod'
import { isWithin, refusal } from '#server/domain/scope.ts'
import { mintKey } from '#server/seal/mint.ts'
import * as apiKeys from '#server/store/api-keys.ts'
import * as audit from '#server/store/audit.ts'
import { transaction } from '#server/store/db.ts'
import * as quotas from '#server/store/quotas.ts'
import type { CreatedKey, CreateKeyInput, RevokedKey, RevokeKeyInput } from '#shared/api-key.ts'
import { Fault } from '#shared/fault.ts'
import { typedId, uuidOf } from '#shared/wire.ts'
import { eventOf, type KnownContext } from './context.ts'
import { once } from './once.ts'

type Created = z.output<typeof CreatedKey>

/** Creates one. Throws `forbidden` for another mode and for a scope that the caller lacks, `resource_limit_reached`. */
export async function createKey(ctx: KnownContext, input: z.output<typeof CreateKeyInput>): Promise<Created> {
  const { principal, parts } = ctx
  const scopes = input.scopes ?? principal.scopes.filter(scope => scope !== 'datasources.lease')
  const denied = refusal(principal, 'organization.write', { mode: input.mode })
  if (denied !== null) throw new Fault(denied)
  if (!isWithin(scopes, principal.scopes)) throw new Fault('forbidden')
  const { token, row } = mintKey(parts.tokens, {
    organizationId: principal.organizationId,
    mode: input.mode,
    name: input.name ?? null,
    scopes,
    now: parts.clock(),
  })
  const made: Created = { id: typedId('key_', row.id), mode: input.mode, last4: row.last4, scopes: [...scopes] }
  return once(ctx, {
    path: 'organization.createKey',
    input,
    effect: async inside => {
      await store(inside, row)
      return made
    },
    answer: async () => ({ ...made, key: token }),
    keepable: () => made,
  })
}

async function store(ctx: KnownContext, row: ReturnType<typeof mintKey>['row']): Promise<void> {
  const { parts, principal } = ctx
  const org = principal.organizationId
  await transaction(parts.db, async tx => {
    const ask = { table: 'api_keys' as const, max: parts.quotas.keys, now: parts.clock() }
    if (!(await quotas.hasRoom(tx, org, ask))) throw new Fault('resource_limit_reached')
    await apiKeys.insert(tx, org, row)
    await audit.append(tx, org, eventOf(ctx, { action: 'key.created', objectKind: 'key', objectId: row.id }))
  })
}

/** Revokes one: requests with it are refused from then on, by every process. Throws `entity_not_found`, `forbidden`. */
export async function revokeKey(
  ctx: KnownContext,
  input: z.output<typeof RevokeKeyInput>,
): Promise<z.output<typeof RevokedKey>> {
  const id = uuidOf(input.id, 'key_')
  if (id === null) throw new Fault('entity_not_found')
  return once(ctx, {
    path: 'organization.revokeKey',
    input,
    effect: async inside => ({ id: input.id, revokedAt: (await revoke(inside, id)).toISOString() }),
    answer: async (_, revoked) => revoked,
  })
}

async function revoke(ctx: KnownContext, id: string): Promise<Date> {
  const { parts, principal } = ctx
  const org = principal.organizationId
  return transaction(parts.db, async tx => {
    const revoked = await apiKeys.revoke(tx, org, { id, now: parts.clock() })
    if (revoked === undefined) throw new Fault('entity_not_found')
    const denied = refusal(principal, 'organization.write', { mode: revoked.mode })
    if (denied !== null) throw new Fault(denied)
    await audit.append(tx, org, eventOf(ctx, { action: 'key.revoked', objectKind: 'key', objectId: id }))
    return revoked.revokedAt
  })
}
