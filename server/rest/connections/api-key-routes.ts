/**
 * API keys in the connections dialect, `/api/v1/api-keys`: for the calling key's mode, with its scopes except the
 * lease. Tokens that a revoked key issued are kept here; `organization.revokeKey` revokes them as well, and can revoke
 * the last key.
 */
import { z } from 'zod'
import type { Reply, Route } from '#server/rest/dialect.ts'
import { listReply } from '#server/rest/http/streamed-list.ts'
import { API_KEYS } from '#server/rest/openapi/capability-examples.ts'
import { IDS } from '#server/rest/openapi/examples.ts'
import { KeyId } from '#shared/access/credential.ts'
import { MAX_PAGE } from '#shared/base/page.ts'
import type { Mode } from '#shared/base/wire.ts'
import { typedId, uuidOf } from '#shared/base/wire.ts'
import {
  ApiKeyList,
  type ApiKeyResponse,
  CreateApiKey,
  CreatedApiKey,
  RevokedApiKey,
} from '#shared/dialects/api-keys-dialect.ts'
import { envelopeOf } from '#shared/dialects/connections-object.ts'
import { bodyObject, parsedBody } from './connection-body.ts'
import { pathUuid } from './connection-object.ts'

const PATH = '/api/v1/api-keys'

const enveloped = (schema: z.ZodType, id: string) =>
  envelopeOf({ id, schema, description: 'The answer in its envelope.' })
const envelope = (content: unknown) => ({ success: true, data: content, error: null })
const ok = (content: unknown): Reply => ({ status: 200, body: envelope(content) })

interface Key {
  readonly id: string
  readonly mode: Mode
  readonly name: string | null
  readonly last4: string
  readonly createdAt: string
}

/** A key in the form of this dialect, from explicitly listed fields. */
function present(key: Key): ApiKeyResponse {
  const { name, last4, createdAt: created_at } = key
  return { id: uuidOf(key.id, 'key_') ?? '', name, prefix: `sk_${key.mode}_`, last4, created_at }
}

/** The routes. */
export const apiKeyRoutes: readonly Route[] = [
  {
    method: 'post',
    path: PATH,
    operationId: 'createApiKey',
    summary: 'Create an API key',
    description: 'It has the mode and the scopes of the calling key, except for leases. Unknown fields are ignored.',
    params: {},
    body: { schema: CreateApiKey, examples: { named: API_KEYS.create } },
    answers: {
      201: {
        description: 'Created; the key is shown only in this answer.',
        schema: enveloped(CreatedApiKey, 'CreatedApiKeyEnvelope'),
        example: envelope(API_KEYS.created),
      },
    },
    faults: ['resource_limit_reached'],
    async run(call) {
      const { name } = parsedBody(CreateApiKey, bodyObject(call.body))
      const made = await call.caller.organization.createKey({ name })
      const key = made.key === undefined ? {} : { key: made.key }
      return { status: 201, body: envelope({ ...present(made), ...key }) }
    },
  },
  {
    method: 'get',
    path: PATH,
    operationId: 'listApiKeys',
    summary: 'List API keys',
    description: 'The keys that are not revoked, of both modes, newest first; never their text.',
    params: {},
    answers: {
      200: {
        description: 'The keys.',
        schema: enveloped(ApiKeyList, 'ApiKeyListEnvelope'),
        example: envelope({ api_keys: [API_KEYS.shown], count: 1 }),
      },
    },
    faults: [],
    run: call =>
      listReply({
        async page(cursor) {
          const more = cursor === undefined ? {} : { cursor: KeyId.parse(cursor) }
          const { items, nextCursor } = await call.caller.organization.listKeys({ limit: MAX_PAGE, ...more })
          return { rows: items.filter(key => key.revokedAt === null).map(present), nextCursor }
        },
        whole: (keys, count) => envelope({ api_keys: keys, count }),
      }),
  },
  {
    method: 'delete',
    path: `${PATH}/:id`,
    operationId: 'revokeApiKey',
    summary: 'Revoke an API key',
    description:
      'Keys and capabilities that it has made live on, and their number is answered. The last key of a mode with `organization.write` is refused with 409: call `organization.revokeKey` over tRPC with `force`.',
    params: { id: z.uuid().meta({ description: 'The id of an API key.', example: IDS.uuid }) },
    answers: {
      200: {
        description: 'It is revoked.',
        schema: enveloped(RevokedApiKey, 'RevokedApiKeyEnvelope'),
        example: envelope(API_KEYS.revoked),
      },
    },
    faults: ['invalid_request', 'entity_not_found', 'conflict'],
    async run(call) {
      const id = pathUuid(call, 'id')
      const { revokedAt } = await call.caller.organization.revokeKey({ id: typedId('key_', id), children: 'keep' })
      return ok({ id, revoked_at: revokedAt, kept: call.responseMetadata.kept ?? 0 })
    },
  },
]
