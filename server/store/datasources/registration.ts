/**
 * Registers datasources through one database function: datasource, credential, audit row, change and verify task are
 * written together or not at all, in one round trip and one commit. The web tier calls it; the sealed bytes go in as a
 * parameter and never come out. It also answers whether a natural key is taken.
 */

import { sql } from 'kysely'
import type { AuditRow } from '#server/store/access/audit.ts'
import type { NewCredential } from '#server/store/credentials/credentials.ts'
import { append } from '#server/store/database/changes.ts'
import { JoinedWrites } from '#server/store/database/joined-writes.ts'
import { LimitReached } from '#server/store/database/refusals.ts'
import { mayWrite, OrganizationMoving } from '#server/store/fence/organization-writer.ts'
import type { Db, Tables } from '#server/store/tables/tables.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'
import type { Mode } from '#shared/base/wire.ts'
import type { Kind } from '#shared/datasources/datasource.ts'

/** A new datasource, without the columns that the database and the statement fill in. */
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
  /** The natural key, for the dialect that has one; with `null`, every registration creates another datasource. */
  readonly identity: string | null
}

/** Everything that the statement writes. */
export interface Registration {
  readonly datasource: NewDatasource
  readonly credential: NewCredential
  readonly taskId: string
  /** The time until which the caller waits for the first check, which raises its priority; null or omitted if nobody does. */
  readonly awaitedUntil?: Date | null
  readonly event: AuditRow
  readonly now: Date
  /** The maximum number of datasources of the organization. */
  readonly maxDatasources: number
}

/**
 * Registers a datasource. Returns false and writes nothing if the organization already has a datasource with this
 * natural key, which needs no room in the quota. Throws `LimitReached`, writing nothing, if the quota is full, and
 * `OrganizationMoving`.
 *
 * Outside a transaction it is batched with other registrations of its organization that arrive during a commit.
 */
export async function register(db: Db, org: string, entry: Registration): Promise<boolean> {
  const [written] = db.isTransaction ? await writeAll(db, org, [entry]) : [await joined.add(db, org, entry)]
  const outcome = written?.outcome
  if (outcome === 'moving') throw new OrganizationMoving()
  if (outcome === 'full') throw new LimitReached('the quota of datasources is used up')
  if (outcome === 'registered' && db.isTransaction)
    append({ tx: db, org, now: entry.now }, { datasourceId: entry.datasource.id, change: 'registered' })
  return outcome === 'registered'
}

/** A row of the statement: the outcome of one entry. */
interface Written {
  readonly outcome: string
}

/**
 * One statement for any number of entries, passed as one parameter: a text built by `JSON.stringify` costs a tenth of a
 * parameter per column. The natural keys are locked first and in one order, before any row that many transactions
 * write: an update that moves a datasource onto one of them already holds that lock when this statement reaches the
 * rows.
 */
async function writeAll(db: Db, org: string, entries: readonly Registration[]): Promise<readonly Written[]> {
  const [first] = entries
  // In a transaction, the change is written last, just before the commit. The first epoch of a head is a timestamp
  // (`changes.ts`).
  const epoch = first === undefined || db.isTransaction ? null : first.now.getTime()
  const { rows } = await sql<Written>`
    with given as materialized (
      select * from rows from (json_to_recordset(${JSON.stringify(entries.map(columnsOf))}::json) as (
        id uuid, kind text, mode text, name text, db_type text, host text, port integer, database text, schema text, tls_mode text,
        excluded_schemas text[], endpoint text, metadata jsonb, identity text, key_id uuid, sealed text, signer_id text,
        signature text, last4 text, task_id uuid, event_id uuid, event_at timestamptz, principal_kind text, principal_id uuid,
        action text, outcome text, request_id text, address text, max integer, at timestamptz, awaited_until timestamptz)) with ordinality
    ), locked as materialized (
      select pg_advisory_xact_lock(hashtextextended('mooring identity' || ${org}::text || identity, 0))
      from (select identity from given where identity is not null order by identity) as keys
    )
    select case when ${mayWrite({ organizationId: org, phase: 'begins' })} then register_datasource_2(
      ${org}::uuid, id, kind, mode, name, db_type, host, port, database, schema, tls_mode, excluded_schemas, endpoint, metadata, identity,
      key_id, decode(sealed, 'base64'), signer_id, decode(signature, 'base64'), last4, task_id, event_id, event_at, principal_kind,
      principal_id, action, given.outcome, request_id, address, max, at, ${epoch}::bigint, awaited_until)
      else 'moving' end as outcome
    from given, (select count(*) from locked) as held
    order by ordinality
  `.execute(db)
  return rows
}

const joined = new JoinedWrites(writeAll)

/** The columns of the statement's record. */
function columnsOf({ datasource: d, credential: c, event, ...entry }: Registration) {
  const { id, kind, mode, name, host, port, database, schema, endpoint, metadata, identity } = d
  const { actor } = event
  return {
    ...{ id, kind, mode, name, host, port, database, schema, endpoint, metadata, identity, last4: c.last4 },
    ...{ db_type: d.dbType, tls_mode: d.tlsMode, excluded_schemas: d.excludedSchemas, key_id: c.sealed.keyId },
    ...{ sealed: c.sealed.box.toString('base64'), signature: c.sealed.signature.toString('base64') },
    ...{ signer_id: c.sealed.signerId, task_id: entry.taskId, event_id: event.id, event_at: event.at },
    ...{ principal_kind: actor.kind, principal_id: actor.id, action: event.action, outcome: event.outcome },
    ...{ request_id: actor.requestId, address: actor.address, max: entry.maxDatasources, at: entry.now },
    awaited_until: entry.awaitedUntil ?? null,
  }
}

/**
 * True if another live datasource has the natural key. The caller holds one row's lock, so this locks no other row: two
 * datasources that swap keys would deadlock. Until the transaction ends no one else takes the key, by registration or
 * by update, so that the answer rests on what was read, not on a unique violation.
 */
export async function isTaken(
  { tx, org }: UnitOfWork,
  { identity, by }: { identity: string; by: string },
): Promise<boolean> {
  await sql`select pg_advisory_xact_lock(hashtextextended('mooring identity' || ${org}::text || ${identity}::text, 0))`.execute(
    tx,
  )
  const row = await tx
    .selectFrom('datasources')
    .select('id')
    .where('org_id', '=', org)
    .where('identity', '=', identity)
    .where('id', '!=', by)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return row !== undefined
}
