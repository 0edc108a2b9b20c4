/**
 * Waits for the worker: woken by `news`, with a poll behind it, up to a deadline. The work goes on when the wait ends.
 */
import type { WebParts } from './context.ts'

const POLL_MS = 1_000

/**
 * Asks `look` now, at every wake and once a second until it answers something, and returns that; undefined when
 * `waitMs` are over first. What `look` throws is thrown.
 */
export async function awaited<T>(
  parts: Pick<WebParts, 'signals'>,
  waitMs: number,
  look: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const deadline = performance.now() + waitMs
  for (;;) {
    const woken = wake(parts, () => Math.min(POLL_MS, deadline - performance.now()))
    try {
      const answer = await look()
      if (answer !== undefined || performance.now() >= deadline) return answer
      await woken.done
    } finally {
      woken.cancel()
    }
  }
}

/** Listens before the look, so that news between the look and the wait is not missed. */
function wake(parts: Pick<WebParts, 'signals'>, withinMs: () => number): { done: Promise<void>; cancel: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, Math.max(0, withinMs()))
  const off = parts.signals.on('news', resolve)
  return {
    done: promise,
    cancel() {
      clearTimeout(timer)
      off()
    },
  }
}
