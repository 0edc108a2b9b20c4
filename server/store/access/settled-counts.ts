/**
 * Counts that several processes share. Each process counts locally and settles with the table `rate_limits` every 250
 * ms, or when a key has 32 unsettled points: most calls of a busy key then cost no statement, and a key exceeds its
 * limit by at most the unsettled points of each process. The first call of a window, and calls near the limit, are
 * settled before they are answered: small limits are exact.
 *
 * It must never charge an organization for settling everyone's counts. Held by `limits.ts`, which decides what a
 * count means.
 */
import { sql } from 'kysely'
import { forInstallation } from '#server/store/connection/statement.ts'
import type { Db } from '#server/store/tables/tables.ts'

const SETTLE_MS = 250
/**
 * The maximum number of unsettled points of a key in one process; this close to the limit, each call is settled at once.
 */
export const MAX_UNSETTLED = 32
const DEADLINE_MS = 2_000
const PURGE_MS = 300_000
/** The number of rows of ended windows that one statement deletes. */
const PURGED = 10_000

/** The limit of a key, and its window. */
export interface Window {
  readonly limit: number
  readonly windowMs: number
}

/** A key's points, including those just taken, and the end of its window. */
export interface Tally {
  readonly used: number
  readonly resetMs: number
}

interface Counted {
  readonly key: string
  readonly windowMs: number
  /** The points of all processes at the last settlement; null before the first in this window. */
  known: number | null
  endsAtMs: number
  unsettled: number
  /** Points being sent to the table. */
  sending: number
  /** All points that this process took in this window. */
  taken: number
}

/** For each key of one settlement, the points taken by other processes. */
type Bases = ReadonlyMap<Counted, number>

/** The counts of one process. */
export class SettledCounts {
  readonly #db: Db
  readonly #keys = new Map<string, Counted>()
  readonly #unsettled = new Set<Counted>()
  #next: Promise<Bases> | null = null
  #running: Promise<unknown> = Promise.resolve()
  #timer: NodeJS.Timeout | null = null
  #purgedAtMs = performance.now()

  constructor(db: Db) {
    this.#db = db
  }

  /** Takes points for a key. Rejects if they must be settled first and the database does not answer. */
  async take(key: string, points: number, window: Window): Promise<Tally> {
    const counted = this.#of(key, window)
    const { known } = counted
    const used = (known ?? 0) + counted.sending + counted.unsettled + points
    // A key over its limit stays over it until its window ends, so hammering does not reach the database.
    if (known !== null && known > window.limit) return { used, resetMs: leftOf(counted) }
    counted.unsettled += points
    counted.taken += points
    this.#unsettled.add(counted)
    const isKnown = known !== null && counted.sending + counted.unsettled <= MAX_UNSETTLED
    if (isKnown && used <= window.limit - MAX_UNSETTLED) {
      this.#settleSoon()
      return { used, resetMs: leftOf(counted) }
    }
    // Earlier points of this process are in the table already, or join the same settlement, including those of a failed
    // one.
    const place = counted.taken
    const base = (await this.#settle()).get(counted)
    if (base === undefined) throw new Error('the points were not settled')
    return { used: base + place, resetMs: leftOf(counted) }
  }

  #of(key: string, { windowMs }: Window): Counted {
    const found = this.#keys.get(key)
    if (found !== undefined && found.endsAtMs > performance.now()) return found
    // Unsettled counts of the previous window expire with it.
    if (found !== undefined) this.#unsettled.delete(found)
    const fresh = {
      key,
      windowMs,
      known: null,
      endsAtMs: performance.now() + windowMs,
      unsettled: 0,
      sending: 0,
      taken: 0,
    }
    this.#keys.set(key, fresh)
    return fresh
  }

  #settleSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null
      // The points stay unsettled and are sent with the next ones.
      this.#settle().catch(() => undefined)
    }, SETTLE_MS).unref()
  }

  /** The settlement that starts when the current one completes. Points taken until then join it. */
  #settle(): Promise<Bases> {
    this.#next ??= this.#running.then(() => {
      this.#next = null
      const settlement = forInstallation(DEADLINE_MS, () => this.#send())
      this.#running = settlement.catch(() => undefined)
      return settlement
    })
    return this.#next
  }

  async #send(): Promise<Bases> {
    // Counts whose window has ended in the meantime expire with it.
    const sent = [...this.#unsettled].filter(({ endsAtMs }) => endsAtMs > performance.now())
    this.#unsettled.clear()
    const upTo = new Map(sent.map(counted => [counted, counted.taken]))
    for (const counted of sent) {
      counted.sending = counted.unsettled
      counted.unsettled = 0
    }
    try {
      const rows = await add(this.#db, sent)
      const bases = new Map<Counted, number>()
      for (const counted of sent) {
        const row = rows.get(counted.key)
        if (row === undefined) continue
        bases.set(counted, row.points - (upTo.get(counted) ?? 0))
        counted.known = row.points
        counted.endsAtMs = performance.now() + row.leftMs
        counted.sending = 0
      }
      return bases
    } catch (error) {
      for (const counted of sent) this.#giveBack(counted)
      throw error
    } finally {
      this.#purge()
    }
  }

  #giveBack(counted: Counted): void {
    counted.unsettled += counted.sending
    counted.sending = 0
    if (this.#keys.get(counted.key) === counted) this.#unsettled.add(counted)
  }

  /** Deletes keys whose window has ended, in memory and in the table. Several processes may do so at once. */
  #purge(): void {
    const now = performance.now()
    if (now - this.#purgedAtMs < PURGE_MS) return
    this.#purgedAtMs = now
    for (const [key, counted] of this.#keys)
      if (counted.endsAtMs <= now) {
        this.#keys.delete(key)
        this.#unsettled.delete(counted)
      }
    // The remaining rows are deleted next time.
    forInstallation(DEADLINE_MS, () => purge(this.#db)).catch(() => undefined)
  }
}

const leftOf = ({ endsAtMs }: Counted): number => Math.max(0, endsAtMs - performance.now())

/**
 * The window has ended, or ends later than one that begins now: the database's clock went back, or the window was
 * shortened. The minute allows for a statement that waited for the row.
 */
const IS_OVER = sql`(held.expire <= (extract(epoch from statement_timestamp()) * 1000)::bigint or held.expire > excluded.expire + 60000)`

/**
 * Adds points in one statement, timed by the database; in a fixed order, since several processes do so concurrently.
 */
async function add(db: Db, sent: readonly Counted[]): Promise<ReadonlyMap<string, { points: number; leftMs: number }>> {
  const [keys, points] = [sent.map(({ key }) => key), sent.map(({ sending }) => sending)]
  const windows = sent.map(({ windowMs }) => windowMs)
  const { rows } = await sql<{ key: string; points: number; leftMs: number }>`
    insert into rate_limits as held (key, points, expire)
    select key, points, (extract(epoch from statement_timestamp()) * 1000)::bigint + window_ms
    from unnest(${keys}::text[], ${points}::integer[], ${windows}::integer[]) as taken (key, points, window_ms)
    order by key
    on conflict (key) do update set
      points = case when ${IS_OVER} then excluded.points else least(held.points, 1000000000) + excluded.points end,
      expire = case when ${IS_OVER} then excluded.expire else held.expire end
    returning key, points, (expire - (extract(epoch from statement_timestamp()) * 1000)::bigint)::integer as "leftMs"
  `.execute(db)
  return new Map(rows.map(row => [row.key, row]))
}

async function purge(db: Db): Promise<void> {
  await sql`
    delete from rate_limits where key in (
      select key from rate_limits
      where expire <= (extract(epoch from statement_timestamp()) * 1000)::bigint limit ${PURGED} for update skip locked)
  `.execute(db)
}
