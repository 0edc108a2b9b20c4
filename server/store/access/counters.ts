/**
 * Counts calls within windows of time: in memory for one process, in our own PostgreSQL for several. `server/api/caller/limits.ts`
 * decides by the counts.
 */
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { SettledCounts } from './settled-counts.ts'

/** How many points one key may take within a window. `name` keeps the keys of several rules apart. */
export interface CounterRule {
  readonly name: string
  readonly points: number
  readonly windowSeconds: number
}

/** The state of a key's window after it was charged. */
export interface Count {
  readonly isOver: boolean
  readonly points: number
  readonly windowSeconds: number
  readonly remaining: number
  /** Until the window ends and all points are there again. */
  readonly resetMs: number
}

/** Counts by one rule. */
export interface Counter {
  /** Takes points for a key. Never throws: while the database cannot count, this process does so for itself. */
  take(key: string, points: number): Promise<Count>
}

/** A counter in memory, or of the counts that several processes share where they are given. `onOver` is called for each refusal. */
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

/** The library rejects with a count when a key is over. */
function countOf(refused: unknown): RateLimiterRes {
  if (refused instanceof RateLimiterRes) return refused
  throw refused
}
