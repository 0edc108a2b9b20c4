/**
 * API keys in the datasources dialect (`/v1/api_keys`).
 * Only the answer that creates a key holds the key itself.
 */
import { z } from 'zod'
import { CreateKeyInput, ListedKey, RevokeKeyInput } from '#shared/access/api-key.ts'
import { KeyId } from '#shared/access/credential.ts'
import { PageLimit } from './datasources-dialect.ts'

const seconds = (description: string) => z.number().int().describe(description)
const OLDER_THAN = 'The id of the last one seen: answers those after it, older ones.'
const limit = PageLimit.optional().describe('How many at most, 1 to 100; 20 when left out.')

/** Body of `POST /v1/api_keys`. */
export const CreateKeyBody = z
  .strictObject({
    name: CreateKeyInput.shape.name.describe('A line for people.'),
    mode: CreateKeyInput.shape.mode.describe(
      'The mode of the calling key, which it has when left out; another one is 403.',
    ),
    scopes: CreateKeyInput.shape.scopes.describe(
      'What it may do, of what the calling key may. Left out: all of that but the lease.',
    ),
  })
  .meta({ id: 'CreateKey', description: 'A new API key.' })

const displayed = ListedKey.shape
const key = {
  object: z.literal('api_key').describe('Always `api_key`.'),
  id: displayed.id.describe('`key_…`.'),
  mode: displayed.mode.describe('The plane that it changes.'),
  name: displayed.name.describe('As given; null where it was created without one.'),
  last4: displayed.last4.describe('How it ends.'),
  scopes: displayed.scopes.describe('What it may do.'),
  created: seconds('When it was created, in Unix seconds.'),
}

/** Answer of `POST /v1/api_keys`: the key is shown only here. */
export const CreatedKeyObject = z
  .object({ ...key, key: z.string().optional().describe('Shown once: a replayed answer is without it.') })
  .meta({ id: 'CreatedKey', description: 'A new API key, with its text.' })

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
            issuer: displayed.issuerId.describe('The key that made it; null where an operator did.'),
            last_used: z
              .number()
              .int()
              .nullable()
              .describe('When it last presented itself, in Unix seconds, to the minute; null before that.'),
            expires: z
              .number()
              .int()
              .nullable()
              .describe('From then on it is refused, in Unix seconds; null for never.'),
            revoked: z
              .number()
              .int()
              .nullable()
              .describe('When it was revoked, in Unix seconds; null for one that lives.'),
          })
          .meta({ id: 'Key', description: 'An API key, never its text.' }),
      )
      .describe('Newest first, revoked ones too.'),
    has_more: z.boolean().describe('True when there are older ones.'),
  })
  .meta({ id: 'KeyList', description: 'A page of API keys.' })

/** Query of `DELETE /v1/api_keys/{id}`. */
export const RevokeKeyQuery = z.strictObject({
  children: RevokeKeyInput.shape.children.describe(
    'What becomes of living keys and capabilities that it has made. Has to be said where there are any: else 409 `conflict`.',
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
    revoked_keys: z.number().int().describe('How many keys that it had made were revoked with it.'),
    revoked_capabilities: z.number().int().describe('How many capabilities were revoked with it.'),
  })
  .meta({ id: 'RevokedKey', description: 'An API key that was revoked.' })
