/**
 * The events of feeds: stored once, in the order in which they came, read by position. Whoever stores takes the lock of the
 * feed's row first, so that positions become visible in their order and a reader who goes by them misses none.
 */
import { sql } from 'kysely'
import type { FoundEvent } from '#server/domain/feeds/feed-page.ts'
import { textArray } from '#server/store/database/text-array.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { type Claim, isHeld, settledColumns } from '#server/store/tasks/claims.ts'

/** Events to be stored, in their order. */
export interface Arrived {
  readonly datasourceId: string
  readonly events: readonly FoundEvent[]
  readonly now: Date
  /** What of a poll is written in the same statement; null for a push. */
  readonly page: PolledPage | null
  /** Whether the customer vouches for them: they were polled, or came with their signature. */
  readonly isVouched: boolean
}

/** A page of a poll, and how its poll goes on. */
export interface PolledPage {
  readonly claim: Claim
  readonly cursor: string | null
  readonly drained: boolean
  readonly requestedAt: Date
  /** Until when the claim is held for the next page; or, behind the last one, the pace with and without new events. */
  readonly next: { readonly holdUntil: Date } | { readonly withNew: NextTime; readonly without: NextTime }
}

/** When to poll again, and the pace to keep. */
export interface NextTime {
  readonly dueAt: Date
  readonly intervalMs: number
}

/**
 * Stores the events that are not there yet, moves the feed, holds or settles the poll's claim, and returns how many were new;
 * null, and nothing is written, when the claim was lost or there is no feed. An id that is there already, its event or its
 * tombstone, stays as it is; but one that nobody vouched for gives way to one that the customer vouches for, at a new
 * position where it says something else.
 *
 * One statement, since a page is one of very many. It locks the task, then the feed: what was waited for is read anew.
 */
export async function store(db: Db, org: string, arrived: Arrived): Promise<number | null> {
  const { datasourceId, events, now, page, isVouched } = arrived
  const { rows } = await sql<{ stored: number }>`
    with held as (
      ${page === null ? sql`select 1` : sql`select 1 from tasks where ${isHeld(page.claim)} for no key update`}
    ), feed as (
      select position from feeds
      where org_id = ${org} and datasource_id = ${datasourceId} and exists (select from held) for no key update
    ), arrived as (
      select id, event, occurred_ms, n from unnest(${textArray(events.map(event => event.id))}::text[],
        ${textArray(events.map(event => event.json))}::text[], ${events.map(({ occurredAtMs: ms }) => ms && Math.trunc(ms))}::bigint[])
        with ordinality as event (id, event, occurred_ms, n)
    ), inserted as (
      insert into feed_events (org_id, datasource_id, position, event_id, event, bytes, stored_at${isVouched ? sql`, vouched` : sql``})
      select ${org}, ${datasourceId}, position + n, id, event, octet_length(event), ${now} ${isVouched ? sql`, true` : sql``}
      from feed, arrived
      on conflict (org_id, datasource_id, event_id) ${isVouched ? REPLACING : sql`do nothing`}
      returning position
    ), told as (
      select count(*)::integer as stored, max(inserted.position) as last from inserted, feed
      where inserted.position > feed.position
    ), moved as (
      update feeds set
        position = coalesce(told.last, feeds.position),
        newest_event_ms = case when told.last is null then newest_event_ms else coalesce(
          (select occurred_ms from arrived where n = told.last - feed.position), ${now.getTime()}::bigint) end,
        oldest_at = case when told.last is null then oldest_at else coalesce(oldest_at, ${now}::timestamptz) end
        ${page === null ? sql`` : movement(page, now)}
      from told, feed where feeds.org_id = ${org} and feeds.datasource_id = ${datasourceId}
    ) ${page === null ? sql`` : sql`, claimed as (${claimed(page, now)})`}
    select stored from told, feed
  `.execute(db)
  return rows[0]?.stored ?? null
}

/** What says the same stays in its place and is vouched for from now on; anything else is news to whoever read it. */
const REPLACING = sql`do update set vouched = true,
  position = case when feed_events.event = excluded.event then feed_events.position else excluded.position end,
  stored_at = case when feed_events.event = excluded.event then feed_events.stored_at else excluded.stored_at end,
  event = excluded.event, bytes = excluded.bytes
  where not feed_events.vouched`

function movement({ cursor, drained, requestedAt, next }: PolledPage, now: Date) {
  const pace =
    'holdUntil' in next
      ? sql``
      : sql`, interval_ms = case when told.stored > 0 then ${next.withNew.intervalMs}::integer
          else ${next.without.intervalMs}::integer end`
  return sql`, cursor = ${cursor}, drained = ${drained}, pages = pages + 1, polled_at = ${now}, retry_count = 0,
    last_request_at = ${requestedAt}, last_success_at = ${now}, last_error = null ${pace}`
}

function claimed({ claim, next }: PolledPage, now: Date) {
  if ('holdUntil' in next)
    return sql`update tasks set locked_until = ${next.holdUntil} where ${isHeld(claim)} and exists (select from feed)`
  const { withNew, without } = next
  const dueAt = sql<Date>`(case when told.stored > 0 then ${withNew.dueAt}::timestamptz else ${without.dueAt}::timestamptz end)`
  return sql`
    update tasks set ${settledColumns(claim, { dueAt, now, failed: false })}
    from told where ${isHeld(claim)} and exists (select from feed)`
}

/** One event as it is read. */
export interface StoredEvent {
  readonly position: number
  /** The customer's id. */
  readonly event_id: string
  /** The whole event as it was written. */
  readonly event: string
}

/** What is asked for: events behind a position, at most so many and, but for the first, at most so many bytes. */
export interface EventsAsked {
  readonly datasourceId: string
  readonly after: number
  readonly limit: number
  readonly maxBytes: number
}

/** Events in their order, and whether more are there. Those that have passed their time are not among them. */
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

/** A feed, named as its row is. */
export interface FeedPlace {
  readonly organizationId: string
  readonly datasourceId: string
}

/** How far feeds go, of any organization, by datasource: for the one reader of a web process that wakes its subscribers. */
export async function heads(db: Db, feeds: readonly FeedPlace[]): Promise<Map<string, number>> {
  const { rows } = await sql<{ id: string; position: number }>`
    select f.datasource_id as id, f.position
    from unnest(${feeds.map(feed => feed.organizationId)}::uuid[], ${feeds.map(feed => feed.datasourceId)}::uuid[])
      as asked (org_id, datasource_id)
    join feeds f on f.org_id = asked.org_id and f.datasource_id = asked.datasource_id
  `.execute(db)
  return new Map(rows.map(row => [row.id, row.position]))
}
