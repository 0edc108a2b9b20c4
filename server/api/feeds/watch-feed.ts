/**
 * `feeds.watch`: the events of a feed as they are stored, each once and in order. The id of an event is its position,
 * so a subscriber that reconnects with its last id continues after it.
 */
import { tracked } from '@trpc/server'
import type { KnownContext } from '#server/api/context.ts'
import { recheckLater } from '#server/api/procedure/recheck.ts'
import { failureOf, procedure } from '#server/api/procedure/trpc.ts'
import { Fault } from '#shared/faults/fault.ts'
import { type FeedItem, FeedWatchInput } from '#shared/feeds/feed.ts'
import { feedOf } from './read-feed.ts'

const IDLE_MS = 15_000

/** The procedure; `feeds.ts` adds it to its router. */
export const watchFeedProcedure = procedure('feeds.read')
  .input(FeedWatchInput)
  .subscription(async ({ ctx, input, signal, path }) => {
    const place = ctx.deps.streams.take(ctx.principal)
    try {
      const { id: datasourceId } = await feedOf(ctx, input.id)
      const ended = AbortSignal.any([ctx.deps.changeFeed.ended, ...(signal === undefined ? [] : [signal])])
      const from = Number(input.lastEventId ?? input.after ?? '0')
      // A stream that is closed before its first event was requested releases its slot, too.
      const leave = () => place[Symbol.dispose]()
      if (ended.aborted) leave()
      ended.addEventListener('abort', leave, { once: true })
      return events(ctx, { input, datasourceId, from, ended, path, leave })
    } catch (thrown) {
      place[Symbol.dispose]()
      throw thrown
    }
  })

interface Watched {
  readonly input: FeedWatchInput
  readonly datasourceId: string
  readonly from: number
  readonly ended: AbortSignal
  readonly path: string
  readonly leave: () => void
}

async function* events(ctx: KnownContext, stream: Watched) {
  try {
    for await (const item of stored(ctx, stream)) yield tracked(item.position, item)
    // Aborted rather than ended: the caller reconnects, to a process that keeps running.
    if (ctx.deps.changeFeed.ended.aborted) throw new DOMException('the process is stopping', 'AbortError')
  } catch (thrown) {
    if (thrown instanceof DOMException && thrown.name === 'AbortError') throw thrown
    throw await failureOf(ctx, { path: stream.path, input: stream.input }, thrown)
  } finally {
    stream.leave()
  }
}

/** The stored events, then new ones. Ends with the request, the process, the credential, or the datasource. */
async function* stored(ctx: KnownContext, { input, datasourceId, ended, from }: Watched): AsyncGenerator<FeedItem> {
  const { feedHeads } = ctx.deps
  const org = ctx.principal.organizationId
  const watched: { head: number; wake: () => unknown } = { head: 0, wake: () => undefined }
  const stop = feedHeads.watch({ organizationId: org, datasourceId }, head => {
    if (head === watched.head) return
    watched.head = head
    watched.wake()
  })
  const credential = recheckLater(ctx)
  try {
    let position = from
    while (!ended.aborted) {
      if (credential.isDue()) await recheck(ctx, input, credential.check)
      const { head } = watched
      const page = await feedHeads.pages.of({ org, datasourceId, after: position, head, limit: input.limit })
      for (const item of page.items) {
        position = Number(item.position)
        yield item
      }
      // Events stored since the reading began have moved the head.
      if (page.nextCursor === null && head === watched.head) await woken(watched, ended)
    }
  } finally {
    stop()
  }
}

/**
 * Verifies that the caller may still read the feed, and that it still exists. While our own database is unavailable, no
 * events are delivered either.
 */
async function recheck(ctx: KnownContext, input: FeedWatchInput, check: () => Promise<void>): Promise<void> {
  try {
    await check()
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
  const timer = setTimeout(wake, IDLE_MS)
  watched.wake = wake
  ended.addEventListener('abort', wake, { once: true })
  return promise.finally(() => {
    clearTimeout(timer)
    ended.removeEventListener('abort', wake)
  })
}
