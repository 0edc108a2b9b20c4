/**
 * The tables as Kysely types, and the two things that every store function takes first: the pool, or a transaction on it.
 *
 * They are types alone, below everything else in the store. The constraints are in `migrations/schema.sql`.
 */
import type { Generated, Kysely, Transaction } from 'kysely'
import type { Scope } from '#shared/access/credential.ts'
import type { Mode } from '#shared/base/wire.ts'
import type { CapabilitiesTable, QuotasTable } from './capability-tables.ts'
import type { DatasourcesTable, SnapshotsTable, VerificationsTable } from './datasource-tables.ts'
import type { FeedEventsTable, FeedPushesTable, FeedsTable } from './feed-tables.ts'
import type { JsonColumn } from './json-column.ts'
import type { CredentialsTable, LeaseGrantsTable, LeasesTable, OrganizationKeysTable } from './sealed-tables.ts'

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
  awaited_until: Generated<Date | null>
  hung: Generated<boolean>
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
