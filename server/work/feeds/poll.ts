/**
 * Polls an endpoint's feed, page after page, until it is drained or the time budget is used up. A page's events and its
 * cursor are committed together, and only while the claim is still held: wherever a process dies, the next poll resumes
 * from a cursor whose events are stored.
 */

import { afterPage, lastError, nextPoll, type Stop } from '#server/domain/feeds/feed.ts'
import type { FeedPage } from '#server/domain/feeds/feed-page.ts'
import { backoffMs, UNREACHABLE } from '#server/domain/network/backoff.ts'
import * as sealed from '#server/store/credentials/sealed.ts'
import { transaction } from '#server/store/database/db.ts'
import * as feedEvents from '#server/store/feeds/feed-events.ts'
import * as feeds from '#server/store/feeds/feeds.ts'
import * as claims from '#server/store/tasks/claims.ts'
import { aboutTask } from '#server/work/about-task.ts'
import { requestUnsigned } from '#server/work/credentials/await-check.ts'
import { endpointKeys, signingKeysOf } from '#server/work/credentials/endpoint-keys.ts'
import { isUsable } from '#server/work/credentials/standing.ts'
import { asWorker, type WorkerDeps } from '#server/work/deps.ts'
import { logRefused } from '#server/work/refused-task.ts'
import type { Failure } from '#shared/faults/failure.ts'
import { askEndpoint, type EndpointAttempt } from './ask-endpoint.ts'

/** The claim's extension from one page to the next: longer than a request and its wait for a process. */
const HOLD_MS = 60_000
/** The total time of a poll, so that one slow feed does not starve the others. */
const POLL_MS = 20_000
const BUSY_MS = 1_000

const UNREADABLE = 'The stored signing key cannot be opened. Register the endpoint again.'

/** A poll in progress. */
interface Poll {
  readonly claim: claims.Claim
  readonly url: string
  readonly keys: readonly string[]
  readonly feed: feeds.PolledFeed
  readonly startedAt: number
  /** The cursors of its requests. */
  readonly sent: (string | null)[]
  cursor: string | null
  newEvents: number
}

/** Performs a `poll` task. */
export async function handlePoll(deps: WorkerDeps, claim: claims.ClaimOf<'poll'>): Promise<void> {
  const { organizationId: org, datasourceId } = claim
  const row = await sealed.datasource(deps.db, org, datasourceId)
  const feed = await feeds.find(deps.db, org, datasourceId)
  // A feed that is not in use is not polled; the check that passes makes the next poll due.
  if (row === undefined || feed === undefined) return settleIdle(deps, claim)
  if (!isUsable(deps, row)) {
    await requestUnsigned(deps, row)
    return settleIdle(deps, claim)
  }
  const opened = endpointKeys(deps, row)
  if (opened === null || opened.current === null) return settleUnreadable(deps, claim, datasourceId)
  const { url } = opened
  const startedAt = performance.now()
  await follow(deps, {
    claim,
    url,
    keys: signingKeysOf(opened),
    feed,
    startedAt,
    sent: [],
    cursor: feed.cursor,
    newEvents: 0,
  })
  deps.notifications.ring('news', claim.organizationId)
}

async function follow(deps: WorkerDeps, poll: Poll): Promise<void> {
  for (;;) {
    poll.sent.push(poll.cursor)
    const question = { ...poll, messageId: messageId(poll), limit: deps.feeds.pace.pageLimit }
    const asked = await deps.feeds.dials.take(() => askEndpoint(deps, question))
    const { page, failure } = asked.answer
    if (page === null) return fail(deps, poll, { asked, failure: failure ?? { code: 'endpoint_answer' } })
    if (!(await savePage(deps, poll, { asked, page }))) return
  }
}

/** Identical for a repeated request, whichever worker sends it: only a stored page leads to a new id. */
function messageId({ feed, sent }: Poll): string {
  return `msg_${feed.datasource_id.replaceAll('-', '')}_${feed.pages + sent.length - 1}`
}

/**
 * Stores a page and moves the cursor; settles the task with the last page. True if there is another page to request.
 */
async function savePage(
  deps: WorkerDeps,
  poll: Poll,
  { page, asked }: { asked: EndpointAttempt; page: FeedPage },
): Promise<boolean> {
  const { claim, feed } = poll
  const step = afterPage({ sent: poll.sent, maxPages: deps.feeds.pace.maxPages }, page)
  const isLate = performance.now() - poll.startedAt > POLL_MS
  const stop = step.stop ?? (isLate ? 'budget' : null)
  const now = deps.clock()
  const kept = await feedEvents.store(deps.db, claim.organizationId, {
    datasourceId: feed.datasource_id,
    events: page.events,
    now,
    isVouched: true,
    page: {
      claim,
      cursor: step.cursor,
      drained: step.drained,
      requestedAt: asked.requestedAt ?? now,
      next: stop === null ? { holdUntil: new Date(now.getTime() + HOLD_MS) } : nextTimes(deps, poll, { stop, now }),
    },
  })
  // A worker that lost its claim must not continue after the one that has it now.
  if (kept === null) return false
  poll.newEvents += kept
  poll.cursor = step.cursor
  if (kept > 0) deps.notifications.ring('events')
  countPage(deps, { page, kept, now })
  if (stop !== null) logEnd(deps, poll, stop)
  return stop === null
}

/** Event times are the customer's own: one in the future does not count. */
function countPage({ meter }: WorkerDeps, { page, kept, now }: { page: FeedPage; kept: number; now: Date }): void {
  meter.count('mooring_feed_polls_total', { result: 'ok' })
  if (kept === 0) return
  meter.add('mooring_feed_events_total', { way: 'poll' }, kept)
  const newestMs = Math.max(...page.events.map(({ occurredAtMs }) => occurredAtMs ?? Number.NEGATIVE_INFINITY))
  if (Number.isFinite(newestMs))
    meter.observe('mooring_feed_lag_seconds', {}, Math.max(0, now.getTime() - newestMs) / 1000)
}

/** The times of the next poll, with and without new events on the last page; the store decides which applies. */
function nextTimes(deps: WorkerDeps, { feed, newEvents }: Poll, at: { stop: Stop; now: Date }) {
  const time = (newOnPage: number): feedEvents.NextTime => {
    const end = { failed: false, newEvents: newEvents + newOnPage, stop: at.stop } as const
    const { delayMs, intervalMs } = nextPoll(end, feed.interval_ms, dice(deps))
    return { dueAt: new Date(at.now.getTime() + delayMs), intervalMs }
  }
  return { withNew: time(1), without: time(0) }
}

async function fail(
  deps: WorkerDeps,
  poll: Poll,
  { asked, failure }: { asked: EndpointAttempt; failure: Failure },
): Promise<void> {
  const { claim, feed } = poll
  const { answer, requestedAt } = asked
  const now = deps.clock()
  deps.meter.count('mooring_feed_polls_total', { result: failure.code })
  // A request that was never sent is not a failure of the endpoint.
  if (requestedAt === null) return settleLater(deps, claim, new Date(now.getTime() + BUSY_MS * (1 + deps.random())))
  // An earlier page of this poll succeeded.
  const retryCount = poll.sent.length > 1 ? 1 : feed.retry_count + 1
  const end = { failed: true, retryCount, retryAfterSeconds: answer.retryAfterSeconds } as const
  const { delayMs } = nextPoll(end, feed.interval_ms, dice(deps))
  await asWorker(deps, claim.organizationId, async unit => {
    if (
      !(await claims.settle(unit.tx, claim, {
        dueAt: new Date(unit.now.getTime() + delayMs),
        now: unit.now,
        failed: true,
      }))
    )
      return
    const error = lastError(failure, answer.status)
    await feeds.recordFailure(unit, { datasourceId: feed.datasource_id, requestedAt, error })
  })
  const about = { ...aboutTask(claim), stage: 'poll' }
  deps.log.info({ ...about, failure: failure.code, status: answer.status, retryCount, delayMs }, 'poll failed')
}

function dice(deps: WorkerDeps) {
  return { pace: deps.feeds.pace, chance: deps.random() }
}

function logEnd(deps: WorkerDeps, { claim, newEvents, sent }: Poll, stop: Stop): void {
  const { organizationId, datasourceId } = claim
  deps.log.debug({ organizationId, datasourceId, newEvents, pages: sent.length, stop }, 'polled')
}

async function settleIdle(deps: WorkerDeps, claim: claims.Claim): Promise<void> {
  await transaction(deps.db, tx => claims.settle(tx, claim, { dueAt: null, now: deps.clock(), failed: false }))
  deps.notifications.ring('news', claim.organizationId)
}

async function settleLater(deps: WorkerDeps, claim: claims.Claim, dueAt: Date): Promise<void> {
  await transaction(deps.db, tx => claims.settle(tx, claim, { dueAt, now: deps.clock(), failed: false }))
}

async function settleUnreadable(deps: WorkerDeps, claim: claims.Claim, datasourceId: string): Promise<void> {
  const now = deps.clock()
  const dueAt = new Date(now.getTime() + backoffMs(claim.attempts, UNREACHABLE, deps.random()))
  await asWorker(deps, claim.organizationId, async unit => {
    if (!(await claims.settle(unit.tx, claim, { dueAt, now: unit.now, failed: true }))) return
    await feeds.noteError(unit, { datasourceId, error: UNREADABLE })
  })
  logRefused(deps, claim, { fault: 'credential_unreadable' })
  deps.notifications.ring('news', claim.organizationId)
}
