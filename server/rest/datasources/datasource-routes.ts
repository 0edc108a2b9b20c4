/**
 * The routes of `/v1/datasources`: registering, reading, listing, rotating, verifying, validating, removing.
 * Each maps its body to a procedure's input and decides nothing.
 */

import type { Call, Reply, Route } from '#server/rest/dialect.ts'
import { listReply } from '#server/rest/http/streamed-list.ts'
import { ANSWERS, BODIES, IDS } from '#server/rest/openapi/examples.ts'
import { MAX_PAGE } from '#shared/base/page.ts'
import { alreadyParsed } from '#shared/base/wire.ts'
import { RegisterInput } from '#shared/datasources/registration.ts'
import { ListQuery, RegisterBody, RemoveAllQuery, RotateKeyBody } from '#shared/dialects/datasources-dialect.ts'
import {
  DatasourceList,
  DatasourceObject,
  DeletedDatasource,
  DisconnectedDatasources,
} from '#shared/dialects/datasources-object.ts'
import { Fault } from '#shared/faults/fault.ts'
import { toDatasourceObject } from './datasource-object.ts'
import { documentedId, pathId, strictRoute } from './strict.ts'
import { validateRoutes } from './validate-routes.ts'

const PATH = '/v1/datasources'

const params = documentedId('a datasource', IDS.datasource)

/** The field of `Prefer: wait`, where the caller sent it. */
function waiting(call: Call) {
  return call.waitSeconds === undefined ? {} : { waitSeconds: call.waitSeconds }
}

async function list(call: Call, query: ReturnType<typeof ListQuery.parse>): Promise<Reply> {
  const { starting_after: olderThan, ending_before: newerThan } = query
  if (olderThan !== undefined && newerThan !== undefined)
    throw new Fault('invalid_request', {
      issues: [
        { path: ['ending_before'], code: 'exclusive', message: 'Give starting_after or ending_before, not both.' },
      ],
    })
  const page = async (cursor: string | undefined, limit: number) => {
    const { items, nextCursor } = await call.caller.datasources.list({
      limit,
      ...(cursor === undefined ? {} : { cursor }),
      ...(newerThan === undefined ? {} : { newerThan }),
    })
    return { rows: items.map(toDatasourceObject), nextCursor }
  }
  if (call.query.size === 0)
    return listReply({
      page: cursor => page(cursor, MAX_PAGE),
      whole: rows => ({ object: 'list', data: rows, has_more: false }),
    })
  const { rows, nextCursor } = await page(olderThan, query.limit ?? 10)
  return { status: 200, body: { object: 'list', data: rows, has_more: nextCursor !== null } }
}

const register = strictRoute({
  method: 'post',
  path: PATH,
  operationId: 'registerDatasource',
  summary: 'Register a datasource',
  description:
    'By connection string, by a string that the caller has sealed, or as a signed endpoint. Registering the same database ' +
    'again (same organization, mode, host, port, database and schema) rotates its credential; the same `id` comes back. ' +
    '*Deliberate*: that is 200 where nothing new was registered, so that a caller can tell it from a 201; whether the ' +
    'password was another one no answer tells, since that would let passwords be guessed; and no error repeats a ' +
    'connection string or a part of one.',
  params: {},
  body: {
    schema: RegisterBody,
    examples: { direct: BODIES.direct, sealed: BODIES.sealed, endpoint: BODIES.endpoint },
  },
  answers: {
    200: { description: 'It was registered already.', schema: DatasourceObject, example: ANSWERS.active },
    201: { description: 'Registered; to be verified.', schema: DatasourceObject, example: ANSWERS.unverified },
  },
  faults: ['byo_host_not_allowed', 'resource_limit_reached', 'conflict'],
  waits: true,
  async run(call, { body }) {
    const made = await call.caller.datasources.register(alreadyParsed(RegisterInput, { ...body, ...waiting(call) }))
    return { status: call.responseMetadata.created === true ? 201 : 200, body: toDatasourceObject(made) }
  },
})

const removeAll = strictRoute({
  method: 'delete',
  path: PATH,
  operationId: 'removeDatasources',
  summary: "Remove every datasource of the key's mode",
  description: 'Each with its sealed credential, a few at a time: after a failure those that were reached are gone.',
  params: {},
  query: RemoveAllQuery,
  answers: {
    200: {
      description: 'They are removed.',
      schema: DisconnectedDatasources,
      example: { object: 'datasource_disconnected', cleared: { direct: 2, endpoints: 1 } },
    },
  },
  faults: ['invalid_request'],
  async run(call) {
    const cleared = await call.caller.datasources.removeAll({ confirm: true })
    return { status: 200, body: { object: 'datasource_disconnected', cleared } }
  },
})

const rotateKey = strictRoute({
  method: 'post',
  path: `${PATH}/:id/rotate_key`,
  operationId: 'rotateDatasourceKey',
  summary: "Replace an endpoint's signing key",
  description: 'The new key is in force once the endpoint has answered to it; until then the old one stays.',
  params: documentedId('an endpoint', IDS.endpoint),
  body: { schema: RotateKeyBody, examples: { key: { signingKey: BODIES.endpoint.signingKey } } },
  answers: { 200: { description: 'The datasource.', schema: DatasourceObject, example: ANSWERS.endpoint } },
  faults: ['entity_not_found', 'conflict'],
  async run(call, { body: { signingKey } }) {
    return {
      status: 200,
      body: toDatasourceObject(await call.caller.datasources.rotateKey({ id: pathId(call), signingKey })),
    }
  },
})

const verify = strictRoute({
  method: 'post',
  path: `${PATH}/:id/verify`,
  operationId: 'verifyDatasource',
  summary: 'Check a datasource now',
  description: 'Makes the checklist due at once.',
  params,
  answers: { 200: { description: 'The datasource.', schema: DatasourceObject, example: ANSWERS.active } },
  faults: ['entity_not_found', 'conflict'],
  waits: true,
  async run(call) {
    const verified = await call.caller.datasources.verify({ id: pathId(call), ...waiting(call) })
    return { status: 200, body: toDatasourceObject(verified) }
  },
})

/** The table. */
export const datasourceRoutes: readonly Route[] = [
  register,
  strictRoute({
    method: 'get',
    path: PATH,
    operationId: 'listDatasources',
    summary: 'List datasources',
    description: 'Both kinds, both modes, newest first. Without a parameter all come back.',
    params: {},
    query: ListQuery,
    answers: {
      200: {
        description: 'The datasources.',
        schema: DatasourceList,
        example: { object: 'list', data: [ANSWERS.active, ANSWERS.endpoint], has_more: false },
      },
    },
    faults: ['invalid_request'],
    run: (call, { query }) => list(call, query),
  }),
  ...validateRoutes,
  removeAll,
  rotateKey,
  verify,
  strictRoute({
    method: 'get',
    path: `${PATH}/:id`,
    operationId: 'getDatasource',
    summary: 'Read a datasource',
    description: "Another organization's does not exist.",
    params,
    answers: { 200: { description: 'The datasource.', schema: DatasourceObject, example: ANSWERS.active } },
    faults: ['entity_not_found'],
    run: async call => ({
      status: 200,
      body: toDatasourceObject(await call.caller.datasources.get({ id: pathId(call) })),
    }),
  }),
  strictRoute({
    method: 'delete',
    path: `${PATH}/:id`,
    operationId: 'removeDatasource',
    summary: 'Remove a datasource',
    description: 'The sealed credential is destroyed in the same transaction.',
    params,
    answers: {
      200: {
        description: 'It is gone.',
        schema: DeletedDatasource,
        example: { object: 'datasource', id: IDS.datasource, deleted: true },
      },
    },
    faults: ['entity_not_found'],
    async run(call) {
      const { id } = await call.caller.datasources.remove({ id: pathId(call) })
      return { status: 200, body: { object: 'datasource', id, deleted: true } }
    },
  }),
]
