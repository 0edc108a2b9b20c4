/**
 * The names of a datasource: its typed id, its natural key in the dialect that has one, and a summary without
 * credentials. A natural key identifies a row and never decides where to dial. Pure functions of a row's columns, and the
 * form of an id of any kind and mode; each surface, the operator and the worker name datasources by it.
 */
import { z } from 'zod'
import type { Mode, TypedId } from './wire.ts'

const FORM = /^(?:ds_|ds_test_|dse_)([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/

/** The id of a datasource of any kind and mode. */
export const DatasourceId = z
  .custom<TypedId<'ds_' | 'ds_test_' | 'dse_'>>(value => typeof value === 'string' && FORM.test(value), {
    error: 'an id is ds_… or ds_test_… or dse_…, the dots being 32 hex digits',
  })
  .meta({ type: 'string', pattern: '^(ds_|ds_test_|dse_)[0-9a-f]{32}$' })
export type DatasourceId = z.infer<typeof DatasourceId>

/** The UUID inside the id of a datasource, in its canonical form; null for any other text. */
export function datasourceUuid(id: string): string | null {
  return FORM.exec(id)?.slice(1).join('-') ?? null
}

/** The typed id of a row: the prefix gives kind and mode. */
export function datasourceId(row: { id: string; kind: 'direct' | 'endpoint'; mode: Mode }): DatasourceId {
  const prefix = row.kind === 'endpoint' ? 'dse_' : row.mode === 'live' ? 'ds_' : 'ds_test_'
  return `${prefix}${row.id.replaceAll('-', '')}`
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
