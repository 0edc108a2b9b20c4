/**
 * `feeds.watch`: the events of a feed as they are stored, each once and in order. The id of an event is its position, so a
 * subscriber who comes back with the last one he saw goes on behind it.
 */
import { tracked } from '@trpc/server'
import { Fault } from '#shared/fault.ts'
import { type FeedItem, FeedWatchInput } from '#shared/feed.ts'
import type { KnownContext } from './context.ts'
import { feedOf, pageOf } from './read-feed.ts'
import { failureOf, procedure } from './trpc.ts'

const RECHECK_MS = 15_000

/** The procedure; `feeds.ts` puts it into its router. */
export const watchFeedProcedure = procedure('feeds.read')
  .input(FeedWatchInput)
  .subscription(async function* ({ ctx, input, signal, path }) {
    try {
      const ended = AbortSignal.any([ctx.parts.changeFeed.ended, ...(signal === undefined ? [] : [signal])])
      const from = Number(input.lastEventId ?? input.after ?? '0')
      for await (const item of stored(ctx, { input, from, ended })) yield tracked(item.position, item)
      // Broken off rather than ended: the caller comes back, to a process that goes on.
      if (ctx.parts.changeFeed.ended.aborted) throw new DOMException('the process is stopping', 'AbortError')
    } catch (thrown) {
      if (thrown instanceof DOMException && thrown.name === 'AbortError') throw thrown
      throw await failureOf(ctx, path, thrown)
    }
  })

interface Watched {
  readonly input: FeedWatchInput
  readonly from: number
  readonly ended: AbortSignal
}

/** What is there, then what comes. Ends with the request, the process, the credential, or the datasource. */
async function* stored(ctx: KnownContext, { input, from, ended }: Watched): AsyncGenerator<FeedItem> {
  const row = await feedOf(ctx, input.id)
  const watched: { head: number; wake: () => unknown } = { head: 0, wake: () => undefined }
  const stop = ctx.parts.feedHeads.watch(row.id, head => {
    if (head === watched.head) return
    watched.head = head
    watched.wake()
  })
  try {
    let [position, checkedAt] = [from, performance.now()]
    while (!ended.aborted) {
      if (performance.now() - checkedAt > RECHECK_MS) {
        await recheck(ctx, input)
        checkedAt = performance.now()
      }
      const { head } = watched
      const page = await pageOf(ctx, row.id, { after: position, limit: input.limit })
      for (const item of page.items) {
        position = Number(item.position)
        yield item
      }
      // What was stored since the look began has moved the head.
      if (page.nextCursor === null && head === watched.head) await woken(watched, ended)
    }
  } finally {
    stop()
  }
}

/** Whether the caller may still read it, and it is still there. While our database is away nothing is told either. */
async function recheck(ctx: KnownContext, input: FeedWatchInput): Promise<void> {
  try {
    await ctx.recheck()
    await feedOf(ctx, input.id)
  } catch (thrown) {
    if (thrown instanceof Fault) throw thrown
  }
}

/** Resolves when the head has moved, after a while, or at the end. */
function woken(watched: { wake: () => unknown }, ended: AbortSignal): Promise<void> {
  if (ended.aborted) return Promise.resolve()
  const { promise, resolve } = Promise.withResolvers<void>()
  const wake = () => resolve()
  const timer = setTimeout(wake, RECHECK_MS)
  watched.wake = wake
  ended.addEventListener('abort', wake, { once: true })
  return promise.finally(() => {
    clearTimeout(timer)
    ended.removeEventListener('abort', wake)
  })
}
