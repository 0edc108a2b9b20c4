/**
 * Rows of feeds: how far each endpoint's events were read and how its requests went. The events themselves are in
 * `feed-events.ts`.
 *
 * Locks are taken in one order everywhere: datasource, task, feed.
 */
import { type Selectable, sql } from 'kysely'
import type { Db, Tables, Tx } from '#server/store/tables/tables.ts'

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
 * The feed columns that an endpoint shows, all null if there is no feed yet, and the last four characters of a signing key that
 * is on its way.
 */
export type ListedFeed = { readonly [K in Shown]: FeedRow[K] | null } & { readonly pending_last4: string | null }

/** Makes the row of a feed, if there is none. The caller holds the datasource's lock. */
export async function ensure(tx: Tx, org: string, of: { datasourceId: string; intervalMs: number }): Promise<void> {
  await tx
    .insertInto('feeds')
    .values({ org_id: org, datasource_id: of.datasourceId, interval_ms: of.intervalMs })
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
 * The rows of datasources, endpoints among them with what they show of their feeds. Asked for after the rows, so that reading
 * a direct datasource costs nothing for it.
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

/** A signed request that failed, with the sentence that is shown. */
export interface FailedRequest {
  readonly datasourceId: string
  readonly requestedAt: Date
  readonly error: string
}

/** Writes down that a request failed; cursor and events stay as they are. */
export async function recordFailure(tx: Tx, org: string, failed: FailedRequest): Promise<void> {
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

/** Writes down what keeps a feed from being asked at all: no request was made. */
export async function noteError(tx: Tx, org: string, entry: { datasourceId: string; error: string }): Promise<void> {
  await tx
    .updateTable('feeds')
    .set({ last_error: entry.error })
    .where('org_id', '=', org)
    .where('datasource_id', '=', entry.datasourceId)
    .execute()
}

/** Writes down that a check's request was answered well; it is no poll, and moves nothing. */
export async function recordSuccess(
  tx: Tx,
  org: string,
  entry: { datasourceId: string; requestedAt: Date; answeredAt: Date },
): Promise<void> {
  await tx
    .updateTable('feeds')
    .set({ last_request_at: entry.requestedAt, last_success_at: entry.answeredAt, last_error: null, retry_count: 0 })
    .where('org_id', '=', org)
    .where('datasource_id', '=', entry.datasourceId)
    .execute()
}

/** Sets a few columns of a feed: its pace, what became of a rotation. */
export async function update(
  tx: Tx,
  org: string,
  change: { datasourceId: string; set: Partial<Pick<FeedRow, 'interval_ms' | 'last_request_at' | 'rotation_error'>> },
): Promise<void> {
  await tx
    .updateTable('feeds')
    .set(change.set)
    .where('org_id', '=', org)
    .where('datasource_id', '=', change.datasourceId)
    .execute()
}
