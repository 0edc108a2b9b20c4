/**
 * Rows of feeds: how far each endpoint's events have been read and the results of its requests. The events themselves
 * are in `feed-events.ts`.
 *
 * Locks are taken in one order everywhere: datasource, task, feed.
 */

import { type Selectable, sql } from 'kysely'
import type { Db, Tables } from '#server/store/tables/tables.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'

/** A feed's row. */
export type FeedRow = Selectable<Tables['feeds']>

type Shown =
  | 'cursor'
  | 'newest_event_ms'
  | 'polled_at'
  | 'drained'
  | 'retry_count'
  | 'last_request_at'
  | 'last_success_at'
  | 'last_error'
  | 'rotation_error'

/**
 * The displayed columns of an endpoint's feed, all null if it has no feed yet, and the last four characters of a
 * pending signing key.
 */
export type ListedFeed = { readonly [K in Shown]: FeedRow[K] | null } & { readonly pending_last4: string | null }

/** Creates a feed's row if it does not exist. The caller holds the datasource's lock. */
export async function ensure(
  { tx, org }: UnitOfWork,
  { datasourceId, intervalMs }: { datasourceId: string; intervalMs: number },
): Promise<void> {
  await tx
    .insertInto('feeds')
    .values({ org_id: org, datasource_id: datasourceId, interval_ms: intervalMs })
    .onConflict(conflict => conflict.columns(['org_id', 'datasource_id']).doNothing())
    .execute()
}

/** The state from which a poll continues. */
export type PolledFeed = Pick<FeedRow, 'datasource_id' | 'cursor' | 'pages' | 'interval_ms' | 'retry_count'>

/** One feed; undefined before the endpoint's first check. */
export function find(db: Db, org: string, datasourceId: string): Promise<PolledFeed | undefined> {
  return db
    .selectFrom('feeds')
    .select(['datasource_id', 'cursor', 'pages', 'interval_ms', 'retry_count'])
    .where('org_id', '=', org)
    .where('datasource_id', '=', datasourceId)
    .executeTakeFirst()
}

/**
 * Adds to each endpoint row the displayed columns of its feed. A query separate from the rows, so that reading a direct
 * datasource costs nothing extra.
 */
export async function withFeeds<T extends { readonly id: string; readonly kind: string }>(
  db: Db,
  org: string,
  found: T[],
): Promise<(T & { feed?: ListedFeed })[]> {
  const endpoints = found.filter(row => row.kind === 'endpoint').map(row => row.id)
  if (endpoints.length === 0) return found
  const displayed = new Map((await ofEndpoints(db, org, endpoints)).map(({ id, ...feed }) => [id, feed]))
  return found.map(row => {
    const feed = displayed.get(row.id)
    return feed === undefined ? row : { ...row, feed }
  })
}

async function ofEndpoints(db: Db, org: string, ids: readonly string[]): Promise<(ListedFeed & { id: string })[]> {
  const { rows } = await sql<ListedFeed & { id: string }>`
    select i.id, f.cursor, f.newest_event_ms, f.polled_at, f.drained, f.retry_count, f.last_request_at, f.last_success_at,
      f.last_error, f.rotation_error, c.last4 as pending_last4
    from unnest(${[...ids]}::uuid[]) as i (id)
    left join feeds f on f.org_id = ${org} and f.datasource_id = i.id
    left join credentials c on c.org_id = ${org} and c.datasource_id = i.id and c.state = 'pending'
  `.execute(db)
  return rows
}

/** A failed signed request, with the sentence that is displayed. */
export interface FailedRequest {
  readonly datasourceId: string
  readonly requestedAt: Date
  readonly error: string
}

/** Records that a request failed; the cursor and events stay unchanged. */
export async function recordFailure({ tx, org }: UnitOfWork, failed: FailedRequest): Promise<void> {
  await tx
    .updateTable('feeds')
    .set(eb => ({
      last_request_at: failed.requestedAt,
      last_error: failed.error,
      retry_count: eb('retry_count', '+', 1),
    }))
    .where('org_id', '=', org)
    .where('datasource_id', '=', failed.datasourceId)
    .execute()
}

/** Records why a feed cannot be polled at all; no request was made. */
export async function noteError(
  { tx, org }: UnitOfWork,
  entry: { datasourceId: string; error: string },
): Promise<void> {
  await tx
    .updateTable('feeds')
    .set({ last_error: entry.error })
    .where('org_id', '=', org)
    .where('datasource_id', '=', entry.datasourceId)
    .execute()
}

/** Records that a check's request succeeded. It is not a poll and does not advance the feed. */
export async function recordSuccess(
  { tx, org }: UnitOfWork,
  entry: { datasourceId: string; requestedAt: Date; answeredAt: Date },
): Promise<void> {
  await tx
    .updateTable('feeds')
    .set({ last_request_at: entry.requestedAt, last_success_at: entry.answeredAt, last_error: null, retry_count: 0 })
    .where('org_id', '=', org)
    .where('datasource_id', '=', entry.datasourceId)
    .execute()
}

/** Sets a few columns of a feed: its pace, or the result of a rotation. */
export async function update(
  { tx, org }: UnitOfWork,
  change: { datasourceId: string; set: Partial<Pick<FeedRow, 'interval_ms' | 'last_request_at' | 'rotation_error'>> },
): Promise<void> {
  await tx
    .updateTable('feeds')
    .set(change.set)
    .where('org_id', '=', org)
    .where('datasource_id', '=', change.datasourceId)
    .execute()
}
