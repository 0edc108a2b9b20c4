/**
 * Reads a page of a feed: who may, and how an event is shown.
 * `feeds.list` and `feeds.watch` read through it.
 */

import { parseExactly } from '#server/domain/exact-json.ts'
import { refusal } from '#server/domain/scope.ts'
import type { DatasourceRow } from '#server/store/datasources.ts'
import * as feedEvents from '#server/store/feed-events.ts'
import type { FeedEvent } from '#shared/event.ts'
import { Fault } from '#shared/fault.ts'
import type { FeedItem } from '#shared/feed.ts'
import type { DatasourceId } from '#shared/wire.ts'
import type { KnownContext } from './context.ts'
import { rowOf } from './find.ts'

/** Of one page, but for its first event: what several callers make the process hold at once. */
export const MAX_PAGE_BYTES = 4 << 20

/** The endpoint whose feed is meant. A direct datasource has none: there is no such object. */
export async function feedOf(ctx: KnownContext, id: DatasourceId): Promise<DatasourceRow> {
  const row = await rowOf(ctx, id)
  const denied = refusal(ctx.principal, 'feeds.read', { datasourceId: row.id })
  if (denied !== null) throw new Fault(denied)
  if (row.kind !== 'endpoint') throw new Fault('entity_not_found')
  return row
}

/** Events behind a position, in their order. */
export async function pageOf(
  ctx: KnownContext,
  datasourceId: string,
  asked: { after: number; limit: number },
): Promise<{ items: FeedItem[]; nextCursor: string | null }> {
  const org = ctx.principal.organizationId
  const ask = { datasourceId, ...asked, maxBytes: MAX_PAGE_BYTES }
  const { events, hasMore } = await feedEvents.list(ctx.parts.db, org, ask)
  const items = events.map(({ position, event_id: id, event }) => ({
    id,
    position: String(position),
    // Sound: it was read by this schema before it was stored.
    event: parseExactly(event) as FeedEvent,
  }))
  return { items, nextCursor: hasMore ? (items.at(-1)?.position ?? null) : null }
}
