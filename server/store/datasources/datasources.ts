/**
 * Rows of datasources: read, list, change, remove. Every function is scoped to an organization; none reads a sealed
 * column. Registration is in `registration.ts`.
 */

import { type Selectable, sql, type Updateable } from 'kysely'
import { preparedRead } from '#server/store/connection/prepared-read.ts'
import * as credentials from '#server/store/credentials/credentials.ts'
import { NaturalKeyTaken } from '#server/store/database/refusals.ts'
import * as feeds from '#server/store/feeds/feeds.ts'
import * as quotas from '#server/store/organizations/quotas.ts'
import type { Db, Tables } from '#server/store/tables/tables.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'
import * as tasks from '#server/store/tasks/tasks.ts'
import type { Mode } from '#shared/base/wire.ts'
import type { Advisory, Check } from '#shared/checks/check.ts'
import type { Kind, Status } from '#shared/datasources/datasource.ts'
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
 * One credential is looked up per row, through the index of current credentials: the state is a literal in the SQL, and
 * the limit keeps a generic plan from reading all credentials of a large organization for one page.
 */
function rows(db: Db, org: string) {
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

type FoundRow = Awaited<ReturnType<ReturnType<typeof rows>['execute']>>[number]

/** Completes the rows with what few of them need: verdicts that their own row does not hold, and feeds. */
async function completed(db: Db, org: string, found: FoundRow[]): Promise<DatasourceRow[]> {
  const isWhole = found.every(row => row.kind === 'direct' && row.verification_id === row.latest_id)
  return isWhole ? found : feeds.withFeeds(db, org, await withLatest(db, org, found))
}

/** One datasource, a removed one only on request; undefined if the organization has no datasource with that id. */
export async function find(
  db: Db,
  org: string,
  ask: { id: string; includeRemoved?: boolean },
): Promise<DatasourceRow | undefined> {
  const found = await (ask.includeRemoved ? anyOne : liveOne)(db, { org, id: ask.id })
  return (await completed(db, org, found))[0]
}

const anyOne = preparedRead((db, { org, id }: { org: string; id: string }) => rows(db, org).where('d.id', '=', id))

const liveOne = preparedRead((db, { org, id }: { org: string; id: string }) =>
  rows(db, org).where('d.id', '=', id).where('d.deleted_at', 'is', null),
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

/** The filter of a list. `olderThan` and `newerThan` are ids: keys, not offsets, so that a page never shifts. */
export interface ListFilter {
  readonly kind?: Kind | undefined
  readonly mode?: Mode | undefined
  readonly status?: Status | undefined
  readonly namePrefix?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /** Changed at or after this time. Such a list is in the order of changes, read through an index. */
  readonly updatedSince?: Date | undefined
  readonly olderThan?: string
  readonly newerThan?: string
  /** Restricts the list to these ids, for a capability that names them. */
  readonly ids?: readonly string[]
  /** The maximum number of rows; null for all. */
  readonly limit: number | null
}

/** An id that no row has: an empty list of ids means none, not all. */
const NO_ID = '00000000-0000-0000-0000-000000000000'

/** The displayed name: without a registered name, the display name (`api/present.ts`). */
const SHOWN_NAME = sql<string>`coalesce(d.name, substring(d.endpoint from '^[a-z]+://([^/?#]+)'),
  case when position(':' in d.host) > 0 then '[' || d.host || ']' else d.host end || ':' || d.port || '/' || d.database)`

/** The time of the last change; this is an index expression. */
const CHANGED = sql<Date>`coalesce(d.updated_at, d.created_at)`

/** The position of a datasource in change order. A datasource changed since then moves ahead, so no page skips one. */
const placeOf = (org: string, id: string) =>
  sql`(select coalesce(p.updated_at, p.created_at), p.id from datasources p where p.org_id = ${org} and p.id = ${id})`

/** The rows after a position, in order of registration or of change. */
function inOrder(given: ReturnType<typeof rows>, org: string, { updatedSince, olderThan, newerThan }: ListFilter) {
  const direction = newerThan === undefined ? 'desc' : 'asc'
  let query = given
  if (updatedSince === undefined) {
    if (olderThan !== undefined) query = query.where('d.id', '<', olderThan)
    if (newerThan !== undefined) query = query.where('d.id', '>', newerThan)
    return query.orderBy('d.id', direction)
  }
  query = query.where(sql<boolean>`${CHANGED} >= ${updatedSince}`)
  if (olderThan !== undefined) query = query.where(sql<boolean>`(${CHANGED}, d.id) < ${placeOf(org, olderThan)}`)
  if (newerThan !== undefined) query = query.where(sql<boolean>`(${CHANGED}, d.id) > ${placeOf(org, newerThan)}`)
  return query.orderBy(CHANGED, direction).orderBy('d.id', direction)
}

/** Live datasources, the newest or last changed first. With `newerThan`, the rows nearest to it. */
export async function list(db: Db, org: string, filter: ListFilter): Promise<DatasourceRow[]> {
  const backwards = filter.newerThan !== undefined
  let query = inOrder(rows(db, org).where('d.deleted_at', 'is', null), org, filter)
  if (filter.kind !== undefined) query = query.where('d.kind', '=', filter.kind)
  if (filter.mode !== undefined) query = query.where('d.mode', '=', filter.mode)
  // A literal in the SQL, so that any plan uses the index of inactive datasources.
  if (filter.status !== undefined) query = query.where('d.status', '=', sql.lit(filter.status))
  if (filter.namePrefix !== undefined)
    query = query.where(sql<boolean>`starts_with(${SHOWN_NAME}, ${filter.namePrefix})`)
  if (filter.metadata !== undefined)
    query = query.where(sql<boolean>`d.metadata @> ${JSON.stringify(filter.metadata)}::jsonb`)
  if (filter.ids !== undefined) query = query.where('d.id', 'in', filter.ids.length === 0 ? [NO_ID] : [...filter.ids])
  if (filter.limit !== null) query = query.limit(filter.limit)
  const found = await completed(db, org, await query.execute())
  return backwards ? found.reverse() : found
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
