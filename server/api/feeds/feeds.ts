/**
 * The procedures of feeds: read an endpoint's events, follow them, bring some.
 * An event is the customer's text, passed on as it came.
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
  /** Events behind a position, in the order in which the endpoint gave them. */
  list: procedure('feeds.read')
    .input(FeedListInput)
    .output(FeedItems)
    .query(async ({ ctx, input }) => {
      const row = await feedOf(ctx, input.id)
      const asked = { after: Number(input.after ?? '0'), limit: input.limit, maxBytes: MAX_PAGE_BYTES }
      return readChangePage(ctx.deps.db, { org: row.org_id, datasourceId: row.id, ...asked })
    }),

  /** The newest events, for a person who looks at how it goes. */
  recent: recentEventsProcedure,

  /** The events behind a position, and those to come as they are stored. */
  watch: watchFeedProcedure,

  /** Stores events that are brought; signed on top, only if the signature fits. */
  push: procedure('feeds.write')
    .input(PushInput)
    .output(PushAnswer)
    .mutation(({ ctx, input }) => push(ctx, input)),
})
