/**
 * The tables of our own database as Kysely types, one interface each: generated from the migrated schema by `npm run dump`, and
 * compared with it by a test. The constraints are in `migrations/schema.sql`, who may touch which column in `grants.ts`.
 */
import type { ColumnType, Kysely, Transaction } from 'kysely'
import type { TaskKind } from '#server/domain/tasks/task-kind.ts'
import type { Operation, Scope } from '#shared/access/credential.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import type { Mode } from '#shared/base/wire.ts'
import type { Advisory, Check } from '#shared/checks/check.ts'
import type { DialItem } from '#shared/checks/items.ts'
import type { DbType, Kind, Status } from '#shared/datasources/datasource.ts'
import type { JsonColumn } from './json-column.ts'

type Generated<T> =
  T extends ColumnType<infer S, infer I, infer U> ? ColumnType<S, I | undefined, U> : ColumnType<T, T | undefined, T>

interface ApiKeys {
  created_at: Date
  expires_at: Date | null
  hash: Buffer
  id: string
  issuer_id: string | null
  last_used_at: Date | null
  last4: string
  mac: Buffer
  mode: Mode
  name: string | null
  org_id: string
  pepper_id: string
  revoked_at: Date | null
  scopes: Scope[]
}

interface AuditEvents {
  action: string
  address: string | null
  at: Date
  id: string
  object_id: string | null
  object_kind: string | null
  org_id: string
  outcome: string
  principal_id: string | null
  principal_kind: 'key' | 'capability' | 'operator' | 'worker'
  request_id: string | null
}

interface Capabilities {
  created_at: Date
  datasource_ids: DatasourceId[] | null | null
  expires_at: Date
  hash: Buffer
  id: string
  issuer_id: string | null
  label: string | null
  last_used_at: Date | null
  last4: string
  mac: Buffer
  mode: Mode
  operations: Operation[]
  org_id: string
  participant_id: string | null
  participant_kind: 'agent' | 'system'
  pepper_id: string
  revoked_at: Date | null
  rotated_from: string | null
  sync_groups: string[]
  user_meta: JsonColumn<Record<string, unknown>>
  wide_scope: boolean
}

interface ChangeHeads {
  epoch: number
  last: number
  org_id: string
}

interface Changes {
  at: Date
  change: string
  datasource_id: string
  id: Generated<number>
  n: number | null
  org_id: string
  xid: Generated<string>
}

interface Credentials {
  created_at: Date
  datasource_id: string
  fingerprint: string | null
  fingerprint_key_id: string | null
  key_id: string
  last4: string | null
  login_hash: Buffer | null
  md5_allowed: Generated<boolean>
  org_id: string
  retired_at: Date | null
  sealed: Buffer | null
  sealed_at: Generated<Date>
  signature: Buffer | null
  signer_id: string
  state: 'pending' | 'current' | 'retired'
  version: number
}

/** The columns of `datasources`: the type of a query that two files share names them. */
export interface DatasourceColumns {
  created_at: Date
  credential_version: Generated<number>
  database: string | null
  db_type: DbType | null | null
  deleted_at: Date | null
  endpoint: string | null
  excluded_schemas: string[] | null
  host: string | null
  id: string
  identity: string | null
  introspected_at: Date | null
  kind: Kind
  latest_advisories: JsonColumn<Advisory[] | null> | null
  latest_at: Date | null
  latest_checks: JsonColumn<Check[] | null> | null
  latest_id: string | null
  latest_outcome: 'passed' | 'refused' | 'unreachable' | null | null
  latest_reason: string | null
  latest_took_ms: number | null
  latest_version: number | null
  metadata: JsonColumn<Record<string, string>>
  mode: Mode
  name: string | null
  next_check_at: Date | null
  org_id: string
  port: number | null
  refusals: Generated<number>
  refused_at: Date | null
  schema: string | null
  status: Generated<Status>
  status_reason: string | null
  tls_mode: string | null
  updated_at: Date | null
  usable_until: Date | null
  verdict_asked_at: Date | null
  verdict_signature: Buffer | null
  verdict_signer_id: string | null
  verdict_usable: boolean | null
  verdict_version: number | null
  verification_id: string | null
  verified_at: Date | null
}

interface DialBudgets {
  key: string
  resets_at: Date
  used: number
}

interface FeedEvents {
  bytes: number
  datasource_id: string
  event: string | null
  event_id: string
  org_id: string
  position: number
  stored_at: Date
  vouched: Generated<boolean>
}

interface FeedPushes {
  at: Date
  body_hash: Buffer | null
  datasource_id: string
  message_id: string
  org_id: string
  received: number
  sender: Generated<string>
  stored: number
}

interface Feeds {
  cursor: string | null
  datasource_id: string
  drained: Generated<boolean>
  interval_ms: number
  last_error: string | null
  last_request_at: Date | null
  last_success_at: Date | null
  newest_event_ms: number | null
  oldest_at: Date | null
  org_id: string
  pages: Generated<number>
  polled_at: Date | null
  position: Generated<number>
  removed_to: Generated<number>
  retry_count: Generated<number>
  rotation_error: string | null
}

interface IdempotencyKeys {
  answer: JsonColumn<unknown> | null | null
  answer_bytes: number | null
  body_hash: Buffer
  created_at: Date
  expires_at: Date
  key: string
  org_id: string
  principal_id: string
  remarks: JsonColumn<unknown> | null | null
  result: JsonColumn<unknown> | null | null
  route: string
}

interface Installation {
  is_only: Generated<boolean>
  relation: string | null
  system_identifier: string | null
  timeline: number | null
}

interface LeaseGrants {
  capability_id: string
  org_id: string
  signature: Buffer
  signer_id: string
}

interface Leases {
  capability_id: string
  datasource_id: string
  ended_at: Date | null
  ended_by: 'released' | 'revoked' | 'expired' | null | null
  expires_at: Date
  granted_at: Date
  id: string
  org_id: string
  version: number
}

interface OrganizationKeys {
  created_at: Date
  destroyed_at: Date | null
  id: string
  master_key_id: string
  org_id: string
  public_key: Buffer
  retired_at: Date | null
  secret: Buffer | null
  signature: Buffer
  signer_id: string
}

interface Organizations {
  arriving_at: Date | null
  check_interval_seconds: number | null
  created_at: Date
  frozen_at: Date | null
  id: string
  move_id: string | null
  moved_at: Date | null
  moving_at: Date | null
  name: string
  removed_at: Date | null
  role_policy: Generated<'strict' | 'enforce' | 'warn' | 'off'>
}

interface Processes {
  asks_to_write: Generated<boolean>
  id: string
  kind: 'web' | 'worker'
  open_networks: string | null
  seen_at: Generated<Date>
  started_at: Generated<Date>
  version: string
}

interface Quotas {
  datasources: number
  max_datasources: number
  org_id: string
}

interface Revocations {
  at: Date
  id: string
  keeps_children: Generated<boolean>
  kind: 'key' | 'capability'
  org_id: string
}

interface Snapshots {
  breaking: number | null
  content: Buffer
  datasource_id: string
  digest: string | null
  digest_at: Date | null
  excluded_schemas: string[]
  fingerprint: string
  id: string
  observed: Buffer
  org_id: string
  previous_id: string | null
  risky: number | null
  safe: number | null
  schemas_asked: string[] | null
  seen_at: Date
  table_count: number
  taken_at: Date
}

interface Tasks {
  attempts: Generated<number>
  awaited_until: Date | null
  awaits: number | null
  created_at: Date
  datasource_id: string | null
  due_at: Date | null
  expires_at: Date | null
  hung: Generated<boolean>
  id: string
  kind: TaskKind
  locked_until: Date | null
  org_id: string
  outcome: JsonColumn<unknown> | null | null
  payload: Buffer | null
  ran_out: Generated<number>
  reached: DialItem | null | null
  reached_by: number | null
  requested: Generated<number>
  settled: Generated<number>
  standing: boolean
  token: Generated<number>
}

interface Tokens {
  hash: Buffer
  org_id: string
}

interface Upkeep {
  held_until: Generated<Date>
  holder: string | null
  name: string
}

interface Verifications {
  advisories: JsonColumn<Advisory[]>
  at: Date
  checks: JsonColumn<Check[]>
  datasource_id: string
  id: string
  org_id: string
  outcome: 'passed' | 'refused' | 'unreachable'
  reason: string | null
  took_ms: number
  version: number
}

/** Every table of Mooring. */
export interface Tables {
  api_keys: ApiKeys
  audit_events: AuditEvents
  capabilities: Capabilities
  change_heads: ChangeHeads
  changes: Changes
  credentials: Credentials
  datasources: DatasourceColumns
  dial_budgets: DialBudgets
  feed_events: FeedEvents
  feed_pushes: FeedPushes
  feeds: Feeds
  idempotency_keys: IdempotencyKeys
  installation: Installation
  lease_grants: LeaseGrants
  leases: Leases
  organization_keys: OrganizationKeys
  organizations: Organizations
  processes: Processes
  quotas: Quotas
  revocations: Revocations
  snapshots: Snapshots
  tasks: Tasks
  tokens: Tokens
  upkeep: Upkeep
  verifications: Verifications
}

/** A pool, or a transaction on it. */
export type Db = Kysely<Tables>
/** A transaction: the parameter of a function that must not run outside of one. */
export type Tx = Transaction<Tables>
