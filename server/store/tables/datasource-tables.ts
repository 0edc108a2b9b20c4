/**
 * The tables of datasources, their verifications and their snapshots as Kysely types, for `db.ts`, which is long enough. The
 * columns and their constraints are in `migrations/schema.sql`.
 */
import type { Generated } from 'kysely'
import type { Mode } from '#shared/base/wire.ts'
import type { Advisory, Check } from '#shared/checks/check.ts'
import type { DbType, Kind, Status } from '#shared/datasources/datasource.ts'
import type { JsonColumn } from './json-column.ts'
import type { VerdictColumns } from './sealed-tables.ts'

/** The table `datasources`. */
export interface DatasourcesTable extends VerdictColumns, LatestColumns {
  org_id: string
  id: string
  kind: Kind
  mode: Mode
  name: string | null
  db_type: DbType | null
  status: Generated<Status>
  status_reason: string | null
  host: string | null
  port: number | null
  database: string | null
  schema: string | null
  tls_mode: string | null
  excluded_schemas: string[] | null
  endpoint: string | null
  /** JSON text on its way in, so that a key named `__proto__` survives; an object on its way out. */
  metadata: JsonColumn<Record<string, string>>
  identity: string | null
  credential_version: Generated<number>
  verification_id: string | null
  created_at: Date
  verified_at: Date | null
  introspected_at: Date | null
  next_check_at: Date | null
  deleted_at: Date | null
}

/** The latest verdict, of the verification `latest_id`; all null before the first one. */
export interface LatestColumns {
  latest_id: string | null
  latest_version: number | null
  latest_outcome: VerificationsTable['outcome'] | null
  latest_reason: string | null
  latest_checks: JsonColumn<Check[] | null>
  latest_advisories: JsonColumn<Advisory[] | null>
  latest_took_ms: number | null
  latest_at: Date | null
}

/** The table `verifications`. */
export interface VerificationsTable {
  org_id: string
  id: string
  datasource_id: string
  version: number
  outcome: 'passed' | 'refused' | 'unreachable'
  reason: string | null
  checks: JsonColumn<Check[]>
  advisories: JsonColumn<Advisory[]>
  took_ms: number
  at: Date
}

/** The table `snapshots`. */
export interface SnapshotsTable {
  org_id: string
  id: string
  datasource_id: string
  fingerprint: string
  schemas_asked: string[] | null
  excluded_schemas: string[]
  table_count: number
  content: Buffer
  observed: Buffer
  previous_id: string | null
  breaking: number | null
  risky: number | null
  safe: number | null
  taken_at: Date
  seen_at: Date
}
