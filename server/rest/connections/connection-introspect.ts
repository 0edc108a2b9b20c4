/**
 * `POST /api/v1/connections/{connection_id}/introspect` of the connections dialect. It maps the query to
 * `snapshots.introspect` and maps the answer back.
 */
import { z } from 'zod'
import type { Call, Reply, Route } from '#server/rest/dialect.ts'
import { IDS } from '#server/rest/openapi/examples.ts'
import { codePoints } from '#shared/base/text.ts'
import { uuidOf } from '#shared/base/wire.ts'
import { envelopeOf } from '#shared/dialects/connections-object.ts'
import { ConnectionIntrospection } from '#shared/dialects/schema-dialect.ts'
import { Fault, type Issue } from '#shared/faults/fault.ts'
import { connectionPathId } from './connection-object.ts'

const Enveloped = envelopeOf({
  id: 'ConnectionIntrospectionEnvelope',
  schema: ConnectionIntrospection,
  description: 'The result of an introspection, in its envelope.',
})

const query = z.object({
  schemas: z
    .string()
    .optional()
    .meta({ description: 'Comma-separated; by default, all but the excluded ones.', example: 'app' }),
})

const EXAMPLE = {
  connection_id: IDS.uuid,
  table_count: 1,
  tables: ['app.orders'],
  schemas_introspected: ['app'],
  snapshot_id: IDS.uuid,
  introspected_at: '2026-11-21T12:00:00.000Z',
}

/** NAMEDATALEN − 1: the longest name in PostgreSQL, in bytes. */
const MAX_NAME_BYTES = 63
const MAX_NAMES = 100

/** The schemas that the query names; undefined if it names none. */
function schemasOf(call: Call): string[] | undefined {
  const given = call.query
    .getAll('schemas')
    .flatMap(list => list.split(','))
    .map(name => name.trim())
    .filter(name => name !== '')
  if (given.some(name => name.includes('\0'))) throw refused('value_error', 'Value error, a name cannot hold U+0000')
  if (given.some(name => codePoints(name) > MAX_NAME_BYTES)) {
    const message = `String should have at most ${MAX_NAME_BYTES} characters`
    throw refused('string_too_long', message, { max_length: MAX_NAME_BYTES })
  }
  if (given.some(name => Buffer.byteLength(name) > MAX_NAME_BYTES)) {
    throw refused('value_error', `Value error, a schema name has at most ${MAX_NAME_BYTES} bytes`)
  }
  if (given.length > MAX_NAMES) {
    const message = `List should have at most ${MAX_NAMES} items after validation, not ${given.length}`
    throw refused('too_long', message, { field_type: 'List', max_length: MAX_NAMES, actual_length: given.length })
  }
  return given.length === 0 ? undefined : given
}

function refused(code: string, message: string, ctx?: Issue['ctx']): Fault {
  const issue = { path: ['query', 'schemas'], code, message, ...(ctx === undefined ? {} : { ctx }) }
  return new Fault('invalid_request', { issues: [issue] })
}

async function introspect(call: Call): Promise<Reply> {
  const schemas = schemasOf(call)
  const id = connectionPathId(call)
  const found = await call.caller.snapshots.introspect({ id, ...(schemas === undefined ? {} : { schemas }) })
  const answer = {
    connection_id: uuidOf(id, 'ds_') ?? '',
    table_count: found.tables.length,
    tables: found.tables,
    schemas_introspected: found.schemasIntrospected,
    snapshot_id: uuidOf(found.snapshot.id, 'snap_') ?? '',
    introspected_at: found.introspectedAt,
  }
  return { status: 200, body: { success: true, data: answer, error: null } }
}

/** The route. */
export const introspectRoute: Route = {
  method: 'post',
  path: '/api/v1/connections/:connection_id/introspect',
  operationId: 'introspectConnection',
  summary: 'Introspect a connection now',
  description: 'An unverified connection is verified first, within the same 30 s; a rejected one is a conflict.',
  params: { connection_id: z.uuid().meta({ description: 'The id of a connection.', example: IDS.uuid }) },
  query,
  answers: {
    200: { description: 'What was found.', schema: Enveloped, example: { success: true, data: EXAMPLE, error: null } },
  },
  faults: [
    'invalid_request',
    'entity_not_found',
    'conflict',
    'introspection_failed',
    'database_unreachable',
    'timeout',
  ],
  run: introspect,
}
