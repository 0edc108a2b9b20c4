/**
 * The events of feeds: stored once, in the order in which they came, read by position. Whoever stores takes the lock of the
 * feed's row first, so that positions become visible in their order and a reader who goes by them misses none.
 */
import { sql } from 'kysely'
import type { FoundEvent } from '#server/domain/feed-page.ts'
import type { Db, Tx } from './db.ts'

/** Events to be stored, in their order, and of a poll what is written in the same statement. */
export interface Arrived {
  readonly datasourceId: string
  readonly events: readonly FoundEvent[]
  readonly now: Date
  /** Null for a push. */
  readonly page: {
    readonly cursor: string | null
    readonly drained: boolean
    readonly requestedAt: Date
  } | null
}

/** Stores the events that are not there yet, moves the feed, and returns how many were new. */
export async function store(tx: Tx, org: string, arrived: Arrived): Promise<number> {
  const { datasourceId, events, now, page } = arrived
  const held = await sql<{ position: number }>`
    select position from feeds where org_id = ${org} and datasource_id = ${datasourceId} for no key update
  `.execute(tx)
  const base = held.rows[0]?.position
  if (base === undefined) throw new Error('a feed has no row')
  const stored = events.length === 0 ? [] : await insert(tx, { org, base, ...arrived })
  const last = stored.length === 0 ? null : Math.max(...stored)
  const newestMs = last === null ? null : Math.trunc(events[last - base - 1]?.occurredAtMs ?? now.getTime())
  if (page === null && last === null) return 0
  await sql`
    update feeds set
      position = coalesce(${last}::bigint, position),
      newest_event_ms = coalesce(${newestMs}::bigint, newest_event_ms),
      oldest_at = case when ${last}::bigint is null then oldest_at else coalesce(oldest_at, ${now}::timestamptz) end
      ${page === null ? sql`` : movement(page, now)}
    where org_id = ${org} and datasource_id = ${datasourceId}
  `.execute(tx)
  return stored.length
}

function movement(page: NonNullable<Arrived['page']>, now: Date) {
  return sql`, cursor = ${page.cursor}, drained = ${page.drained}, pages = pages + 1, polled_at = ${now}, retry_count = 0,
    last_request_at = ${page.requestedAt}, last_success_at = ${now}, last_error = null`
}

/** The positions of those that were new. An id that is there already, its event or its tombstone, stays as it is. */
async function insert(tx: Tx, of: Arrived & { org: string; base: number }): Promise<number[]> {
  const { rows } = await sql<{ position: number }>`
    insert into feed_events (org_id, datasource_id, position, event_id, event, bytes, stored_at)
    select ${of.org}, ${of.datasourceId}, ${of.base}::bigint + n, id, event, octet_length(event), ${of.now}
    from unnest(${of.events.map(event => event.id)}::text[], ${of.events.map(event => event.json)}::text[])
      with ordinality as arrived (id, event, n)
    on conflict (org_id, datasource_id, event_id) do nothing
    returning position
  `.execute(tx)
  return rows.map(row => row.position)
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

/** How far feeds go, of any organization: for the one reader of a web process that wakes its subscribers. */
export async function heads(db: Db, datasourceIds: readonly string[]): Promise<Map<string, number>> {
  const { rows } = await sql<{ id: string; position: number }>`
    select datasource_id as id, position from feeds where datasource_id = any(${[...datasourceIds]}::uuid[])
  `.execute(db)
  return new Map(rows.map(row => [row.id, row.position]))
}
