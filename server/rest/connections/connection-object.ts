/**
 * A connection of the connections dialect: its id in a path, and its form in an answer, from explicitly listed fields.
 */
import type { Call } from '#server/rest/dialect.ts'
import { readUuid, uuidParsing } from '#shared/base/uuid-text.ts'
import { type DatasourceId, typedId, uuidOf } from '#shared/base/wire.ts'
import type { Datasource } from '#shared/datasources/datasource.ts'
import type { ConnectionResponse } from '#shared/dialects/connections-object.ts'
import { Fault } from '#shared/faults/fault.ts'

/** A datasource in the form of this dialect. Throws `entity_not_found` for an endpoint, which does not exist here. */
export function present(datasource: Datasource): ConnectionResponse {
  if (datasource.kind !== 'direct') throw new Fault('entity_not_found')
  const uuid = uuidOf(datasource.id, 'ds_', 'ds_test_') ?? ''
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
  return typedId('ds_', pathUuid(call, 'connection_id'))
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
