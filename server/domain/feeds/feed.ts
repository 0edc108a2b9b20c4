/**
 * Decisions for polling a feed: when to poll again, when to stop paging, and how far behind the feed is. Pure: the
 * clock and the random number are arguments.
 *
 * The customer's endpoint sets the pace: fast while events flow, slow when idle, ever slower while it fails, and never
 * sooner than it asked for. Called by the poll in `work`.
 */
import { type Failure, failureSpec } from '#shared/faults/failure.ts'

/** How fast feeds are polled. Times are in milliseconds. */
export interface FeedPace {
  /** Between polls while events flow. */
  readonly fastMs: number
  /** Between polls of a feed that has been idle for long. */
  readonly slowMs: number
  /** The delay before the first retry; it doubles with every further failure. */
  readonly backoffMs: number
  readonly maxBackoffMs: number
  /** The longest `Retry-After` that is honoured. */
  readonly maxRetryAfterMs: number
  /** The maximum number of pages per poll, so that one busy feed does not starve the others. */
  readonly maxPages: number
  /** The suggested `limit`. */
  readonly pageLimit: number
}

/** The default pace. */
export const FEED_PACE: FeedPace = {
  fastMs: 1_000,
  slowMs: 60_000,
  backoffMs: 2_000,
  maxBackoffMs: 900_000,
  maxRetryAfterMs: 3_600_000,
  maxPages: 20,
  pageLimit: 1_000,
}

/** The reason why no further page is requested in this poll. */
export type Stop = 'no_cursor' | 'same_cursor' | 'empty_page' | 'repeated_cursor' | 'budget'

/** The consequences of a page. */
export interface Step {
  /** The cursor to store together with the page's events. */
  readonly cursor: string | null
  /** Null: request the next page at once. */
  readonly stop: Stop | null
  /** True if the feed has nothing more for now. */
  readonly drained: boolean
}

/** The poll so far: `sent` holds the cursor of each request of this poll in order, including the last page's. */
export interface PollSoFar {
  readonly sent: readonly (string | null)[]
  readonly maxPages: number
}

/**
 * Decides what follows a well-formed page. The stored cursor follows `nextCursor` wherever it leads, even for an empty
 * page: it is opaque, so "backwards" cannot be detected, and repeated events are stored once. A cursor already sent in
 * this poll is not followed again, to avoid a loop.
 */
export function afterPage(
  poll: PollSoFar,
  page: { readonly events: readonly unknown[]; readonly nextCursor: string | null },
): Step {
  const current = poll.sent.at(-1) ?? null
  if (page.nextCursor === null) return { cursor: current, stop: 'no_cursor', drained: true }
  if (page.nextCursor === current) return { cursor: current, stop: 'same_cursor', drained: true }
  const cursor = page.nextCursor
  if (page.events.length === 0) return { cursor, stop: 'empty_page', drained: true }
  if (poll.sent.includes(cursor)) return { cursor, stop: 'repeated_cursor', drained: true }
  return poll.sent.length >= poll.maxPages
    ? { cursor, stop: 'budget', drained: false }
    : { cursor, stop: null, drained: false }
}

/** The end of a poll. `newEvents` counts stored events, not received ones: a repeated last page contains none. */
export type PollEnd =
  | { readonly failed: false; readonly newEvents: number; readonly stop: Stop }
  | { readonly failed: true; readonly retryCount: number; readonly retryAfterSeconds: number | null }

/** The time of the next poll. */
export interface NextPoll {
  readonly delayMs: number
  /** The feed's pace, to be stored and passed in again as `intervalMs`; a failure does not change it. */
  readonly intervalMs: number
}

/**
 * Decides when to poll again: at once, after those already waiting, if there are new events and more pages; fast after
 * other new events; otherwise half as slow again each time. `chance` is from 0 up to 1.
 */
export function nextPoll(end: PollEnd, intervalMs: number, at: { pace: FeedPace; chance: number }): NextPoll {
  const { pace, chance } = at
  if (end.failed) return { delayMs: failureDelayMs(end, pace, chance), intervalMs }
  if (end.newEvents > 0) {
    return { delayMs: end.stop === 'budget' ? 0 : spread(pace.fastMs, chance), intervalMs: pace.fastMs }
  }
  const slower = Math.min(pace.slowMs, Math.max(pace.fastMs, intervalMs) * 1.5)
  return { delayMs: spread(slower, chance), intervalMs: Math.round(slower) }
}

/** Varies a delay by a tenth either way, so that feeds registered together do not stay in step. */
function spread(ms: number, chance: number): number {
  return Math.round(ms * (0.9 + 0.2 * chance))
}

/**
 * Exponential backoff, half of it random (so that endpoints behind one broken gateway do not return together), and
 * never sooner than `Retry-After` (RFC 9110 §10.2.3) up to its bound.
 */
function failureDelayMs(
  end: { retryCount: number; retryAfterSeconds: number | null },
  pace: FeedPace,
  chance: number,
): number {
  const doublings = Math.min(30, Math.max(0, end.retryCount - 1))
  const backoffMs = Math.min(pace.maxBackoffMs, pace.backoffMs * 2 ** doublings)
  const askedMs = Math.min(pace.maxRetryAfterMs, Math.max(0, (end.retryAfterSeconds ?? 0) * 1_000))
  return Math.round(Math.max(backoffMs * (0.5 + 0.5 * chance), askedMs * (1 + 0.1 * chance)))
}

/** The inputs of `event_lag`. Times are epoch milliseconds; null if there is none yet. */
export interface LagFacts {
  /** `occurredAt` of the last event in feed order, or the time it was stored if it has none. */
  readonly newestEventAtMs: number | null
  readonly lastSuccessAtMs: number | null
  /** True if the last successful poll drained the feed. */
  readonly drained: boolean
}

/**
 * `event_lag`: the whole seconds by which the newest stored event is older than the last successful poll, 0 if that
 * poll drained the feed. Never negative, whatever a customer's clock says, and within an integer column.
 */
export function eventLag(facts: LagFacts): number {
  if (facts.drained || facts.newestEventAtMs === null || facts.lastSuccessAtMs === null) return 0
  const seconds = Math.floor((facts.lastSuccessAtMs - facts.newestEventAtMs) / 1_000)
  return Math.min(2_147_483_647, Math.max(0, seconds))
}

/**
 * `last_error`: a short sentence in our own words. The only part of the stranger's answer in it is the status number.
 */
export function lastError(failure: Failure, status: number | null): string {
  const answered = status === null || status === 200 ? '' : ` (HTTP ${status})`
  return `The last poll failed: ${failureSpec(failure.code).observed}${answered}.`
}
