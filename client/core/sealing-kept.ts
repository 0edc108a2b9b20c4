/**
 * State that the sealing link keeps between calls: the organization's key for a minute, and the boxes of requests that may be sent
 * again. It never keeps a connection string.
 */
import type { SealingKey } from '#shared/access/sealing.ts'
import type { SealedConnectionString } from './seal.ts'

const KEY_KEPT_MS = 60_000
/** Boxes of requests that may be sent again. */
export const BOXES_KEPT = 1_000

/** The organization's key, asked for once a minute. */
export class KeptKey {
  #kept: { readonly key: Promise<SealingKey>; readonly until: number } | null = null

  /** The key, asked for again when it is a minute old or could not be had. */
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

  /** Asks anew next time. */
  forget(): void {
    this.#kept = null
  }
}

/** The boxes of requests that may be sent again. */
export class Boxes {
  readonly #kept = new Map<string, Promise<SealedConnectionString>>()

  /** The box of a request: the one that was made for it before, or a new one. */
  of(request: string, make: () => Promise<SealedConnectionString>): Promise<SealedConnectionString> {
    const box = this.#kept.get(request) ?? make()
    // Put behind the others, so that the first one is what was not asked for the longest.
    this.#kept.delete(request)
    this.#kept.set(request, box)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > BOXES_KEPT && oldest !== undefined) this.#kept.delete(oldest)
    box.catch(() => {
      if (this.#kept.get(request) === box) this.#kept.delete(request)
    })
    return box
  }

  /** Makes a new box for this request next time. */
  forget(request: string): void {
    this.#kept.delete(request)
  }
}
