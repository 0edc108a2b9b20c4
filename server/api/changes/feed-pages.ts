/**
 * Pages of feeds for subscribers: those at the same position of the same feed share one reading, so that an event is
 * read and parsed once for any number of followers. Pages are small, since each subscriber holds one while it writes it
 * out.
 */

import { READ_DEADLINE_MS } from '#server/api/changes/replay.ts'
import { withDeadline } from '#server/store/connection/statement.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { type ChangePage, type PageAsked, readChangePage } from './feed-page.ts'

/** The size of a page for a subscriber, not counting its first event. */
export const MAX_STREAMED_BYTES = 256 << 10
/** The number of pages cached for subscribers at the same position. */
export const MAX_PAGES = 32

// Subscribers that share a page ask within moments of each other; after that, expired events must not be shown.
const FRESH_MS = 2_000

/** A page after a position, of a feed whose head was `head`. */
export interface StreamedPage extends Omit<PageAsked, 'maxBytes'> {
  readonly head: number
}

/** The pages that subscribers of one web process read. */
export class FeedPages {
  readonly #db: Db
  readonly #pages = new Map<string, { readonly page: Promise<ChangePage>; readonly atMs: number }>()

  constructor(db: Db) {
    this.#db = db
  }

  /** Returns a page; for a head that is not cached, reads it from the database. */
  of({ head, ...asked }: StreamedPage): Promise<ChangePage> {
    const read = () =>
      withDeadline(READ_DEADLINE_MS, () => readChangePage(this.#db, { ...asked, maxBytes: MAX_STREAMED_BYTES }))
    if (head === 0) return read()
    const key = [asked.org, asked.datasourceId, asked.after, asked.limit, head].join(' ')
    const held = this.#pages.get(key)
    if (held !== undefined && performance.now() - held.atMs < FRESH_MS) return held.page
    const page = read()
    this.#pages.delete(key)
    this.#pages.set(key, { page, atMs: performance.now() })
    const [oldest] = this.#pages.keys()
    if (this.#pages.size > MAX_PAGES && oldest !== undefined) this.#pages.delete(oldest)
    page.catch(() => this.#pages.delete(key))
    return page
  }
}
