/**
 * Pages of feeds for subscribers: those who are at the same place of the same feed share one reading, so that an event is
 * read and parsed once however many follow. Pages are small, since each subscriber holds one while it writes it out.
 */

import { READ_DEADLINE_MS } from '#server/api/changes/replay.ts'
import { withDeadline } from '#server/store/connection/statement-scope.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { type ChangePage, type PageAsked, readChangePage } from './feed-page.ts'

/** Events of a page for a subscriber, but for its first one. */
export const MAX_STREAMED_BYTES = 256 << 10
/** Pages that are held for those who are at the same place. */
export const MAX_PAGES = 32

// Those who share one ask within moments; what has passed its time since is shown to nobody.
const FRESH_MS = 2_000

/** A page behind a place, as a feed was when its head was `head`. */
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

  /** A page; of a head that has not been looked at it is read anew. */
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
