/**
 * Counts calls in time windows: in memory for one process, in our own PostgreSQL for several.
 * `server/api/caller/limits.ts` decides on the basis of the counts.
 */
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { SettledCounts } from './settled-counts.ts'

/** The points that a key may take in one window. `name` separates the keys of different rules. */
export interface CounterRule {
  readonly name: string
  readonly points: number
  readonly windowSeconds: number
}

/** The state of a key's window after a charge. */
export interface Count {
  readonly isOver: boolean
  readonly points: number
  readonly windowSeconds: number
  readonly remaining: number
  /** The time until the window ends and all points are available again, in milliseconds. */
  readonly resetMs: number
}

/** Counts by one rule. */
export interface Counter {
  /** Takes points for a key. Never throws: while the database is unavailable, this process counts on its own. */
  take(key: string, points: number): Promise<Count>
}

/**
 * A counter over `shared`, the counts that several processes share, or in memory if it is null. Calls `onOver` for each
 * refusal.
 */
export function createCounter(rule: CounterRule, shared: SettledCounts | null, onOver: () => void): Counter {
  const inMemory = memoryCounter(rule, onOver)
  if (shared === null) return inMemory
  const { name, points: limit, windowSeconds } = rule
  const window = { limit, windowMs: windowSeconds * 1000 }
  return {
    async take(key, points) {
      const tally = await shared.take(`${name}:${key}`, points, window).catch(() => null)
      if (tally === null) return inMemory.take(key, points)
      const { used, resetMs } = tally
      const isOver = used > limit
      if (isOver) onOver()
      return { isOver, points: limit, windowSeconds, remaining: Math.max(0, limit - used), resetMs }
    },
  }
}

function memoryCounter(rule: CounterRule, onOver: () => void): Counter {
  const { name: keyPrefix, points: limit, windowSeconds } = rule
  const memory = new RateLimiterMemory({ keyPrefix, points: limit, duration: windowSeconds })
  return {
    async take(key, points) {
      let isOver = false
      const count = await memory.consume(key, points).catch((refused: unknown) => {
        isOver = true
        return countOf(refused)
      })
      if (isOver) onOver()
      const { remainingPoints: remaining, msBeforeNext: resetMs } = count
      return { isOver, points: limit, windowSeconds, remaining, resetMs: Math.max(0, resetMs) }
    },
  }
}

/** The library rejects with a count if a key exceeds its limit. */
function countOf(refused: unknown): RateLimiterRes {
  if (refused instanceof RateLimiterRes) return refused
  throw refused
}
