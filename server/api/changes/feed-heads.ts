/**
 * Notifies the subscribers of this process when a feed has grown: one reader of the table serves any number of them,
 * woken by `events` and by polling. Each then reads the events, sharing pages with those at the same position, so that
 * memory stays bounded.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { FeedPages } from '#server/api/changes/feed-pages.ts'
import type { Log } from '#server/log.ts'
import { forInstallation } from '#server/store/connection/statement.ts'
import type { Notifications } from '#server/store/database/notifications.ts'
import * as feedEvents from '#server/store/feeds/feed-events.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { TOLD_IN_A_TURN } from './change-feed.ts'
import { READ_DEADLINE_MS } from './replay.ts'

const POLL_MS = 1_000

interface Watcher {
  readonly feed: feedEvents.FeedPlace
  readonly grown: (position: number) => void
}

/** The heads of the feeds that subscribers of one web process watch. */
export class FeedHeads {
  readonly #db: Db
  readonly #signals: Notifications
  readonly #log: Log
  readonly #watchers = new Set<Watcher>()
  readonly pages: FeedPages
  #off: () => void = () => undefined
  #looking: Promise<void> | null = null
  #again = false

  constructor(parts: { db: Db; notifications: Notifications; log: Log }) {
    this.#db = parts.db
    this.#signals = parts.notifications
    this.#log = parts.log
    this.pages = new FeedPages(parts.db)
  }

  /** Calls `grown` with the position of a feed's last event at every reading, until the returned function is called. */
  watch(feed: feedEvents.FeedPlace, grown: (position: number) => void): () => void {
    const watcher = { feed, grown }
    if (this.#watchers.size === 0) this.#begin()
    this.#watchers.add(watcher)
    return () => {
      this.#watchers.delete(watcher)
      if (this.#watchers.size === 0) this.#off()
    }
  }

  #begin(): void {
    // Outside any caller's scope: none of them is charged for reading on behalf of all.
    this.#off = forInstallation(READ_DEADLINE_MS, () => {
      const timer = setInterval(() => this.#wake(), POLL_MS)
      const off = this.#signals.on('events', () => this.#wake())
      return () => {
        clearInterval(timer)
        off()
      }
    })
  }

  #wake(): void {
    this.#again = true
    this.#looking ??= forInstallation(READ_DEADLINE_MS, () => this.#look()).finally(() => {
      this.#looking = null
    })
  }

  async #look(): Promise<void> {
    try {
      while (this.#again && this.#watchers.size > 0) {
        this.#again = false
        const feeds = new Map([...this.#watchers].map(({ feed }) => [feed.datasourceId, feed]))
        const heads = await feedEvents.heads(this.#db, [...feeds.values()])
        let sent = 0
        for (const watcher of [...this.#watchers]) {
          if (!this.#watchers.has(watcher)) continue
          watcher.grown(heads.get(watcher.feed.datasourceId) ?? 0)
          sent += 1
          if (sent % TOLD_IN_A_TURN === 0) await nextTurn()
        }
      }
    } catch (cause) {
      // The database is unavailable: the poll retries.
      this.#log.error({ stage: 'feeds', cause }, 'feeds could not be read')
    }
  }
}
