/**
 * The decisions of following a feed: when to ask again, when to stop asking, and how far behind it is. Pure: the clock
 * and chance are arguments.
 *
 * The pace belongs to the customer's endpoint: fast while events flow, slow when idle, ever slower while it fails, and
 * never sooner than it asked for. Called by the poll in `work`.
 */
import { type Failure, failureSpec } from '#shared/faults/failure.ts'

/** How fast feeds are followed. Times in milliseconds. */
export interface FeedPace {
  /** Between polls while events flow. */
  readonly fastMs: number
  /** Between polls of a feed that has long been idle. */
  readonly slowMs: number
  /** Before the first retry; it doubles with every further failure. */
  readonly backoffMs: number
  readonly maxBackoffMs: number
  /** The longest `Retry-After` that is honoured. */
  readonly maxRetryAfterMs: number
  /** Pages of one poll, so that one busy feed does not starve the others. */
  readonly maxPages: number
  /** The `limit` that is suggested. */
  readonly pageLimit: number
}

/** The pace where the configuration names no other. */
export const FEED_PACE: FeedPace = {
  fastMs: 1_000,
  slowMs: 60_000,
  backoffMs: 2_000,
  maxBackoffMs: 900_000,
  maxRetryAfterMs: 3_600_000,
  maxPages: 20,
  pageLimit: 1_000,
}

/** Why no further page is asked for in this poll. */
export type Stop = 'no_cursor' | 'same_cursor' | 'empty_page' | 'repeated_cursor' | 'budget'

/** The consequences of a page. */
export interface Step {
  /** The cursor to store together with the page's events. */
  readonly cursor: string | null
  /** Null: ask for the next page at once. */
  readonly stop: Stop | null
  /** True when the feed has nothing more for now. */
  readonly drained: boolean
}

/** The poll so far: `sent` holds the cursor of each request of this poll in order, the last page's included. */
export interface PollSoFar {
  readonly sent: readonly (string | null)[]
  readonly maxPages: number
}

/**
 * Decides after a well-formed page. The cursor follows `nextCursor` wherever that leads, an empty page's included: it is
 * opaque, so that "backwards" cannot be told, and events that come again are stored once. A cursor that was sent in this
 * very poll is not followed round in circles.
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

/** How a poll ended. `newEvents` counts what was stored, not what came: a repeated last page is no news. */
export type PollEnd =
  | { readonly failed: false; readonly newEvents: number; readonly stop: Stop }
  | { readonly failed: true; readonly retryCount: number; readonly retryAfterSeconds: number | null }

/** When to poll next. */
export interface NextPoll {
  readonly delayMs: number
  /** The pace that the feed is at, to be kept and given again as `intervalMs`; a failure does not change it. */
  readonly intervalMs: number
}

/**
 * Decides when to poll again. With new events and pages left it is at once, behind whoever waits already; with new
 * events fast; without any half as slow again each time. `chance` is from 0 up to 1.
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

/** A tenth to either side, so that feeds registered together do not stay in step. */
function spread(ms: number, chance: number): number {
  return Math.round(ms * (0.9 + 0.2 * chance))
}

/**
 * Doubling with half of it random (so that endpoints behind one broken gateway do not return as one), and never sooner
 * than `Retry-After` (RFC 9110 §10.2.3) up to its bound.
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
  /** `occurredAt` of the event stored last in the feed's order, or when it was stored if it has none. */
  readonly newestEventAtMs: number | null
  readonly lastSuccessAtMs: number | null
  /** Whether the last successful poll ended with nothing more waiting. */
  readonly drained: boolean
}

/**
 * `event_lag`: whole seconds by which the newest stored event is older than the last successful poll, 0 when the feed
 * was drained at that poll. Never negative, whatever a customer's clock says, and within an integer column.
 */
export function eventLag(facts: LagFacts): number {
  if (facts.drained || facts.newestEventAtMs === null || facts.lastSuccessAtMs === null) return 0
  const seconds = Math.floor((facts.lastSuccessAtMs - facts.newestEventAtMs) / 1_000)
  return Math.min(2_147_483_647, Math.max(0, seconds))
}

/** `last_error`: a short sentence in our own words. Of the stranger's answer it holds the status number and nothing else. */
export function lastError(failure: Failure, status: number | null): string {
  const answered = status === null || status === 200 ? '' : ` (HTTP ${status})`
  return `The last poll failed: ${failureSpec(failure.code).observed}${answered}.`
}
