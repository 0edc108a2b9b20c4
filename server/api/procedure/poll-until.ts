/**
 * Waits for the worker: woken by `news` and by polling, up to a deadline.
 * The work continues when the wait ends.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { WebDeps } from '#server/api/context.ts'
import type { Principal } from '#server/domain/access/scope.ts'

const POLL_MS = 1_000

/**
 * The pause between two looks of one caller, per waiting caller of its organization: every notification is someone's
 * news, and five hundred callers who look after each one would leave our own database no time for anyone else.
 */
const PACE_MS = 2

/** A wait: the caller and the condition. It occupies a slot of the waiters. */
export interface PollOptions {
  readonly deps: Pick<WebDeps, 'notifications' | 'waiters'>
  readonly principal: Pick<Principal, 'organizationId'>
}

/**
 * Calls `look` now, at every notification that may concern the caller's organization and once a second until it returns
 * something, and returns that; undefined if `waitMs` have passed. Errors of `look` are rethrown.
 */
export async function pollUntil<T>(
  { deps: parts, principal }: PollOptions,
  waitMs: number,
  look: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const deadline = performance.now() + waitMs
  for (;;) {
    const lookedAt = performance.now()
    const woken = wake({ ...parts, ...principal }, () => Math.min(POLL_MS, deadline - performance.now()))
    try {
      const answer = await look()
      if (answer !== undefined || performance.now() >= deadline) return answer
      await woken.done
    } finally {
      woken.cancel()
    }
    const crowd = parts.waiters.of(principal.organizationId)
    const paceMs = Math.min(lookedAt + PACE_MS * crowd, deadline) - performance.now()
    if (crowd > 1 && paceMs > 0) await delay(paceMs)
  }
}

/** Listens before the look, so that news between the look and the wait is not missed. */
function wake(
  { notifications, organizationId }: Pick<WebDeps, 'notifications'> & PollOptions['principal'],
  withinMs: () => number,
): { done: Promise<void>; cancel: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, Math.max(0, withinMs()))
  const off = notifications.on('news', concerned => {
    if (concerned === null || concerned.includes(organizationId)) resolve()
  })
  return {
    done: promise,
    cancel() {
      clearTimeout(timer)
      off()
    },
  }
}
