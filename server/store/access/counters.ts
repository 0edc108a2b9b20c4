/**
 * Counts calls within windows of time: in memory for one process, in our own PostgreSQL for several. What follows from a
 * count is decided in `server/api/caller/limits.ts`. The library goes by the clock of this process and takes no other: times that go into
 * rows and come out of them, which other processes compare, are moved to the database's.
 */
import { CompiledQuery } from 'kysely'
import { RateLimiterMemory, RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible'
import type { Db } from '#server/store/tables/tables.ts'

/** How many points one key may take within a window. `name` keeps the keys of several rules apart. */
export interface Rule {
  readonly name: string
  readonly points: number
  readonly windowSeconds: number
}

/** Where a key stands after it took some. */
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

/** A counter in memory, or in `db` where it is given, by `clock`. */
export function createCounter(rule: Rule, at: { db: Db; clock: () => Date } | null): Counter {
  const options = { keyPrefix: rule.name, points: rule.points, duration: rule.windowSeconds }
  const memory = new RateLimiterMemory(options)
  const limiter = at === null ? memory : shared(options, { ...at, memory })
  return {
    async take(key, points) {
      const result = await limiter.consume(key, points).then(
        taken => ({ taken, isOver: false }),
        (refused: unknown) => ({ taken: countOf(refused), isOver: true }),
      )
      const { remainingPoints: remaining, msBeforeNext: resetMs } = result.taken
      const { points: limit, windowSeconds } = rule
      return { isOver: result.isOver, points: limit, windowSeconds, remaining, resetMs: Math.max(0, resetMs) }
    },
  }
}

/** A key that is over is remembered here until its window ends, so that hammering does not reach the database. */
function shared(
  options: { keyPrefix: string; points: number; duration: number },
  at: { db: Db; clock: () => Date; memory: RateLimiterMemory },
): RateLimiterPostgres {
  const query = async ({ text, values }: { text: string; values: unknown[] }) => {
    const aheadMs = Date.now() - at.clock().getTime()
    const moved = values.map(value => (isTime(value) ? Math.round(value - aheadMs) : value))
    const { rows } = await at.db.executeQuery<{ expire?: unknown }>(CompiledQuery.raw(text, moved))
    return { rows: rows.map(row => withExpire(row, aheadMs)), rowCount: rows.length }
  }
  return new RateLimiterPostgres({
    ...options,
    storeClient: { query },
    storeType: 'pool',
    tableName: 'rate_limits',
    tableCreated: true,
    inMemoryBlockOnConsumed: options.points + 1,
    insuranceLimiter: at.memory,
  })
}

const YEAR_2001_MS = 1_000_000_000_000

/** Of what the library binds, points are far below, and keys are texts. */
function isTime(value: unknown): value is number {
  return typeof value === 'number' && value > YEAR_2001_MS
}

function withExpire(row: { expire?: unknown }, aheadMs: number): object {
  return isTime(row.expire) ? { ...row, expire: row.expire + aheadMs } : row
}

/** The library rejects with a count when a key is over, and with an error only where it has no insurance. */
function countOf(refused: unknown): RateLimiterRes {
  if (refused instanceof RateLimiterRes) return refused
  throw refused
}
