/**
 * API keys in the datasources dialect (`/v1/api_keys`).
 * Only the answer that creates a key holds the key itself.
 */
import { z } from 'zod'
import { CreateKeyInput, ListedKey, RevokeKeyInput } from '#shared/access/api-key.ts'
import { KeyId } from '#shared/access/credential.ts'
import { PageLimit } from './datasources-dialect.ts'

const seconds = (description: string) => z.number().int().describe(description)
const OLDER_THAN = 'The id of the last item already seen; the answer has the items after it, which are older.'
const limit = PageLimit.optional().describe('The maximum number of items, 1 to 100; 20 by default.')

/** Body of `POST /v1/api_keys`. */
export const CreateKeyBody = z
  .strictObject({
    name: CreateKeyInput.shape.name.describe('A label for people.'),
    mode: CreateKeyInput.shape.mode.describe('The mode, which must be that of the calling key; another one is 403.'),
    scopes: CreateKeyInput.shape.scopes.describe(
      'The scopes, which the calling key must have. By default: all of its scopes except the lease.',
    ),
  })
  .meta({ id: 'CreateKey', description: 'A new API key.' })

const displayed = ListedKey.shape
const key = {
  object: z.literal('api_key').describe('Always `api_key`.'),
  id: displayed.id.describe('`key_…`.'),
  mode: displayed.mode.describe('The mode of the objects that it can change.'),
  name: displayed.name.describe('As given; null if it was created without one.'),
  last4: displayed.last4.describe('The last four characters of the key.'),
  scopes: displayed.scopes.describe('The permitted operations.'),
  created: seconds('When it was created, in Unix seconds.'),
}

/** Answer of `POST /v1/api_keys`, the only one that shows the key. */
export const CreatedKeyObject = z
  .object({ ...key, key: z.string().optional().describe('Shown once: a replayed answer omits it.') })
  .meta({ id: 'CreatedKey', description: 'A new API key, with its full value.' })

/** Query of `GET /v1/api_keys`. */
export const KeysQuery = z.strictObject({ limit, starting_after: KeyId.optional().describe(OLDER_THAN) })

/** Answer of `GET /v1/api_keys`. */
export const KeyObjects = z
  .object({
    object: z.literal('list').describe('Always `list`.'),
    data: z
      .array(
        z
          .object({
            ...key,
            issuer: displayed.issuerId.describe('The key that created it; null if an operator did.'),
            last_used: z
              .number()
              .int()
              .nullable()
              .describe('When it was last used, in Unix seconds, to the minute; null before that.'),
            expires: z
              .number()
              .int()
              .nullable()
              .describe('The time of expiry, in Unix seconds; null if it never expires.'),
            revoked: z
              .number()
              .int()
              .nullable()
              .describe('When it was revoked, in Unix seconds; null if it is not revoked.'),
          })
          .meta({ id: 'Key', description: 'An API key, never its text.' }),
      )
      .describe('Newest first, including revoked ones.'),
    has_more: z.boolean().describe('True if there are older items.'),
  })
  .meta({ id: 'KeyList', description: 'A page of API keys.' })

/** Query of `DELETE /v1/api_keys/{id}`. */
export const RevokeKeyQuery = z.strictObject({
  children: RevokeKeyInput.shape.children.describe(
    'The fate of living keys and capabilities that it has created. Required if there are any: otherwise 409 `conflict`.',
  ),
  force: z
    .literal('true')
    .optional()
    .describe(
      '`true` to revoke the last key of its mode that has `organization.write`, which is 409 `conflict` otherwise.',
    ),
})

/** Answer of `DELETE /v1/api_keys/{id}`. */
export const RevokedKeyObject = z
  .object({
    object: z.literal('api_key').describe('Always `api_key`.'),
    id: displayed.id.describe('The key.'),
    deleted: z.literal(true).describe('Always true: it is refused from now on.'),
    revoked: seconds('When it was revoked, in Unix seconds.'),
    revoked_keys: z.number().int().describe('The number of keys that it created and that were revoked with it.'),
    revoked_capabilities: z.number().int().describe('The number of capabilities that were revoked with it.'),
  })
  .meta({ id: 'RevokedKey', description: 'An API key that was revoked.' })
