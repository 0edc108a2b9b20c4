/**
 * The procedures of an organization's own affairs: its keys, capabilities, sealing key and audit record. Each of them
 * has a file of its own.
 */
import { z } from 'zod'
import { procedure, router } from '#server/api/procedure/trpc.ts'
import { currentSealingKey } from '#server/api/registration/sealing.ts'
import * as apiKeys from '#server/store/access/api-keys.ts'
import {
  CreatedKey,
  CreateKeyInput,
  KeyList,
  ListKeysInput,
  RevokedKey,
  RevokeKeyInput,
} from '#shared/access/api-key.ts'
import { Egress } from '#shared/access/egress.ts'
import { SealingKey } from '#shared/access/sealing.ts'
import { typedId, uuidOf } from '#shared/base/wire.ts'
import { auditProcedure } from './audit.ts'
import { capabilityProcedures } from './capabilities.ts'
import { currentProcedure, usageProcedure } from './current.ts'
import { createKey, revokeKey } from './keys.ts'

/** `organization.*`. */
export const organizationRouter = router({
  ...capabilityProcedures,

  /** The public key to seal connection strings to. It is not secret: any caller may seal. */
  sealingKey: procedure(null)
    .input(z.strictObject({}).optional())
    .output(SealingKey)
    .query(({ ctx }) => currentSealingKey(ctx)),

  /** The addresses from which this installation dials, for the firewalls of customers. */
  egress: procedure(null)
    .input(z.strictObject({}).optional())
    .output(Egress)
    .query(({ ctx }) => ({ addresses: [...(ctx.deps.policy.egressAddresses ?? [])] })),

  /** The caller and their organization. */
  current: currentProcedure,

  /** The usage of the organization and its quotas. */
  usage: usageProcedure,

  /** The audit record, newest first. */
  audit: auditProcedure,

  /** Creates a key of the caller's own mode, with no scope that the caller lacks. Only this answer shows the key. */
  createKey: procedure('organization.write')
    .input(CreateKeyInput)
    .output(CreatedKey)
    .mutation(({ ctx, input }) => createKey(ctx, input)),

  /**
   * The rows of all keys, including revoked ones, newest first, without the keys themselves. `cursor` is the id of the
   * last one seen.
   */
  listKeys: procedure('organization.read')
    .input(ListKeysInput.optional())
    .output(KeyList)
    .query(async ({ ctx, input = {} }) => {
      const { limit = ctx.deps.quotas.keys, cursor } = input
      const olderThan = cursor === undefined ? null : (uuidOf(cursor, 'key_') ?? null)
      const page = { olderThan, limit: limit + 1 }
      const rows = await apiKeys.list(ctx.db, ctx.principal.organizationId, page)
      const items = rows.slice(0, limit).map(presentKey)
      return { items, nextCursor: rows.length > limit ? (items.at(-1)?.id ?? null) : null }
    }),

  /** Revokes a key, and on request its descendants: every process refuses requests with them from then on. */
  revokeKey: procedure('organization.write')
    .input(RevokeKeyInput)
    .output(RevokedKey)
    .mutation(({ ctx, input }) => revokeKey(ctx, input)),
})

function presentKey(row: apiKeys.ApiKeyRow) {
  return {
    id: typedId('key_', row.id),
    issuerId: row.issuer_id === null ? null : typedId('key_', row.issuer_id),
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
