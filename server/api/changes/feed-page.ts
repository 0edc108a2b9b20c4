/**
 * A page of a feed in the form that callers see: events in order, each as the customer wrote it. It does no
 * authorization.
 */
import { parseExactly } from '#server/domain/feeds/exact-json.ts'
import * as feedEvents from '#server/store/feeds/feed-events.ts'
import type { Db } from '#server/store/tables/tables.ts'
import type { FeedEvent } from '#shared/feeds/event.ts'
import type { FeedItem } from '#shared/feeds/feed.ts'

/** The size of one page, not counting its first event: it limits the memory that several callers use at once. */
export const MAX_PAGE_BYTES = 4 << 20

/** The requested part of a feed. */
export interface PageAsked {
  readonly org: string
  readonly datasourceId: string
  readonly after: number
  readonly limit: number
  readonly maxBytes: number
}

/** A page as callers see it. */
export interface ChangePage {
  readonly items: FeedItem[]
  readonly nextCursor: string | null
}

/** Events after a position, in order. */
export async function readChangePage(db: Db, { org, ...asked }: PageAsked): Promise<ChangePage> {
  const { events, hasMore } = await feedEvents.list(db, org, asked)
  const items = events.map(({ position, event_id: id, event }) => ({
    id,
    position: String(position),
    // Sound: this schema parsed it before it was stored.
    event: parseExactly(event) as FeedEvent,
  }))
  return { items, nextCursor: hasMore ? (items.at(-1)?.position ?? null) : null }
}
