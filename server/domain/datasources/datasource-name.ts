/**
 * The names of a datasource: its typed id, its natural key in the dialect that has one, and a summary without
 * credentials. A natural key identifies a row and never decides where to dial. Pure functions of a row's columns.
 */

import { type DatasourceId, type Mode, typedId } from '#shared/base/wire.ts'
import type { Kind } from '#shared/datasources/datasource.ts'

/** The typed id of a row: the prefix gives kind and mode. */
export function datasourceId(row: { id: string; kind: Kind; mode: Mode }): DatasourceId {
  if (row.kind === 'endpoint') return typedId('dse_', row.id)
  return row.mode === 'live' ? typedId('ds_', row.id) : typedId('ds_test_', row.id)
}

/** The natural key of a direct datasource: registering it again returns the same datasource. */
export function directNaturalKey({
  mode,
  host,
  port,
  database,
  schema,
}: {
  mode: Mode
  host: string | null
  port: number | null
  database: string | null
  schema: string | null | undefined
}): string {
  return JSON.stringify(['direct', mode, host, port, database, schema ?? null])
}

/** A one-line summary, without credentials and the user's name. */
export function displayName(row: {
  endpoint: string | null
  host: string | null
  port: number | null
  database: string | null
}): string {
  if (row.endpoint !== null) return URL.canParse(row.endpoint) ? new URL(row.endpoint).host : 'endpoint'
  const host = row.host?.includes(':') ? `[${row.host}]` : row.host
  return `${host}:${row.port}/${row.database}`
}
