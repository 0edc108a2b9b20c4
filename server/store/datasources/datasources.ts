/**
 * Rows of datasources: read, change, remove. Every function is scoped to an organization; none reads a sealed column.
 * Registration is in `registration.ts`, lists in `datasource-list.ts`.
 */

import { type Selectable, sql, type Updateable } from 'kysely'
import { inForce, type SeenKey } from '#server/store/access/api-keys.ts'
import { preparedRead } from '#server/store/connection/prepared-read.ts'
import * as credentials from '#server/store/credentials/credentials.ts'
import { NaturalKeyTaken } from '#server/store/database/refusals.ts'
import * as feeds from '#server/store/feeds/feeds.ts'
import * as quotas from '#server/store/organizations/quotas.ts'
import type { Db, Tables } from '#server/store/tables/tables.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'
import * as tasks from '#server/store/tasks/tasks.ts'
import type { Advisory, Check } from '#shared/checks/check.ts'
import { withLatest } from './latest-verdicts.ts'
import { isTaken } from './registration.ts'

/** Columns that only the worker writes: its signed verdict, and consecutive refusals of an active datasource. */
type VerdictColumn =
  | Extract<keyof Tables['datasources'], `verdict_${string}`>
  | 'usable_until'
  | 'refusals'
  | 'refused_at'
/** The latest verdict, all null before the first one; `latest-verdicts.ts` reads it. */
type LatestColumn = Extract<keyof Tables['datasources'], `latest_${string}`>

/** A datasource with what is displayed with it: the current credential's summary and the last verdict. */
export interface DatasourceRow extends Omit<Selectable<Tables['datasources']>, VerdictColumn | LatestColumn> {
  readonly version: number | null
  readonly fingerprint: string | null
  readonly last4: string | null
  readonly checks: Check[] | null
  readonly advisories: Advisory[] | null
  /** Present only for an endpoint. */
  readonly feed?: feeds.ListedFeed
}

const COLUMNS = [
  'd.org_id',
  'd.id',
  'd.kind',
  'd.mode',
  'd.name',
  'd.db_type',
  'd.status',
  'd.status_reason',
  'd.host',
  'd.port',
  'd.database',
  'd.schema',
  'd.tls_mode',
  'd.excluded_schemas',
  'd.endpoint',
  'd.metadata',
  'd.identity',
  'd.credential_version',
  'd.verification_id',
  'd.created_at',
  'd.updated_at',
  'd.verified_at',
  'd.introspected_at',
  'd.next_check_at',
  'd.deleted_at',
  'c.version',
  'c.last4',
  'd.latest_id',
  'd.latest_checks as checks',
  'd.latest_advisories as advisories',
] as const

/**
 * A statement over an organization's datasources, with the columns of `FoundRow`. One credential is looked up per row,
 * through the index of current credentials: the state is a literal in the SQL, and the limit keeps a generic plan from
 * reading all credentials of a large organization for one page.
 */
export function selectRows(db: Db, org: string) {
  return db
    .selectFrom('datasources as d')
    .leftJoinLateral(
      eb =>
        eb
          .selectFrom('credentials')
          .select(['version', 'last4', 'fingerprint_key_id', 'credentials.fingerprint as given_fingerprint'])
          .whereRef('credentials.org_id', '=', 'd.org_id')
          .whereRef('credentials.datasource_id', '=', 'd.id')
          .where('credentials.state', '=', sql.lit('current'))
          .limit(sql.lit(1))
          .as('c'),
      join => join.onTrue(),
    )
    .select(COLUMNS)
    .select(
      sql<string | null>`case when c.fingerprint_key_id is null then null else c.given_fingerprint end`.as(
        'fingerprint',
      ),
    )
    .where('d.org_id', '=', org)
}

type FoundRow = Awaited<ReturnType<ReturnType<typeof selectRows>['execute']>>[number]

/** Completes the rows with what few of them need: verdicts that their own row does not hold, and feeds. */
export async function completeRows(db: Db, org: string, found: FoundRow[]): Promise<DatasourceRow[]> {
  let isWhole = true
  for (const row of found) isWhole &&= row.kind === 'direct' && row.verification_id === row.latest_id
  return isWhole ? found : feeds.withFeeds(db, org, await withLatest(db, org, found))
}

/** One datasource, a removed one only on request; undefined if the organization has no datasource with that id. */
export async function find(
  db: Db,
  org: string,
  ask: { id: string; includeRemoved?: boolean },
): Promise<DatasourceRow | undefined> {
  const found = await (ask.includeRemoved ? anyOne : liveOne)(db, { org, id: ask.id })
  return (await completeRows(db, org, found))[0]
}

const anyOne = preparedRead((db, { org, id }: { org: string; id: string }) =>
  selectRows(db, org).where('d.id', '=', id),
)

const liveOne = preparedRead((db, { org, id }: { org: string; id: string }) =>
  selectRows(db, org).where('d.id', '=', id).where('d.deleted_at', 'is', null),
)

/**
 * A live datasource, read together with the key of its reader; undefined if what was seen of the key no longer holds.
 */
export async function findWithKey(
  db: Db,
  seen: SeenKey,
  id: string,
): Promise<{ readonly row: DatasourceRow | undefined } | undefined> {
  const [found] = await liveOneWithKey(db, { ...seen, id })
  if (found === undefined) return undefined
  if (found.id === null) return { row: undefined }
  // The columns of a row that there is are those of `selectRows`.
  const rows = await completeRows(db, seen.org, [found as FoundRow])
  return { row: rows[0] }
}

const liveOneWithKey = preparedRead((db, seen: SeenKey & { readonly id: string }) =>
  inForce(db, seen)
    .leftJoinLateral(
      selectRows(db, seen.org).where('d.id', '=', seen.id).where('d.deleted_at', 'is', null).as('d'),
      join => join.onTrue(),
    )
    .selectAll('d'),
)

/** The ids, among those given, of live datasources of the organization. */
export async function known(db: Db, org: string, ids: readonly string[]): Promise<Set<string>> {
  const rows = await db
    .selectFrom('datasources')
    .select('id')
    .where('org_id', '=', org)
    .where('id', 'in', [...ids])
    .where('deleted_at', 'is', null)
    .execute()
  return new Set(rows.map(row => row.id))
}

/** The columns to set on a datasource. */
interface Update {
  readonly id: string
  readonly set: Updateable<Tables['datasources']>
  /** The time of the change, if it affects more than the dates of checks. */
  readonly changedAt?: Date
}

/** Sets columns of a live datasource; the caller holds its lock. Throws `NaturalKeyTaken` if the new key is taken. */
export async function update(unit: UnitOfWork, change: Update): Promise<void> {
  const { tx, org } = unit
  const { identity } = change.set
  if (typeof identity === 'string' && (await isTaken(unit, { identity, by: change.id })))
    throw new NaturalKeyTaken('the natural key is taken')
  // Never moves backwards, whichever clock is slow: a list of recent changes must not miss the row.
  const updated_at = sql<Date>`greatest(${change.changedAt ?? null}::timestamptz, updated_at, created_at)`
  const set = change.changedAt === undefined ? change.set : { ...change.set, updated_at }
  await tx.updateTable('datasources').set(set).where('org_id', '=', org).where('id', '=', change.id).execute()
}

/** Replaces the labels of a live datasource whose lock the caller holds. False, writing nothing, if they are equal. */
export async function replaceMetadata(
  { tx, org, now }: UnitOfWork,
  { id, metadata }: { id: string; metadata: Readonly<Record<string, string>> },
): Promise<boolean> {
  const text = JSON.stringify(metadata)
  const { numUpdatedRows } = await tx
    .updateTable('datasources')
    .set({ metadata: text, updated_at: sql<Date>`greatest(${now}::timestamptz, updated_at, created_at)` })
    .where('org_id', '=', org)
    .where('id', '=', id)
    .where(sql<boolean>`metadata is distinct from ${text}::jsonb`)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/**
 * Removes a live datasource whose lock the caller holds, in the caller's transaction: its record stays; its
 * credentials' bytes, its tasks and its place in the quota are removed.
 */
export async function remove(unit: UnitOfWork, id: string): Promise<void> {
  const { tx, org, now } = unit
  const set = { deleted_at: now, next_check_at: null }
  await update(unit, { id: id, set, changedAt: now })
  await tasks.endAll(tx, org, id)
  await credentials.destroy(unit, { datasourceId: id })
  await quotas.release(unit)
}
