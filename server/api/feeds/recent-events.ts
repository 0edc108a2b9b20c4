/**
 * `feeds.recent`: the newest events of a feed, newest first, each with the time at which it was stored. A page polls it
 * every few seconds, so the answer is small. Consumers of events use `feeds.list`.
 */
import type { KnownContext } from '#server/api/context.ts'
import { procedure } from '#server/api/procedure/trpc.ts'
import * as feedEvents from '#server/store/feeds/feed-events.ts'
import { FeedEvent } from '#shared/feeds/event.ts'
import { type RecentEvent, RecentEvents, RecentEventsInput } from '#shared/feeds/recent.ts'
import { feedOf } from './read-feed.ts'

/** The size of one answer, not counting its first event. */
const MAX_BYTES = 256 << 10

/** The procedure; `feeds.ts` adds it to its router. */
export const recentEventsProcedure = procedure('feeds.read')
  .input(RecentEventsInput)
  .output(RecentEvents)
  .query(async ({ ctx, input }) => ({ items: await recent(ctx, input) }))

async function recent(ctx: KnownContext, { id, limit }: RecentEventsInput): Promise<RecentEvent[]> {
  const row = await feedOf(ctx, id)
  const asked = { datasourceId: row.id, limit, maxBytes: MAX_BYTES }
  const events = await feedEvents.newest(ctx.db, row.org_id, asked)
  return events.map(({ position, event_id, event, stored_at }) => {
    const { model, entityId, type, occurredAt } = FeedEvent.parse(JSON.parse(event))
    return {
      id: event_id,
      position: String(position),
      ...{ model, entityId, type },
      occurredAtMs: occurredAt ?? null,
      storedAtMs: stored_at.getTime(),
      text: event,
    }
  })
}
