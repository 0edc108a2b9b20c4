/**
 * The events of feeds: stored once, in order of arrival, and read by position. Each writer first locks the feed's row,
 * so that positions become visible in order and a reader that goes by them misses none.
 */
import { type RawBuilder, sql } from 'kysely'
import type { FoundEvent } from '#server/domain/feeds/feed-page.ts'
import { textArray } from '#server/store/database/text-array.ts'
import { mayWrite } from '#server/store/fence/organization-writer.ts'
import type { Db } from '#server/store/tables/tables.ts'
import type { Claim } from '#server/store/tasks/claims.ts'

/** Events to store, in order. */
export interface Arrived {
  readonly datasourceId: string
  readonly events: readonly FoundEvent[]
  readonly now: Date
  /** The poll's state, written in the same statement; null for a push. */
  readonly page: PolledPage | null
  /** True if the customer vouches for the events: they were polled, or arrived with the customer's signature. */
  readonly isVouched: boolean
}

/** One page of a poll, and how the poll continues. */
export interface PolledPage {
  readonly claim: Claim
  readonly cursor: string | null
  readonly drained: boolean
  readonly requestedAt: Date
  /**
   * The time until which the claim is held for the next page; or, after the last page, the pace with and without new
   * events.
   */
  readonly next: { readonly holdUntil: Date } | { readonly withNew: NextTime; readonly without: NextTime }
}

/** The time of the next poll, and the pace to keep. */
export interface NextTime {
  readonly dueAt: Date
  readonly intervalMs: number
}

/**
 * Stores events that are not stored yet, advances the feed, holds or settles the poll's claim, and returns the number
 * of new events. Returns null and writes nothing if the claim was lost or the feed does not exist. An id that is
 * already stored, as an event or a tombstone, stays unchanged, except that an event from the customer replaces one that
 * nobody vouched for, at a new position if the content differs.
 *
 * One call of a database function, since a feed has very many pages. It locks the task, then the feed, and reads each
 * after its lock.
 */
export async function store(db: Db, org: string, arrived: Arrived): Promise<number | null> {
  const { datasourceId, events, now, page, isVouched } = arrived
  const may = page === null ? sql`true` : mayWrite({ organizationId: org, phase: 'ends' })
  const { rows } = await sql<{ stored: number | null }>`
    select case when ${may} then store_events_1(
      ${org}::uuid, ${datasourceId}::uuid, ${textArray(events.map(event => event.id))}::text[],
      ${textArray(events.map(event => event.json))}::text[], ${events.map(({ occurredAtMs: ms }) => ms && Math.trunc(ms))}::bigint[],
      ${now}::timestamptz, ${isVouched}::boolean, ${polled(page)}) end as stored
  `.execute(db)
  return rows[0]?.stored ?? null
}

/** The columns of a poll's state; all null for a push. */
function polled(page: PolledPage | null): RawBuilder<unknown> {
  const { claim, cursor, drained, requestedAt, next } = page ?? PUSHED
  const { holdUntil, withNew, without } = { holdUntil: null, withNew: null, without: null, ...next }
  return sql`${claim?.id ?? null}::uuid, ${claim?.token ?? null}::bigint, ${claim?.requested ?? null}::bigint, ${cursor}::text,
    ${drained}::boolean, ${requestedAt}::timestamptz, ${holdUntil}::timestamptz,
    ${withNew?.dueAt ?? null}::timestamptz, ${withNew?.intervalMs ?? null}::integer,
    ${without?.dueAt ?? null}::timestamptz, ${without?.intervalMs ?? null}::integer`
}

const PUSHED = { claim: null, cursor: null, drained: null, requestedAt: null, next: {} }

/** One event as read. */
export interface StoredEvent {
  readonly position: number
  /** The customer's id of the event. */
  readonly event_id: string
  /** The whole event, as JSON text. */
  readonly event: string
}

/** The requested page: events after a position, limited in number and, except for the first event, in bytes. */
export interface EventsAsked {
  readonly datasourceId: string
  readonly after: number
  readonly limit: number
  readonly maxBytes: number
}

/** Events in position order, and whether more exist. Expired events are left out. */
export async function list(
  db: Db,
  org: string,
  asked: EventsAsked,
): Promise<{ events: readonly StoredEvent[]; hasMore: boolean }> {
  const { rows } = await sql<StoredEvent & { found: number }>`
    select position, event_id, event, found from (
      select position, event_id, event, count(*) over ()::int as found, row_number() over (order by position) as n,
        sum(bytes) over (order by position) as bytes
      from (
        select e.position, e.event_id, e.event, e.bytes from feed_events e
        where e.org_id = ${org} and e.datasource_id = ${asked.datasourceId} and e.event is not null
          and e.position > greatest(${asked.after}::bigint, (
            select f.removed_to from feeds f where f.org_id = ${org} and f.datasource_id = ${asked.datasourceId}))
        order by e.position limit ${asked.limit + 1}) page) counted
    where n = 1 or (n <= ${asked.limit} and bytes <= ${asked.maxBytes})
    order by position
  `.execute(db)
  const events = rows.map(({ position, event_id, event }) => ({ position, event_id, event }))
  return { events, hasMore: (rows[0]?.found ?? 0) > events.length }
}

/** One of the newest events. */
export interface NewestEvent extends StoredEvent {
  readonly stored_at: Date
}

/** The newest events, newest first: at most `limit` and, except for the first, at most `maxBytes` in total. */
export async function newest(db: Db, org: string, asked: Omit<EventsAsked, 'after'>): Promise<readonly NewestEvent[]> {
  const { rows } = await sql<NewestEvent>`
    select position, event_id, event, stored_at from (
      select position, event_id, event, stored_at, row_number() over (order by position desc) as n,
        sum(bytes) over (order by position desc) as bytes
      from (
        select e.position, e.event_id, e.event, e.bytes, e.stored_at from feed_events e
        where e.org_id = ${org} and e.datasource_id = ${asked.datasourceId} and e.event is not null
          and e.position > (
            select f.removed_to from feeds f where f.org_id = ${org} and f.datasource_id = ${asked.datasourceId})
        order by e.position desc limit ${asked.limit}) page) counted
    where n = 1 or bytes <= ${asked.maxBytes}
    order by position desc
  `.execute(db)
  return rows
}

/** The key of a feed's row. */
export interface FeedPlace {
  readonly organizationId: string
  readonly datasourceId: string
}

/**
 * The last position of each feed, by datasource id, across organizations: a web process reads them to wake its
 * subscribers.
 */
export async function heads(db: Db, feeds: readonly FeedPlace[]): Promise<Map<string, number>> {
  const { rows } = await sql<{ id: string; position: number }>`
    select f.datasource_id as id, f.position
    from unnest(${feeds.map(feed => feed.organizationId)}::uuid[], ${feeds.map(feed => feed.datasourceId)}::uuid[])
      as asked (org_id, datasource_id)
    join feeds f on f.org_id = asked.org_id and f.datasource_id = asked.datasource_id
  `.execute(db)
  return new Map(rows.map(row => [row.id, row.position]))
}
