/**
 * The procedures of feeds: read an endpoint's events, follow them, push some. An event is the customer's text, passed
 * on unchanged.
 */

import { MAX_PAGE_BYTES, readChangePage } from '#server/api/changes/feed-page.ts'
import { procedure, router } from '#server/api/procedure/trpc.ts'
import { FeedItems, FeedListInput, PushAnswer, PushInput } from '#shared/feeds/feed.ts'
import { push } from './push.ts'
import { feedOf } from './read-feed.ts'
import { recentEventsProcedure } from './recent-events.ts'
import { watchFeedProcedure } from './watch-feed.ts'

/** The router of `feeds`. */
export const feedsRouter = router({
  /** Events after a position, in the order in which the endpoint sent them. */
  list: procedure('feeds.read')
    .input(FeedListInput)
    .output(FeedItems)
    .query(async ({ ctx, input }) => {
      const row = await feedOf(ctx, input.id)
      const asked = { after: Number(input.after ?? '0'), limit: input.limit, maxBytes: MAX_PAGE_BYTES }
      return readChangePage(ctx.db, { org: row.org_id, datasourceId: row.id, ...asked })
    }),

  /** The newest events, for a person who monitors the feed. */
  recent: recentEventsProcedure,

  /** The events after a position, and future ones as they are stored. */
  watch: watchFeedProcedure,

  /** Stores pushed events; if they are also signed, only with a valid signature. */
  push: procedure('feeds.write')
    .input(PushInput)
    .output(PushAnswer)
    .mutation(({ ctx, input }) => push(ctx, input)),
})
