/**
 * State that the sealing link keeps between calls: the organization's key for one minute, and the boxes of requests
 * that may be retried. It never keeps a connection string.
 */
import type { SealingKey } from '#shared/access/sealing.ts'
import type { SealedConnectionString } from './seal.ts'

const KEY_KEPT_MS = 60_000
/** The maximum number of boxes kept for retries. */
export const BOXES_KEPT = 1_000

/** The organization's key, requested at most once a minute. */
export class KeptKey {
  #kept: { readonly key: Promise<SealingKey>; readonly until: number } | null = null

  /** Returns the key. Requests it again if it is a minute old or if the last request failed. */
  of(ask: () => Promise<SealingKey>): Promise<SealingKey> {
    if (this.#kept === null || this.#kept.until < Date.now()) {
      const kept = { key: ask(), until: Date.now() + KEY_KEPT_MS }
      this.#kept = kept
      kept.key.catch(() => {
        if (this.#kept === kept) this.#kept = null
      })
    }
    return this.#kept.key
  }

  /** Requests the key again next time. */
  forget(): void {
    this.#kept = null
  }
}

/** The boxes of requests that may be retried. */
export class Boxes {
  readonly #kept = new Map<string, Promise<SealedConnectionString>>()

  /** Returns the box of a request: the one already made for it, or a new one. */
  of(request: string, make: () => Promise<SealedConnectionString>): Promise<SealedConnectionString> {
    const box = this.#kept.get(request) ?? make()
    // Reinserted at the end, so that the first entry is the least recently used one.
    this.#kept.delete(request)
    this.#kept.set(request, box)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > BOXES_KEPT && oldest !== undefined) this.#kept.delete(oldest)
    box.catch(() => {
      if (this.#kept.get(request) === box) this.#kept.delete(request)
    })
    return box
  }

  /** Creates a new box for this request next time. */
  forget(request: string): void {
    this.#kept.delete(request)
  }
}
