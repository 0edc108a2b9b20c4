/**
 * Inputs and answers of the procedures of API keys. Only the answer that creates a key holds the key itself.
 * `credential.ts` has the scopes that a key may have.
 */
import { z } from 'zod'
import { PageInput } from '#shared/base/page.ts'
import { storableText } from '#shared/base/text.ts'
import { IdempotencyKey, Mode, Timestamp } from '#shared/base/wire.ts'
import { KeyId, Scope } from './credential.ts'

/**
 * Input of `organization.createKey`. `mode` defaults to that of the calling key; `scopes` to all of its scopes except
 * the lease.
 */
export const CreateKeyInput = z.strictObject({
  mode: Mode.optional(),
  name: storableText(1, 200).optional(),
  scopes: z.array(Scope).min(1).max(20).optional(),
  idempotencyKey: IdempotencyKey,
})

/** Answer of `organization.createKey`. It holds the key; a replayed answer omits it. */
export const CreatedKey = z.object({
  id: KeyId,
  key: z.string().optional(),
  mode: Mode,
  name: z.string().nullable(),
  last4: z.string(),
  scopes: z.array(Scope),
  createdAt: Timestamp,
})

/** A key in the list. `issuerId` is the key that made it; null if an operator did. */
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
/**
 * Input of `organization.listKeys`. Without `limit`, a page holds as many rows as an organization may have living keys.
 */
export const ListKeysInput = z.strictObject({
  limit: PageInput.shape.limit.unwrap().optional(),
  cursor: KeyId.optional(),
})
/** A page of an organization's keys. `nextCursor` is the id of the last key on the page; null on the last page. */
export const KeyList = z.object({ items: z.array(ListedKey), nextCursor: KeyId.nullable() })

/**
 * Input of `organization.revokeKey`. `children` is required if the key has living descendants: keys, capabilities, and
 * everything that those created. `force` is required if the revocation would leave a mode without a key that has
 * `organization.write`.
 */
export const RevokeKeyInput = z.strictObject({
  id: KeyId,
  children: z.enum(['revoke', 'keep']).optional(),
  force: z.boolean().optional(),
  idempotencyKey: IdempotencyKey,
})
/** Answer of `organization.revokeKey`. The counts cover the descendants revoked by this call, not the key itself. */
export const RevokedKey = z.object({
  id: KeyId,
  revokedAt: Timestamp,
  revokedKeys: z.number().int(),
  revokedCapabilities: z.number().int(),
})
