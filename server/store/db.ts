/**
 * The tables as Kysely types, and the connection to our own PostgreSQL.
 *
 * The types are written by hand beside `migrations/schema.sql`, where the constraints are. Nothing outside `store`
 * imports `kysely` or `pg` for our own database; the rest passes a `Db` or `Tx` on without looking inside.
 */
import { type ColumnType, type Generated, Kysely, PostgresDialect, type Transaction } from 'kysely'
import pg from 'pg'
import { parseDatabaseUrl } from '#server/domain/database-url.ts'
import type { Advisory, Check } from '#shared/check.ts'
import type { Scope } from '#shared/credential.ts'
import type { DbType, Kind, Status } from '#shared/datasource.ts'
import type { Mode } from '#shared/wire.ts'
import { isContended } from './availability.ts'
import type { CapabilitiesTable, QuotasTable } from './capability-tables.ts'
import { collectChanges, writeCollected } from './changes.ts'
import { CLIENT_DEADLINE_MS, deadlineSettings } from './deadlines.ts'
import type { FeedEventsTable, FeedPushesTable, FeedsTable } from './feed-tables.ts'
import { openPool } from './pool.ts'
import { createStatementNames } from './prepared.ts'
import type {
  CredentialsTable,
  LeaseGrantsTable,
  LeasesTable,
  OrganizationKeysTable,
  VerdictColumns,
} from './sealed-tables.ts'

interface OrganizationsTable {
  id: string
  name: string
  created_at: Date
  removed_at: Date | null
  role_policy: Generated<'enforce' | 'warn' | 'off'>
  check_interval_seconds: number | null
}

interface ApiKeysTable {
  org_id: string
  id: string
  mode: Mode
  name: string | null
  last4: string
  pepper_id: string
  hash: Buffer
  mac: Buffer
  scopes: Scope[]
  created_at: Date
  last_used_at: Date | null
  expires_at: Date | null
  revoked_at: Date | null
  issuer_id: string | null
  keeps_children: Generated<boolean>
}

interface DatasourcesTable extends VerdictColumns, LatestColumns {
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

interface VerificationsTable {
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

/** What a task is for. */
export type TaskKind = 'verify' | 'compare' | 'introspect' | 'poll' | 'validate' | 'lease' | 'reseal' | 'push'

interface TasksTable {
  org_id: string
  id: string
  kind: TaskKind
  datasource_id: string | null
  standing: boolean
  payload: Buffer | null
  due_at: Date | null
  attempts: Generated<number>
  requested: Generated<number>
  settled: Generated<number>
  locked_until: Date | null
  ran_out: Generated<number>
  token: Generated<number>
  outcome: JsonColumn<unknown> | null
  created_at: Date
  expires_at: Date | null
  awaits: Generated<number | null>
}

interface AuditEventsTable {
  org_id: string
  id: string
  at: Date
  principal_kind: 'key' | 'capability' | 'operator' | 'worker'
  principal_id: string | null
  action: string
  object_kind: string | null
  object_id: string | null
  outcome: string
  request_id: string | null
  address: string | null
}

interface IdempotencyKeysTable {
  org_id: string
  principal_id: string
  route: string
  key: string
  body_hash: Buffer
  result: JsonColumn<unknown> | null
  answer: JsonColumn<unknown> | null
  answer_bytes: Generated<number | null>
  remarks: JsonColumn<unknown> | null
  created_at: Date
  expires_at: Date
}

/** `id` and `xid` are of the last release, which reads and writes them. */
interface ChangesTable {
  org_id: string
  n: number | null
  id: Generated<number>
  xid: Generated<string>
  datasource_id: string
  change: string
  at: Date
}

interface ChangeHeadsTable {
  org_id: string
  epoch: number
  last: number
}

interface InstallationTable {
  is_only: Generated<boolean>
  system_identifier: string | null
  timeline: number | null
  relation: string | null
}

interface SnapshotsTable {
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

interface DialBudgetsTable {
  key: string
  used: number
  resets_at: Date
}

interface ProcessesTable {
  id: string
  kind: 'web' | 'worker'
  version: string
  started_at: Generated<Date>
  seen_at: Generated<Date>
}

/** A json column: text in, value out. */
type JsonColumn<T> = ColumnType<T, string | undefined, string>

interface UpkeepTable {
  name: string
  holder: string | null
  held_until: Generated<Date>
}

/** Every table of Mooring. */
export interface Tables {
  organizations: OrganizationsTable
  organization_keys: OrganizationKeysTable
  api_keys: ApiKeysTable
  capabilities: CapabilitiesTable
  quotas: QuotasTable
  datasources: DatasourcesTable
  credentials: CredentialsTable
  upkeep: UpkeepTable
  verifications: VerificationsTable
  tasks: TasksTable
  audit_events: AuditEventsTable
  idempotency_keys: IdempotencyKeysTable
  changes: ChangesTable
  change_heads: ChangeHeadsTable
  installation: InstallationTable
  lease_grants: LeaseGrantsTable
  leases: LeasesTable
  dial_budgets: DialBudgetsTable
  snapshots: SnapshotsTable
  feeds: FeedsTable
  feed_events: FeedEventsTable
  feed_pushes: FeedPushesTable
  processes: ProcessesTable
}

/** A pool, or a transaction on it: what every store function takes first. */
export type Db = Kysely<Tables>
/** A transaction: what a function takes that must not stand alone. */
export type Tx = Transaction<Tables>

const INT8 = 20

/** Parsers of a pool of ours: `bigint` counters come as numbers (they stay far below 2^53). */
export const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') => {
    if (oid === INT8) return Number
    return format === 'binary' ? pg.types.getTypeParser(oid, 'binary') : pg.types.getTypeParser(oid)
  },
}

/** How our own database is opened. */
export interface DbOptions {
  /** As `DATABASE_URL` spells it. */
  readonly url: string
  readonly size: number
  /** How long a caller waits for a connection; two seconds unless it is said. */
  readonly connectMs?: number
  /** False behind a pooler that hands sessions on: nothing is prepared under a name, and nothing is set for a session. */
  readonly keepsSessions?: boolean
  /** True for a role whose deadlines nobody has set, such as the owner's: each connection sets them. */
  readonly setsDeadlines?: boolean
  /** Hears of connections that break. */
  readonly onError: (error: Error) => void
}

const CONNECT_MS = 2_000

/** Opens a pool on our own database. Throws `DatabaseUrlError`. */
export function openDb(options: DbOptions): Db {
  const { url, size, connectMs = CONNECT_MS, keepsSessions = true, setsDeadlines = false, onError } = options
  const pool = openPool({
    database: parseDatabaseUrl(url),
    size,
    connectMs,
    settings:
      setsDeadlines && keepsSessions ? deadlineSettings().map(([name, value]) => `set ${name} = '${value}'`) : [],
    types,
    nameOf: keepsSessions ? createStatementNames() : null,
    deadlineMs: CLIENT_DEADLINE_MS,
    onError,
  })
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
}

/** Whether it is a transaction: then what is done last in it is its caller's. */
export function isTransaction(db: Db): db is Tx {
  return db.isTransaction
}

/**
 * Runs `work` in one transaction, the one that `db` is in if it is; an exception rolls everything back. One that the server
 * gave up in favour of another (a deadlock, a serialization failure) is run once more from its beginning. The changes that `work` appends
 * are written last, right before the commit.
 */
export async function transaction<T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> {
  if (isTransaction(db)) return work(db)
  const whole = async (tx: Tx) => {
    collectChanges(tx)
    const done = await work(tx)
    await writeCollected(tx)
    return done
  }
  try {
    return await db.transaction().execute(whole)
  } catch (error) {
    if (!isContended(error)) throw error
    return db.transaction().execute(whole)
  }
}
