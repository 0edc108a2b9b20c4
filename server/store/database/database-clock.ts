/**
 * The database's time as this process knows it: the offset to the process's own monotonic clock, measured periodically.
 * Many processes write and compare the times that decide (due, locked until, expiry, retention), and their own clocks
 * differ and are adjusted while they run.
 */
import { sql } from 'kysely'
import { withDeadline } from '#server/store/connection/statement.ts'
import type { Db } from '#server/store/tables/tables.ts'

const MEASURE_MS = 60_000
const LOOK_MS = 5_000
const STATEMENT_MS = 2_000
/** The shortest of several round trips is the most accurate: the error is at most half of it. */
const ROUND_TRIPS = 3
/**
 * The jump of the wall clock against the monotonic one that means that the clock was set or the machine was suspended.
 */
const JUMP_MS = 1_000

/** The difference between a process's wall clock and the database's, and the rest of the measurement. */
export interface Measured {
  /** Positive if the wall clock of this process is ahead. */
  readonly skewMs: number
}

interface Sample {
  readonly offsetMs: number
  readonly roundTripMs: number
}

/** A clock that follows the database's clock. */
export class DatabaseClock {
  readonly #db: Db
  #offsetMs: number | null = null
  #lastMs = 0
  #measuredAtMs = 0
  #wallOffsetMs = wallOffset()
  #timer: NodeJS.Timeout | undefined
  #measuring: Promise<void> | null = null

  constructor(db: Db) {
    this.#db = db
  }

  /**
   * The current time; before the first measurement, that of this process. It runs backwards only if the database's
   * clock did.
   */
  now(): Date {
    const nowMs = Math.floor(performance.now() + (this.#offsetMs ?? this.#wallOffsetMs))
    // Holds the last time while the clock is slightly behind it after a new measurement; a larger step back is followed.
    if (nowMs >= this.#lastMs || nowMs < this.#lastMs - JUMP_MS) this.#lastMs = nowMs
    return new Date(this.#lastMs)
  }

  /** Measures the offset. Throws if the database does not answer; the clock then keeps its last offset. */
  async measure(): Promise<Measured> {
    const samples: Sample[] = []
    for (let at = 0; at < ROUND_TRIPS; at += 1) samples.push(await withDeadline(STATEMENT_MS, () => sample(this.#db)))
    const best = samples.reduce((one, other) => (other.roundTripMs < one.roundTripMs ? other : one))
    this.#offsetMs = best.offsetMs
    this.#measuredAtMs = performance.now()
    this.#wallOffsetMs = wallOffset()
    return { skewMs: Math.round(this.#wallOffsetMs - best.offsetMs) }
  }

  /**
   * Starts measuring every minute, and soon after a jump of the wall clock, which also reveals that the machine was
   * suspended.
   */
  start(handlers: { onMeasured(measured: Measured): void; onError(cause: unknown): void }): void {
    this.#timer = setInterval(() => {
      const isDue = performance.now() - this.#measuredAtMs >= MEASURE_MS
      if (!isDue && Math.abs(wallOffset() - this.#wallOffsetMs) < JUMP_MS) return
      this.#measuring ??= this.measure()
        .then(handlers.onMeasured, handlers.onError)
        .finally(() => {
          this.#measuring = null
        })
    }, LOOK_MS)
  }

  /** Stops measuring. The clock keeps running. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#measuring
  }
}

async function sample(db: Db): Promise<Sample> {
  const askedAtMs = performance.now()
  const { rows } = await sql<{ ms: number }>`
    select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms
  `.execute(db)
  const answeredAtMs = performance.now()
  const [row] = rows
  if (row === undefined) throw new Error('the database did not say what time it is')
  return { offsetMs: row.ms - (askedAtMs + answeredAtMs) / 2, roundTripMs: answeredAtMs - askedAtMs }
}

/** The difference between the wall clock and the monotonic clock. */
function wallOffset(): number {
  return Date.now() - performance.now()
}
