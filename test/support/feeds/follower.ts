/**
 * A minimal follower of a feed: the poll's decisions around the signed request, with a map for the store. The decisions
 * and the stranger are under test, not this code.
 */
import { afterPage, FEED_PACE, nextPoll, type PollEnd, type Stop } from '#server/domain/feeds/feed.ts'
import { eventsRequest, type FeedPage, type FoundEvent, parseFeedPage } from '#server/domain/feeds/feed-page.ts'
import type { Stranger } from './stranger.ts'

/** The state between polls. */
export interface Follower {
  /** Each event once, in the order in which they were stored. */
  readonly stored: Map<string, FoundEvent>
  cursor: string | null
  retryCount: number
  intervalMs: number
  /** Polls once and returns how it ended and how long to wait. */
  poll(): Promise<{ end: PollEnd; drained: boolean; delayMs: number }>
}

/** Follows a stranger's feed from its beginning. */
export function createFollower(stranger: Stranger, maxPages = FEED_PACE.maxPages): Follower {
  const pace = { ...FEED_PACE, maxPages }
  const follower: Follower = {
    stored: new Map(),
    cursor: null,
    retryCount: 0,
    intervalMs: pace.fastMs,
    poll: async () => {
      const { end, drained } = await pollOnce(follower, stranger, maxPages)
      follower.retryCount = end.failed ? end.retryCount : 0
      const next = nextPoll(end, follower.intervalMs, { pace, chance: 0.5 })
      follower.intervalMs = next.intervalMs
      return { end, drained, delayMs: next.delayMs }
    },
  }
  return follower
}

async function pollOnce(follower: Follower, stranger: Stranger, maxPages: number) {
  const sent: (string | null)[] = []
  let newEvents = 0
  for (;;) {
    sent.push(follower.cursor)
    const { body, retryAfterSeconds } = await stranger.ask({ body: eventsRequest(follower.cursor, 2) })
    const page = body === null ? null : parseFeedPage(body)
    if (page === null) {
      const end: PollEnd = { failed: true, retryCount: follower.retryCount + 1, retryAfterSeconds }
      return { end, drained: false }
    }
    newEvents += store(follower, page)
    const step = afterPage({ sent, maxPages }, page)
    follower.cursor = step.cursor
    if (step.stop !== null) return { end: ended(newEvents, step.stop), drained: step.drained }
  }
}

function ended(newEvents: number, stop: Stop): PollEnd {
  return { failed: false, newEvents, stop }
}

function store(follower: Follower, page: FeedPage): number {
  const fresh = page.events.filter(event => !follower.stored.has(event.id))
  for (const event of fresh) follower.stored.set(event.id, event)
  return fresh.length
}
