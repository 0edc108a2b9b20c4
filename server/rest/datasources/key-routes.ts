/**
 * API keys in the datasources dialect, `/v1/api_keys`: create, list and revoke. Each route maps to a procedure and
 * decides nothing.
 */
import type { Call, Route } from '#server/rest/dialect.ts'
import { IDS } from '#server/rest/openapi/examples.ts'
import { KEYS } from '#server/rest/openapi/organization-examples.ts'
import { KeyId } from '#shared/access/credential.ts'
import {
  CreatedKeyObject,
  CreateKeyBody,
  KeyObjects,
  KeysQuery,
  RevokedKeyObject,
  RevokeKeyQuery,
} from '#shared/dialects/keys-dialect.ts'
import { documentedId, idIn, strictRoute } from './strict.ts'

const PATH = '/v1/api_keys'

const seconds = (at: string) => Math.floor(Date.parse(at) / 1000)
const maybeSeconds = (at: string | null) => (at === null ? null : seconds(at))

type Listed = Awaited<ReturnType<Call['caller']['organization']['listKeys']>>['items'][number]

function present({ createdAt, issuerId, lastUsedAt, expiresAt, revokedAt, ...key }: Listed) {
  return {
    object: 'api_key' as const,
    ...key,
    created: seconds(createdAt),
    issuer: issuerId,
    last_used: maybeSeconds(lastUsedAt),
    expires: maybeSeconds(expiresAt),
    revoked: maybeSeconds(revokedAt),
  }
}

const create = strictRoute({
  method: 'post',
  path: PATH,
  operationId: 'createKey',
  summary: 'Create an API key',
  description: 'It cannot have a scope that the calling key lacks.',
  params: {},
  body: { schema: CreateKeyBody, examples: { narrow: KEYS.create } },
  answers: {
    201: {
      description: 'Created; the key is shown only in this answer.',
      schema: CreatedKeyObject,
      example: KEYS.created,
    },
  },
  faults: ['resource_limit_reached'],
  async run(call, { body }) {
    const { createdAt, ...key } = await call.caller.organization.createKey(body)
    return { status: 201, body: { object: 'api_key', ...key, created: seconds(createdAt) } }
  },
})

const list = strictRoute({
  method: 'get',
  path: PATH,
  operationId: 'listKeys',
  summary: 'List API keys',
  description: 'Of both modes, newest first, including revoked ones; never their text.',
  params: {},
  query: KeysQuery,
  answers: {
    200: {
      description: 'The keys.',
      schema: KeyObjects,
      example: { object: 'list', data: [KEYS.shown], has_more: false },
    },
  },
  faults: ['invalid_request'],
  async run(call, { query: { limit = 20, starting_after: cursor } }) {
    const page = { limit, ...(cursor === undefined ? {} : { cursor }) }
    const { items, nextCursor } = await call.caller.organization.listKeys(page)
    return { status: 200, body: { object: 'list', data: items.map(present), has_more: nextCursor !== null } }
  },
})

const revoke = strictRoute({
  method: 'delete',
  path: `${PATH}/:id`,
  operationId: 'revokeKey',
  summary: 'Revoke an API key',
  description: 'Requests with it are refused from then on, in every process.',
  params: documentedId('an API key', IDS.key),
  query: RevokeKeyQuery,
  answers: { 200: { description: 'It is revoked.', schema: RevokedKeyObject, example: KEYS.revoked } },
  faults: ['invalid_request', 'entity_not_found', 'conflict'],
  async run(call, { query: { children, force } }) {
    const revoked = await call.caller.organization.revokeKey({
      id: idIn(call, KeyId),
      ...(children === undefined ? {} : { children }),
      ...(force === undefined ? {} : { force: true }),
    })
    const { id, revokedAt, revokedKeys: revoked_keys, revokedCapabilities: revoked_capabilities } = revoked
    const counts = { revoked: seconds(revokedAt), revoked_keys, revoked_capabilities }
    return { status: 200, body: { object: 'api_key', id, deleted: true, ...counts } }
  },
})

/** The routes of this file. */
export const keyRoutes: readonly Route[] = [create, list, revoke]
