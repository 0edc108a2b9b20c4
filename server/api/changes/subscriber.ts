/**
 * One subscriber's position in the changes of its organization: the next one, and whether some must be read from the
 * table first. It holds no changes itself.
 */
import type { RecentChanges, SentChange } from './recent-changes.ts'

/** Reads the changes of an organization one at a time. */
export class Subscriber {
  readonly #recent: RecentChanges
  #next: number
  #isBehind: boolean
  #ring: () => void = () => undefined

  /** `isBehind`: there are earlier changes that must be read from the table. */
  constructor(recent: RecentChanges, { isBehind }: { isBehind: boolean }) {
    this.#recent = recent
    this.#next = recent.next
    this.#isBehind = isBehind
  }

  /** Called after each addition. */
  readonly wake = (): void => this.#ring()

  /** The next held change; null if there is none now, or if some must be read from the table first. */
  take(): SentChange | null {
    if (this.#isBehind) return null
    const change = this.#recent.at(this.#next)
    if (change === null) return null
    if (change === 'gone') {
      this.#isBehind = true
      return null
    }
    this.#next += 1
    return change
  }

  /** True if the next changes must be read from the table; once returned, changes are taken from memory again. */
  isCut(): boolean {
    const isCut = this.#isBehind
    if (isCut) this.#next = this.#recent.next
    this.#isBehind = false
    return isCut
  }

  /** Resolves with true once there is something to read or `ended` aborts, with false after `withinMs`. */
  filled(ended: AbortSignal, withinMs: number): Promise<boolean> {
    if (this.#isBehind || this.#recent.at(this.#next) !== null || ended.aborted) return Promise.resolve(true)
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const timer = setTimeout(() => resolve(false), withinMs)
    const wake = () => resolve(true)
    this.#ring = wake
    ended.addEventListener('abort', wake, { once: true })
    return promise.finally(() => {
      clearTimeout(timer)
      ended.removeEventListener('abort', wake)
    })
  }
}
