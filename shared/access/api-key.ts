/**
 * What the procedures of API keys take and answer. A key itself is in one answer only, the one that creates it.
 * What a key may be granted is in `credential.ts`.
 */
import { z } from 'zod'
import { PageInput } from '#shared/base/page.ts'
import { storableText } from '#shared/base/text.ts'
import { IdempotencyKey, Mode, Timestamp } from '#shared/base/wire.ts'
import { KeyId, Scope } from './credential.ts'

/** Input of `organization.createKey`. Without `mode`, that of the calling key; without `scopes`, all that it has but the lease. */
export const CreateKeyInput = z.strictObject({
  mode: Mode.optional(),
  name: storableText(1, 200).optional(),
  scopes: z.array(Scope).min(1).max(20).optional(),
  idempotencyKey: IdempotencyKey,
})

/** Answer of `organization.createKey`: the only time that the key is shown, so a replayed answer is without it. */
export const CreatedKey = z.object({
  id: KeyId,
  key: z.string().optional(),
  mode: Mode,
  name: z.string().nullable(),
  last4: z.string(),
  scopes: z.array(Scope),
  createdAt: Timestamp,
})

/** A key as the list shows it. `issuerId` is the key that made it; null: an operator did. */
export const ListedKey = z.object({
  id: KeyId,
  issuerId: KeyId.nullable(),
  mode: Mode,
  name: z.string().nullable(),
  last4: z.string(),
  scopes: z.array(Scope),
  createdAt: Timestamp,
  lastUsedAt: Timestamp.nullable(),
  expiresAt: Timestamp.nullable(),
  revokedAt: Timestamp.nullable(),
})
/** Input of `organization.listKeys`. Without `limit` a page has as many rows as the organization may have living keys. */
export const ListKeysInput = z.strictObject({
  limit: PageInput.shape.limit.unwrap().optional(),
  cursor: KeyId.optional(),
})
/** A page of the keys of an organization; `nextCursor` is the id of its last one where there are more. */
export const KeyList = z.object({ items: z.array(ListedKey), nextCursor: KeyId.nullable() })

/**
 * Input of `organization.revokeKey`. `children` is required where the key has living descendants: keys, capabilities, and
 * what those made. `force` is required where no key with `organization.write` would be left in a mode.
 */
export const RevokeKeyInput = z.strictObject({
  id: KeyId,
  children: z.enum(['revoke', 'keep']).optional(),
  force: z.boolean().optional(),
  idempotencyKey: IdempotencyKey,
})
/** Answer of `organization.revokeKey`: the counts are of descendants that were revoked now, beside the key itself. */
export const RevokedKey = z.object({
  id: KeyId,
  revokedAt: Timestamp,
  revokedKeys: z.number().int(),
  revokedCapabilities: z.number().int(),
})
