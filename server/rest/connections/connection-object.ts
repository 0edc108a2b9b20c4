/**
 * Converts a datasource to a connection in the form of the connections
 * dialect, from explicitly listed fields.
 */
import { uuidOf } from '#shared/base/wire.ts'
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

/** An answer in its envelope. */
export const envelope = (content: unknown) => ({ success: true, data: content, error: null })
