/** The procedures of an organization's own affairs: its API keys and capabilities, and its record. */
import { z } from 'zod'
import { isWithin, refusal } from '#server/domain/scope.ts'
import * as apiKeys from '#server/store/api-keys.ts'
import * as audit from '#server/store/audit.ts'
import { transaction } from '#server/store/db.ts'
import * as quotas from '#server/store/quotas.ts'
import { CreatedKey, CreateKeyInput, KeyList, RevokedKey, RevokeKeyInput } from '#shared/credential.ts'
import { Fault } from '#shared/fault.ts'
import { SealingKey } from '#shared/sealing.ts'
import { typedId, uuidOf } from '#shared/wire.ts'
import { auditProcedure } from './audit.ts'
import { capabilityProcedures } from './capabilities.ts'
import { eventOf } from './context.ts'
import { mintKey } from './mint.ts'
import { currentSealingKey } from './sealing.ts'
import { procedure, router } from './trpc.ts'

export const organizationRouter = router({
  ...capabilityProcedures,

  /** The public key to seal connection strings to. It is no secret: whoever may call may seal. */
  sealingKey: procedure(null)
    .input(z.strictObject({}).optional())
    .output(SealingKey)
    .query(({ ctx }) => currentSealingKey(ctx)),

  /** The record of who did what, newest first. */
  audit: auditProcedure,

  /** Creates a key of the caller's own mode, with no scope that the caller lacks. It is shown in this answer only. */
  createKey: procedure('organization.write')
    .input(CreateKeyInput)
    .output(CreatedKey)
    .mutation(async ({ ctx, input }) => {
      const { principal, parts } = ctx
      const scopes = input.scopes ?? principal.scopes.filter(scope => scope !== 'datasources.lease')
      const denied = refusal(principal, 'organization.write', { mode: input.mode })
      if (denied !== null) throw new Fault(denied)
      if (!isWithin(scopes, principal.scopes)) throw new Fault('forbidden')
      const minted = mintKey(parts.tokens, {
        organizationId: principal.organizationId,
        mode: input.mode,
        name: input.name ?? null,
        scopes,
        now: parts.clock(),
      })
      await transaction(parts.db, async tx => {
        const ask = { table: 'api_keys' as const, max: parts.quotas.keys, now: parts.clock() }
        if (!(await quotas.hasRoom(tx, principal.organizationId, ask))) throw new Fault('quota_exceeded')
        await apiKeys.insert(tx, principal.organizationId, minted.row)
        await audit.append(
          tx,
          principal.organizationId,
          eventOf(ctx, { action: 'key.created', objectKind: 'key', objectId: minted.row.id }),
        )
      })
      return {
        id: typedId('key_', minted.row.id),
        key: minted.token,
        mode: input.mode,
        last4: minted.row.last4,
        scopes: [...scopes],
      }
    }),

  /** All keys, revoked ones too, newest first; never the keys themselves. */
  listKeys: procedure('organization.read')
    .input(z.strictObject({}).optional())
    .output(KeyList)
    .query(async ({ ctx }) => {
      const rows = await apiKeys.list(ctx.parts.db, ctx.principal.organizationId)
      return { items: rows.map(presentKey) }
    }),

  /** Revokes a key: requests with it are refused from then on, by every process. */
  revokeKey: procedure('organization.write')
    .input(RevokeKeyInput)
    .output(RevokedKey)
    .mutation(async ({ ctx, input }) => {
      const { principal, parts } = ctx
      const id = uuidOf(input.id, 'key_')
      if (id === null) throw new Fault('entity_not_found')
      const revokedAt = await transaction(parts.db, async tx => {
        const revoked = await apiKeys.revoke(tx, principal.organizationId, { id, now: parts.clock() })
        if (revoked === undefined) throw new Fault('entity_not_found')
        const denied = refusal(principal, 'organization.write', { mode: revoked.mode })
        if (denied !== null) throw new Fault(denied)
        await audit.append(
          tx,
          principal.organizationId,
          eventOf(ctx, { action: 'key.revoked', objectKind: 'key', objectId: id }),
        )
        return revoked.revokedAt
      })
      return { id: input.id, revokedAt: revokedAt.toISOString() }
    }),
})

function presentKey(row: apiKeys.ApiKeyRow) {
  return {
    id: typedId('key_', row.id),
    mode: row.mode,
    name: row.name,
    last4: row.last4,
    scopes: row.scopes,
    createdAt: row.created_at.toISOString(),
    lastUsedAt: row.last_used_at?.toISOString() ?? null,
    expiresAt: row.expires_at?.toISOString() ?? null,
    revokedAt: row.revoked_at?.toISOString() ?? null,
  }
}
