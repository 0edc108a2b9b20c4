/**
 * API keys in the connections dialect (`/api/v1/api-keys`). Only the answer that creates a key holds the key itself.
 */
import { z } from 'zod'
import { Timestamp } from '#shared/base/wire.ts'
import { boundedText } from './connections-dialect.ts'

/** Body of `POST /api/v1/api-keys`. */
export const CreateApiKey = z
  .object({ name: boundedText(1, 200).describe('A line for people.') })
  .meta({ id: 'CreateApiKey', description: 'Creates an API key.' })

const displayed = {
  id: z.uuid().describe('The key.'),
  name: z.string().nullable().describe('As given; null for a key that was created without one.'),
  prefix: z.string().describe('How the key begins: `sk_live_` or `sk_test_`, its mode.'),
  last4: z.string().describe('How it ends.'),
  created_at: Timestamp.describe('When it was created.'),
}

/** A key in the list. */
export const ApiKeyResponse = z
  .object(displayed)
  .meta({ id: 'ApiKeyResponse', description: 'An API key, never its text.' })
export type ApiKeyResponse = z.output<typeof ApiKeyResponse>

/** Answer of `POST`: the key is shown only here. */
export const CreatedApiKey = z
  .object({ ...displayed, key: z.string().optional().describe('Shown once: a replayed answer is without it.') })
  .meta({ id: 'CreatedApiKey', description: 'A new API key.' })

/** Answer of `GET`. */
export const ApiKeyList = z
  .object({
    api_keys: z.array(ApiKeyResponse).describe('The keys that are not revoked, of both modes, newest first.'),
    count: z.number().int().describe('How many there are.'),
  })
  .meta({ id: 'ApiKeyList', description: 'All API keys that are not revoked.' })

/** Answer of `DELETE`. */
export const RevokedApiKey = z
  .object({
    id: displayed.id,
    revoked_at: Timestamp.describe('From then on it is refused.'),
    kept: z
      .number()
      .int()
      .describe('How many living keys and capabilities it had made, itself or through others: they live on.'),
  })
  .meta({ id: 'RevokedApiKey', description: 'A revoked API key.' })
