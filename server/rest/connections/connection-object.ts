/**
 * A connection of the connections dialect as callers read it: its id in a path, its form in an answer, from explicitly
 * listed fields, and the route that reads one.
 */
import { z } from 'zod'
import { datasourceAhead } from '#server/api/procedure/require-datasource.ts'
import type { Call, Route } from '#server/rest/dialect.ts'
import { CONNECTION, IDS } from '#server/rest/openapi/examples.ts'
import { type DatasourceId, datasourceId, datasourceUuid } from '#shared/base/datasource-name.ts'
import { readUuid, uuidParsing } from '#shared/base/uuid-text.ts'
import type { Datasource } from '#shared/datasources/datasource.ts'
import { ConnectionResponse, envelopeOf } from '#shared/dialects/connections-object.ts'
import { Fault } from '#shared/faults/fault.ts'

/** A datasource in the form of this dialect. Throws `entity_not_found` for an endpoint, which does not exist here. */
export function present(datasource: Datasource): ConnectionResponse {
  if (datasource.kind !== 'direct') throw new Fault('entity_not_found')
  const uuid = datasourceUuid(datasource.id) ?? ''
  return {
    id: uuid,
    name: datasource.name,
    db_type: datasource.dbType,
    host: datasource.host,
    port: datasource.port,
    database_name: datasource.database,
    excluded_schemas: datasource.excludedSchemas,
    is_active: datasource.removedAt === null,
    created_at: datasource.createdAt,
    last_introspected_at: datasource.introspectedAt,
    datasource_id: datasource.id,
    status: datasource.status,
    status_reason: datasource.statusReason,
    checks: datasource.checks,
    advisories: datasource.advisories,
    verified_at: datasource.verifiedAt,
    updated_at: datasource.updatedAt,
  }
}

/** The datasource's id from a path, in any spelling of a UUID; any other text is a validation error of the path. */
export function connectionPathId(call: Call): DatasourceId {
  return datasourceId({ id: pathUuid(call, 'connection_id'), kind: 'direct', mode: 'live' })
}

/** A parameter of the path, in any spelling of a UUID. Throws the validation error of the path for any other text. */
export function pathUuid(call: Call, name: string): string {
  const read = readUuid(call.params[name] ?? '')
  if (read.ok) return read.uuid
  const { type: code, ...said } = uuidParsing(read.error)
  throw new Fault('invalid_request', { issues: [{ path: ['path', name], code, ...said }] })
}

/** An answer in its envelope. */
export const envelope = (content: unknown) => ({ success: true, data: content, error: null })

/** The parameters of a path, as shown in the document. */
export const connectionParams = {
  connection_id: z.uuid().meta({ description: 'The id of a connection.', example: IDS.uuid }),
}

/** The answer about one connection. */
export const Enveloped = envelopeOf({
  id: 'ConnectionEnvelope',
  schema: ConnectionResponse,
  description: 'A connection in its envelope.',
})

/** The route that reads a connection, together with the look at its caller's key. */
export const connectionRoute: Route = {
  method: 'get',
  path: '/api/v1/connections/:connection_id',
  operationId: 'getConnection',
  summary: 'Read a connection',
  description: 'A connection of another organization does not exist here, and neither does an endpoint.',
  params: connectionParams,
  answers: { 200: { description: 'The connection.', schema: Enveloped, example: envelope(CONNECTION) } },
  faults: ['invalid_request', 'entity_not_found'],
  ahead({ connection_id: id = '' }) {
    const read = readUuid(id)
    return datasourceAhead(read.ok ? read.uuid : null)
  },
  run: async call => ({
    status: 200,
    body: envelope(present(await call.caller.datasources.get({ id: connectionPathId(call) }))),
  }),
}
