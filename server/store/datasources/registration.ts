/**
 * Registers a datasource in one statement: datasource, credential, audit row, change and verify task are written together or not
 * at all, in one round trip and one commit. The web tier calls it; the sealed bytes go in as a parameter and never out.
 * Tells of a natural key whether it is taken.
 */
import { sql } from 'kysely'
import type { AuditEvent } from '#server/store/access/audit.ts'
import type { NewCredential } from '#server/store/credentials/credentials.ts'
import { append, appended } from '#server/store/database/changes.ts'
import { isTransaction } from '#server/store/database/db.ts'
import { LimitReached } from '#server/store/database/refusals.ts'
import * as quotas from '#server/store/organizations/quotas.ts'
import type { Db, Tables } from '#server/store/tables/tables.ts'
import type { Mode } from '#shared/base/wire.ts'
import type { Kind } from '#shared/datasources/datasource.ts'

/** What a new datasource is, without what the database and the statement fill in. */
export interface NewDatasource {
  readonly id: string
  readonly kind: Kind
  readonly mode: Mode
  readonly name: string | null
  readonly dbType: Tables['datasources']['db_type']
  readonly host: string | null
  readonly port: number | null
  readonly database: string | null
  readonly schema: string | null
  readonly tlsMode: string | null
  readonly excludedSchemas: readonly string[] | null
  readonly endpoint: string | null
  readonly metadata: Readonly<Record<string, string>>
  /** The natural key, for the voice that has one; `null` registers another datasource every time. */
  readonly identity: string | null
}

/** Everything that the statement writes. */
export interface Registration {
  readonly datasource: NewDatasource
  readonly credential: NewCredential
  readonly taskId: string
  readonly event: AuditEvent
  readonly now: Date
  /** How many the organization may have at most. */
  readonly maxDatasources: number
}

/**
 * Writes it all. False, and nothing written, when the organization has a datasource of this identity already; throws
 * `LimitReached`, and nothing is written, when it has as many as it may have. One that is there already needs no room.
 */
export async function register(db: Db, org: string, entry: Registration): Promise<boolean> {
  const { datasource: d, credential: c, event, now } = entry
  const change = { datasourceId: d.id, change: 'registered', at: now } as const
  // In a transaction the change is written last of all, before its commit.
  const alone = !isTransaction(db)
  const written = sql`
    with d as (
      insert into datasources (org_id, id, kind, mode, name, db_type, host, port, database, schema, tls_mode,
        excluded_schemas, endpoint, metadata, identity, created_at, next_check_at)
      values (${org}, ${d.id}, ${d.kind}, ${d.mode}, ${d.name}, ${d.dbType}, ${d.host}, ${d.port}, ${d.database}, ${d.schema},
        ${d.tlsMode}, ${d.excludedSchemas}, ${d.endpoint}, ${JSON.stringify(d.metadata)}::jsonb, ${d.identity}, ${now}, ${now})
      on conflict (org_id, identity) where deleted_at is null do nothing
      returning org_id, id
    ), c as (
      insert into credentials (org_id, datasource_id, version, state, key_id, sealed, signer_id, signature, last4, created_at)
      select org_id, id, 1, 'current', ${c.sealed.keyId}::uuid, ${c.sealed.box}::bytea, ${c.sealed.signerId}::text,
        ${c.sealed.signature}::bytea, ${c.last4}::text, ${now}::timestamptz from d
      returning version
    ), a as (
      insert into audit_events (org_id, id, at, principal_kind, principal_id, action, object_kind, object_id, outcome, request_id, address)
      select org_id, ${event.id}::uuid, ${event.at}::timestamptz, ${event.actor.kind}::text, ${event.actor.id}::uuid, ${event.action}::text,
        'datasource', id, ${event.outcome}::text, ${event.actor.requestId}::text, ${event.actor.address}::text from d
      returning id
    ), t as (
      insert into tasks (org_id, id, kind, datasource_id, standing, due_at, created_at)
      select org_id, ${entry.taskId}::uuid, 'verify', id, true, ${now}::timestamptz, ${now}::timestamptz from d
      returning id
    ), q as (
      insert into quotas (org_id, datasources, max_datasources) select org_id, 1, ${entry.maxDatasources}::integer from d
      on conflict (org_id) do update set datasources = quotas.datasources + 1, max_datasources = ${entry.maxDatasources}::integer
      returning org_id
    ) ${alone ? sql`, ${appended(org, change, { of: 'd', others: ['c', 'a', 't', 'q'] })}` : sql``}
    select id from d
  `.execute(db)
  const { rows } = await written.catch((error: unknown) => {
    throw quotas.isFull(error) ? new LimitReached('the quota of datasources is used up', { cause: error }) : error
  })
  if (rows.length === 1 && !alone) append(db, org, change)
  return rows.length === 1
}

/**
 * True when a live datasource has the natural key. Whoever asks holds the lock of another, so this takes none: two that move
 * onto each other's key would wait for each other for ever. The unique index has the last word.
 */
export async function isTaken(db: Db, org: string, identity: string): Promise<boolean> {
  const row = await db
    .selectFrom('datasources')
    .select('id')
    .where('org_id', '=', org)
    .where('identity', '=', identity)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return row !== undefined
}
