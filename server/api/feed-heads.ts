/**
 * Tells the subscribers of this process when a feed has grown: one reader of the table however many they are, woken by
 * `events` with a poll behind it. Each then reads its own events, so that nobody makes the process hold any for him.
 */
import type { Log } from '#server/log.ts'
import type { Db } from '#server/store/db.ts'
import * as feedEvents from '#server/store/feed-events.ts'
import type { Signals } from '#server/store/signals.ts'

const POLL_MS = 1_000

interface Watcher {
  readonly datasourceId: string
  readonly grown: (position: number) => void
}

/** The heads of the feeds that are watched through one web process. */
export class FeedHeads {
  readonly #db: Db
  readonly #signals: Signals
  readonly #log: Log
  readonly #watchers = new Set<Watcher>()
  #off: () => void = () => undefined
  #looking: Promise<void> | null = null
  #again = false

  constructor(parts: { db: Db; signals: Signals; log: Log }) {
    this.#db = parts.db
    this.#signals = parts.signals
    this.#log = parts.log
  }

  /** Calls `grown` with the position of a feed's last event at every look, until the returned function is called. */
  watch(datasourceId: string, grown: (position: number) => void): () => void {
    const watcher = { datasourceId, grown }
    if (this.#watchers.size === 0) this.#begin()
    this.#watchers.add(watcher)
    return () => {
      this.#watchers.delete(watcher)
      if (this.#watchers.size === 0) this.#off()
    }
  }

  #begin(): void {
    const timer = setInterval(() => this.#wake(), POLL_MS)
    const off = this.#signals.on('events', () => this.#wake())
    this.#off = () => {
      clearInterval(timer)
      off()
    }
  }

  #wake(): void {
    this.#again = true
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null
    })
  }

  async #look(): Promise<void> {
    try {
      while (this.#again && this.#watchers.size > 0) {
        this.#again = false
        const heads = await feedEvents.heads(this.#db, [...new Set([...this.#watchers].map(one => one.datasourceId))])
        for (const { datasourceId, grown } of this.#watchers) grown(heads.get(datasourceId) ?? 0)
      }
    } catch (cause) {
      // The database is away: the poll looks again.
      this.#log.error({ cause }, 'feeds could not be looked at')
    }
  }
}
