/**
 * API keys in the connections dialect (`/api/v1/api-keys`). Only the answer that creates a key holds the key itself.
 */
import { z } from 'zod'
import { Timestamp } from '#shared/base/wire.ts'
import { boundedText } from './connections-dialect.ts'

/** Body of `POST /api/v1/api-keys`. */
export const CreateApiKey = z
  .object({ name: boundedText(1, 200).describe('A label for people.') })
  .meta({ id: 'CreateApiKey', description: 'Creates an API key.' })

const displayed = {
  id: z.uuid().describe('The key.'),
  name: z.string().nullable().describe('As given; null if the key was created without one.'),
  prefix: z.string().describe('The beginning of the key, which shows its mode: `sk_live_` or `sk_test_`.'),
  last4: z.string().describe('The last four characters of the key.'),
  created_at: Timestamp.describe('When it was created.'),
}

/** A key in the list. */
export const ApiKeyResponse = z
  .object(displayed)
  .meta({ id: 'ApiKeyResponse', description: 'An API key, never its text.' })
export type ApiKeyResponse = z.output<typeof ApiKeyResponse>

/** Answer of `POST`, the only one that shows the key. */
export const CreatedApiKey = z
  .object({ ...displayed, key: z.string().optional().describe('Shown once: a replayed answer omits it.') })
  .meta({ id: 'CreatedApiKey', description: 'A new API key.' })

/** Answer of `GET`. */
export const ApiKeyList = z
  .object({
    api_keys: z.array(ApiKeyResponse).describe('The keys that are not revoked, of both modes, newest first.'),
    count: z.number().int().describe('The number of items.'),
  })
  .meta({ id: 'ApiKeyList', description: 'All API keys that are not revoked.' })

/** Answer of `DELETE`. */
export const RevokedApiKey = z
  .object({
    id: displayed.id,
    revoked_at: Timestamp.describe('The time of expiry, after which it is refused.'),
    kept: z
      .number()
      .int()
      .describe(
        'The number of living keys and capabilities that it created, directly or through others; they stay valid.',
      ),
  })
  .meta({ id: 'RevokedApiKey', description: 'A revoked API key.' })
