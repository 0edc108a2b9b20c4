/**
 * Registers a datasource by one function of the database: datasource, credential, audit row, change and verify task are written
 * together or not at all, in one round trip and one commit. The web tier calls it; the sealed bytes go in as a parameter and
 * never out. Tells of a natural key whether it is taken.
 */

import { sql } from 'kysely'
import type { AuditEvent } from '#server/store/access/audit.ts'
import type { NewCredential } from '#server/store/credentials/credentials.ts'
import { append, newEpoch } from '#server/store/database/changes.ts'
import { isTransaction } from '#server/store/database/db.ts'
import { LimitReached } from '#server/store/database/refusals.ts'
import { mayWrite, OrganizationMoving } from '#server/store/fence/organization-writer.ts'
import type { Db, Tables, Tx } from '#server/store/tables/tables.ts'
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
 * `LimitReached`, and nothing is written, when it has as many as it may have, and `OrganizationMoving`. One that is there already needs no room.
 */
export async function register(db: Db, org: string, entry: Registration): Promise<boolean> {
  const { datasource: d, credential: c, event, now } = entry
  const change = { datasourceId: d.id, change: 'registered', at: now } as const
  // In a transaction the change is written last of all, before its commit.
  const epoch = isTransaction(db) ? null : newEpoch(now)
  const { rows } = await sql<{ outcome: string }>`
    select case when ${mayWrite({ organizationId: org, phase: 'begins' })} then register_datasource_1(
      ${org}, ${d.id}, ${d.kind}, ${d.mode}, ${d.name}, ${d.dbType}, ${d.host}, ${d.port}, ${d.database}, ${d.schema}, ${d.tlsMode},
      ${d.excludedSchemas}, ${d.endpoint}, ${JSON.stringify(d.metadata)}, ${d.identity},
      ${c.sealed.keyId}, ${c.sealed.box}, ${c.sealed.signerId}, ${c.sealed.signature}, ${c.last4},
      ${entry.taskId}, ${event.id}, ${event.at}, ${event.actor.kind}, ${event.actor.id}, ${event.action}, ${event.outcome},
      ${event.actor.requestId}, ${event.actor.address}, ${entry.maxDatasources}, ${now}, ${epoch})
      else 'moving' end as outcome
  `.execute(db)
  const outcome = rows[0]?.outcome
  if (outcome === 'moving') throw new OrganizationMoving()
  if (outcome === 'full') throw new LimitReached('the quota of datasources is used up')
  if (outcome === 'registered' && epoch === null) append(db, org, change)
  return outcome === 'registered'
}

/** Whether a natural key is there at this moment: a look that holds nothing. */
export async function isThere(db: Db, org: string, identity: string): Promise<boolean> {
  const row = await db
    .selectFrom('datasources')
    .select('id')
    .where('org_id', '=', org)
    .where('identity', '=', identity)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return row !== undefined
}

/**
 * True when another live datasource has the natural key. The caller holds the lock of a row, so this takes none of another: two
 * that move onto each other's key would wait for each other for ever. From here to the end of the transaction nobody else takes
 * the key, by a registration or by moving onto it, so that it rests on what is read and on no error.
 */
export async function isTaken(tx: Tx, org: string, of: { identity: string; by: string }): Promise<boolean> {
  await sql`select pg_advisory_xact_lock(hashtextextended('mooring identity' || ${org}::text || ${of.identity}::text, 0))`.execute(
    tx,
  )
  const row = await tx
    .selectFrom('datasources')
    .select('id')
    .where('org_id', '=', org)
    .where('identity', '=', of.identity)
    .where('id', '!=', of.by)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return row !== undefined
}
