/**
 * Wall 4: the database privileges of each tier, in one place. The web role may write and destroy sealed bytes but not
 * read them; only an operator writes keys and grants. `db grant` prints or runs the statements, and a test fails for a
 * table that is missing here.
 */
import { sql } from 'kysely'
import { roleDeadlines } from '#server/store/connection/deadlines.ts'
import { transaction } from '#server/store/database/db.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { quoteName } from '#shared/base/sql-text.ts'
import { TAKE_OVER } from './former-release.ts'

/** The privileges of a role on a table: all columns, or those listed. Nothing else is granted. */
export interface TableGrant {
  readonly select?: true | readonly string[]
  readonly insert?: true | readonly string[]
  readonly update?: true | readonly string[]
  readonly delete?: true
}

/** The tiers that have a database role of their own. */
export type Tier = 'web' | 'worker'

const CREDENTIAL = ['org_id', 'datasource_id', 'version', 'state', 'key_id', 'signer_id', 'last4', 'created_at']
const TASK = ['org_id', 'id', 'kind', 'datasource_id', 'standing', 'due_at', 'created_at', 'expires_at']
/** Columns that callers change. Status, mode and verdict are excluded: they decide whether a credential is used. */
const CHANGED = [
  'name',
  'metadata',
  'schema',
  'excluded_schemas',
  'identity',
  'credential_version',
  'updated_at',
  'next_check_at',
  'deleted_at',
]
const EVENT = ['org_id', 'datasource_id', 'position', 'event_id', 'event', 'bytes', 'stored_at']
/** The columns that identify a claim, without body or answer. */
const CLAIM_KEY = ['org_id', 'principal_id', 'route', 'key']
const READ: TableGrant = { select: true }
const EVERYTHING: TableGrant = { select: true, insert: true, update: true, delete: true }

/** The privileges of both tiers on every table of Mooring. */
export const GRANTS: Readonly<Record<string, Readonly<Record<Tier, TableGrant>>>> = {
  kysely_migration: { web: READ, worker: READ },
  kysely_migration_lock: { web: {}, worker: {} },
  organizations: { web: READ, worker: READ },
  organization_keys: {
    web: { select: ['org_id', 'id', 'public_key', 'signer_id', 'signature', 'created_at', 'retired_at'] },
    worker: { select: true, update: ['secret', 'destroyed_at'] },
  },
  api_keys: {
    web: { select: true, insert: true, update: ['last_used_at', 'revoked_at'] },
    // The worker deletes keys that were revoked long ago.
    worker: { select: ['org_id', 'id', 'hash', 'revoked_at', 'issuer_id'], delete: true },
  },
  capabilities: {
    web: { select: true, insert: true, update: ['last_used_at', 'revoked_at', 'expires_at', 'mac'] },
    // The columns of a key that `findByHash` reads; the worker evaluates an operator's grant, which has no key.
    worker: { select: true, delete: true },
  },
  tokens: { web: { select: true, insert: true }, worker: { select: true, delete: true } },
  // No role changes or deletes a row: a revocation is final.
  revocations: { web: { select: true, insert: true }, worker: { select: true, insert: true } },
  // The registering function counts up; a removal counts down.
  quotas: { web: { select: true, update: ['datasources'] }, worker: {} },
  rate_limits: { web: EVERYTHING, worker: {} },
  datasources: {
    // Only a function registers, which counts and records; the status is `unverified`, by the column's default.
    web: { select: true, update: CHANGED },
    worker: { select: true, update: true, delete: true },
  },
  credentials: {
    web: {
      // Only the worker writes fingerprints.
      select: [...CREDENTIAL, 'fingerprint', 'fingerprint_key_id'],
      insert: [...CREDENTIAL, 'sealed', 'signature'],
    },
    worker: { select: true, update: true, delete: true },
  },
  upkeep: { web: {}, worker: { select: true, update: ['holder', 'held_until'] } },
  // Months are partitions, which have no privileges of their own.
  verifications: { web: READ, worker: { select: true, insert: true, delete: true } },
  tasks: {
    web: {
      select: [
        ...TASK,
        'attempts',
        'requested',
        'settled',
        'locked_until',
        'token',
        'outcome',
        'reached',
        'reached_by',
      ],
      insert: [...TASK, 'payload'],
      update: ['requested', 'due_at', 'attempts', 'awaited_until'],
      delete: true,
    },
    worker: EVERYTHING,
  },
  // The web role inserts acts of keys and capabilities, at the current time, through `record_1`.
  audit_events: { web: READ, worker: { insert: true } },
  idempotency_keys: { web: EVERYTHING, worker: { select: [...CLAIM_KEY, 'expires_at'], delete: true } },
  // The reader numbers changes written by processes of the last release.
  changes: {
    web: { select: true, insert: true, update: ['n'] },
    worker: { select: true, insert: true, update: ['n'], delete: true },
  },
  change_heads: {
    web: { select: true, insert: true, update: ['epoch', 'last'] },
    worker: { select: true, insert: true, update: ['epoch', 'last'] },
  },
  installation: {
    web: { select: true, update: ['system_identifier', 'timeline', 'relation'] },
    worker: { select: true, update: ['system_identifier', 'timeline', 'relation'] },
  },
  dial_budgets: { web: {}, worker: EVERYTHING },
  snapshots: { web: READ, worker: EVERYTHING },
  leases: {
    web: { select: true, update: ['ended_at', 'ended_by'] },
    worker: { select: true, insert: true, update: ['ended_at', 'ended_by'], delete: true },
  },
  // A grant is deleted together with a capability that ended long ago.
  lease_grants: { web: {}, worker: { select: true, delete: true } },
  // The web tier stores pushes that only a key authorizes.
  feeds: { web: { select: true, insert: true, update: true }, worker: EVERYTHING },
  // Only the worker may mark an event as vouched for by the customer.
  feed_events: { web: { select: true, insert: EVENT }, worker: EVERYTHING },
  feed_pushes: { web: { select: true, insert: true }, worker: EVERYTHING },
  // Each process writes its own row, and deletes those of vanished processes. Only readiness depends on them.
  processes: { web: EVERYTHING, worker: EVERYTHING },
}

const RETIRE = 'retire_credentials(uuid, uuid, text[], integer)'
const RECORD = 'record_1(uuid, uuid, timestamptz, text, uuid, text, text, uuid, text, text, text)'
const REGISTER = `register_datasource_2(uuid, uuid, text, text, text, text, text, integer, text, text, text, text[], text, jsonb,
  text, uuid, bytea, text, bytea, text, uuid, uuid, timestamptz, text, uuid, text, text, text, text, integer, timestamptz, bigint, timestamptz)`
/** The release before registers through it, until the last of its processes has ended. */
const REGISTER_BEFORE = REGISTER.replace('_2(', '_1(').replace(', timestamptz)', ')')
const STAGE = `stage_credential_1(uuid, uuid, integer, text, text[], uuid, uuid, uuid, bytea, text, bytea, text, uuid, timestamptz, text, uuid,
  text, text, text, text, timestamptz, text)`

/** Writes several rows with the caller's privileges; granted here because the owner grants the public no functions. */
const APPEND = 'append_changes_1(uuid, bigint, uuid[], text[], timestamptz[])'
const STORE = `store_events_1(uuid, uuid, text[], text[], bigint[], timestamptz, boolean, uuid, bigint, bigint, text, boolean, timestamptz,
  timestamptz, timestamptz, integer, timestamptz, integer)`
const SETTLE = `settle_check_1(uuid, uuid, bigint, bigint, integer, boolean, timestamptz, uuid, integer, text, uuid, text, text, jsonb, jsonb,
  integer, timestamptz, text, text, integer, timestamptz, boolean, integer, boolean, timestamptz, text, bytea, uuid, integer, integer, bigint)`
const MARK = `mark_checked_1(uuid, uuid, bigint, uuid, integer, text, text, text, boolean, bytea, uuid, bytea, text, bytea)`

/** The other functions run as the tables' owner: each does one thing for which a table grant would allow too much. */
const FUNCTIONS: Readonly<Record<Tier, readonly string[]>> = {
  web: [
    RETIRE,
    RECORD,
    REGISTER,
    REGISTER_BEFORE,
    STAGE,
    APPEND,
    STORE,
    'overflowing_months()',
    'may_write(uuid, boolean)',
  ],
  worker: [
    RETIRE,
    RECORD,
    APPEND,
    STORE,
    SETTLE,
    MARK,
    'forget_revocations(uuid[], text[], uuid[])',
    'overflowing_months()',
    'may_write(uuid, boolean)',
    'forget_moved(integer)',
    'make_month()',
    'drop_month(text, integer)',
  ],
}

/** The names of both roles. */
export type Roles = Readonly<Record<Tier, string>>

/** The statements that give both roles exactly these privileges and deadlines, whatever they had before. */
export function grantStatements(roles: Roles): string[] {
  return [...privilegeStatements(roles), ...deadlineStatements(roles)]
}

/** The statements among these that need a role that may alter both roles, which the tables' owner need not be. */
export function deadlineStatements(roles: Roles): string[] {
  return [roleDeadlines(roles.web), roleDeadlines(roles.worker)]
}

/** The remaining statements, including those that complete an upgrade. */
export function privilegeStatements(roles: Roles): string[] {
  if (roles.web === roles.worker) throw new Error('The tiers need a role each: with one for both there is no wall.')
  const statements = (['web', 'worker'] as const).flatMap(tier => {
    const role = quoteName(roles[tier])
    const tables = Object.entries(GRANTS).flatMap(([table, grants]) => tableStatement(table, grants[tier], role))
    return [
      `revoke all on all tables in schema public from ${role}`,
      `grant usage on schema public to ${role}`,
      ...tables,
      `revoke execute on function ${[...new Set(Object.values(FUNCTIONS).flat())].join(', ')} from ${role}`,
      `grant execute on function ${FUNCTIONS[tier].join(', ')} to ${role}`,
    ]
  })
  return [...statements, ...TAKE_OVER]
}

function tableStatement(table: string, grant: TableGrant, role: string): string[] {
  const privileges = Object.entries(grant).map(([privilege, columns]) =>
    columns === true ? privilege : `${privilege} (${columns.map(quoteName).join(', ')})`,
  )
  return privileges.length === 0 ? [] : [`grant ${privileges.join(', ')} on ${quoteName(table)} to ${role}`]
}

/** Runs the statements in one transaction. */
export async function applyGrants(db: Db, statements: readonly string[]): Promise<void> {
  await transaction(db, async tx => {
    for (const statement of statements) await sql.raw(statement).execute(tx)
  })
}

/**
 * True if a role, or the connected role if null, can read sealed bytes or wrapped keys after all: a superuser, the
 * tables' owner, or a member of a role that can.
 */
export async function canReadSecrets(db: Db, role: string | null): Promise<boolean> {
  const { rows } = await sql<{ readable: boolean }>`
    select bool_or(has_column_privilege(coalesce(${role}::name, current_user), tbl, col, 'select')) as readable
    from (values ('credentials', 'sealed'), ('organization_keys', 'secret'), ('tasks', 'payload')) as hidden (tbl, col)
  `.execute(db)
  return rows[0]?.readable !== false
}
