/**
 * The routes of `/v1/datasources`: registering, listing, removing. `change-routes.ts` has those that change or check one,
 * `datasource-object.ts` the route that reads one. Each maps its body to a procedure's input and decides nothing.
 */
import type { Call, Reply, Route } from '#server/rest/dialect.ts'
import { listReply } from '#server/rest/http/streamed-list.ts'
import { ANSWERS, BODIES, IDS } from '#server/rest/openapi/examples.ts'
import { MAX_PAGE } from '#shared/base/page.ts'
import { alreadyParsed } from '#shared/base/wire.ts'
import { RegisterInput } from '#shared/datasources/registration.ts'
import { RemoveAllQuery } from '#shared/dialects/datasource-change-dialect.ts'
import { ListQuery, RegisterBody } from '#shared/dialects/datasources-dialect.ts'
import {
  DatasourceList,
  DatasourceObject,
  DeletedDatasource,
  DisconnectedDatasources,
} from '#shared/dialects/datasources-object.ts'
import { Fault } from '#shared/faults/fault.ts'
import { changeRoutes } from './change-routes.ts'
import { datasourceRoute, pathId, toDatasourceObject } from './datasource-object.ts'
import { documentedId, strictRoute, waiting } from './strict.ts'
import { validateRoutes } from './validate-routes.ts'

const PATH = '/v1/datasources'

const params = documentedId('a datasource', IDS.datasource)

async function list(call: Call, query: ReturnType<typeof ListQuery.parse>): Promise<Reply> {
  const { starting_after: olderThan, ending_before: newerThan, connection: kind, updated_since: since } = query
  const { status, mode, metadata } = query
  if (olderThan !== undefined && newerThan !== undefined)
    throw new Fault('invalid_request', {
      issues: [
        { path: ['ending_before'], code: 'exclusive', message: 'Give starting_after or ending_before, not both.' },
      ],
    })
  const page = async (cursor: string | undefined, limit: number) => {
    const { items, nextCursor } = await call.caller.datasources.list({
      limit,
      ...{ kind, mode, status, metadata, updatedSince: since },
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
    'again (same organization, mode, host, port, database and schema) rotates its credential and returns the same `id`. ' +
    'New `metadata` replaces the old. *Deliberate*: the answer is 200 if nothing new was registered, so that a caller can tell it from a 201; whether the ' +
    'password was different is not revealed, since that would allow passwords to be guessed; and no error repeats a ' +
    'connection string or a part of one.',
  params: {},
  body: {
    schema: RegisterBody,
    examples: { direct: BODIES.direct, sealed: BODIES.sealed, endpoint: BODIES.endpoint },
  },
  answers: {
    200: { description: 'It was registered already.', schema: DatasourceObject, example: ANSWERS.active },
    201: { description: 'Registered; not verified yet.', schema: DatasourceObject, example: ANSWERS.unverified },
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
  description: 'Each with its sealed credential, a few at a time: after a failure, some may already be removed.',
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

/** The routes of this file. */
export const datasourceRoutes: readonly Route[] = [
  register,
  strictRoute({
    method: 'get',
    path: PATH,
    operationId: 'listDatasources',
    summary: 'List datasources',
    description:
      'Both kinds, both modes, newest first, or with `updated_since` the most recently changed first. Without parameters, all are returned. To follow changes, ask again with ' +
      '`updated_since` set to one minute before the largest `updated_at` already seen: a change may become visible shortly after its timestamp.',
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
  datasourceRoute,
  strictRoute({
    method: 'delete',
    path: `${PATH}/:id`,
    operationId: 'removeDatasource',
    summary: 'Remove a datasource',
    description: 'The sealed credential is destroyed in the same transaction. A repeat is 404.',
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
  ...changeRoutes,
]
