/**
 * The connections dialect, `/api/v1/connections`: a datasource is called a connection here, ids are bare UUIDs, answers
 * come in an envelope, and validation errors follow Pydantic v2.
 */
import type { Call, Dialect, Reply, Route } from '#server/rest/dialect.ts'
import { listReply } from '#server/rest/http/streamed-list.ts'
import { BODIES, CONNECTION } from '#server/rest/openapi/examples.ts'
import { MAX_PAGE } from '#shared/base/page.ts'
import { alreadyParsed } from '#shared/base/wire.ts'
import { RegisterInput } from '#shared/datasources/registration.ts'
import { CreateConnection } from '#shared/dialects/connections-dialect.ts'
import {
  ConnectionList,
  ConnectionsError,
  envelopeOf,
  HttpValidationError,
} from '#shared/dialects/connections-object.ts'
import { faultSpec } from '#shared/faults/fault.ts'
import { apiKeyRoutes } from './api-key-routes.ts'
import { parseRegister } from './connection-body.ts'
import { connectionChangeRoutes } from './connection-changes.ts'
import { introspectRoute } from './connection-introspect.ts'
import {
  connectionPathId,
  connectionRoute,
  Enveloped,
  envelope,
  connectionParams as params,
  present,
} from './connection-object.ts'
import { detailOf } from './pydantic.ts'

const PATH = '/api/v1/connections'

const EnvelopedList = envelopeOf({
  id: 'ConnectionListEnvelope',
  schema: ConnectionList,
  description: 'All connections in their envelope.',
})

const ok = (content: unknown): Reply => ({ status: 200, body: envelope(content) })

function list(call: Call): Promise<Reply> {
  return listReply({
    async page(cursor) {
      const more = cursor === undefined ? {} : { cursor }
      const { items, nextCursor } = await call.caller.datasources.list({ kind: 'direct', limit: MAX_PAGE, ...more })
      return { rows: items.map(present), nextCursor }
    },
    whole: (connections, count) => envelope({ connections, count }),
  })
}

const routes: readonly Route[] = [
  {
    method: 'post',
    path: PATH,
    operationId: 'createConnection',
    summary: 'Register a connection',
    description:
      'Registering the same database again creates another connection. Unknown fields are ignored. *Deliberate*: `input` of a ' +
      '422 repeats no connection string and no part of one, and other texts only if they cannot contain one, since errors are ' +
      'logged; `NaN` and `Infinity` are malformed JSON; a body that is not UTF-8 is a 422.',
    params: {},
    body: { schema: CreateConnection, examples: { plain: BODIES.connection, sealed: BODIES.sealedConnection } },
    answers: { 201: { description: 'Registered.', schema: Enveloped, example: envelope(CONNECTION) } },
    faults: ['byo_host_not_allowed', 'resource_limit_reached'],
    waits: true,
    async run(call) {
      const waiting = call.waitSeconds === undefined ? {} : { waitSeconds: call.waitSeconds }
      const input = alreadyParsed(RegisterInput, { ...parseRegister(call.body), ...waiting })
      const made = await call.caller.datasources.register(input)
      return { status: 201, body: envelope(present(made)) }
    },
  },
  {
    method: 'get',
    path: PATH,
    operationId: 'listConnections',
    summary: 'List connections',
    description: 'The direct datasources of both modes, however they were registered.',
    params: {},
    answers: {
      200: {
        description: 'The connections.',
        schema: EnvelopedList,
        example: envelope({ connections: [CONNECTION], count: 1 }),
      },
    },
    faults: [],
    run: list,
  },
  connectionRoute,
  {
    method: 'delete',
    path: `${PATH}/:connection_id`,
    operationId: 'deleteConnection',
    summary: 'Remove a connection',
    description: 'The sealed credential is destroyed in the same transaction. A repeat is 404.',
    params,
    answers: {
      200: { description: 'It is gone.', schema: Enveloped, example: envelope({ ...CONNECTION, is_active: false }) },
    },
    faults: ['invalid_request', 'entity_not_found'],
    run: async call => ok(present(await call.caller.datasources.remove({ id: connectionPathId(call) }))),
  },
  ...connectionChangeRoutes,
  introspectRoute,
  ...apiKeyRoutes,
]

/** The dialect's routes and error shapes. */
export const connectionsDialect: Dialect = {
  surface: 'connections',
  routes,
  errorSchema: status => (status === 422 ? HttpValidationError : ConnectionsError),
  faultReply({ fault, body, params }) {
    const detail = detailOf(fault, { body, params })
    if (detail !== null) return { status: 422, body: { detail } }
    const spec = faultSpec(fault.code)
    const [issue] = fault.issues
    const details =
      issue === undefined
        ? null
        : fault.issues.map(({ path, code, message }) => ({ path: path.map(formatPart), code, message }))
    const error = { code: spec.connections, message: issue?.message ?? spec.message, details }
    return { status: spec.status, body: { success: false, data: null, error } }
  },
}

/** A field's name in the form of this dialect; list indexes and header names stay unchanged. */
function formatPart(part: string | number): string | number {
  return typeof part === 'number' || !/^[a-z]/.test(part)
    ? part
    : part.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
}
