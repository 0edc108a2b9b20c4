/**
 * One subscriber's place in the changes of its organization: which one is next, and whether some have to be looked up in
 * the table first. It holds no change itself.
 */
import type { RecentChanges, SentChange } from './recent-changes.ts'

/** Reads the changes of an organization one at a time. */
export class Subscriber {
  readonly #recent: RecentChanges
  #next: number
  #isBehind: boolean
  #ring: () => void = () => undefined

  /** `isBehind`: there are changes from before that have to be looked up. */
  constructor(recent: RecentChanges, of: { isBehind: boolean }) {
    this.#recent = recent
    this.#next = recent.next
    this.#isBehind = of.isBehind
  }

  /** Called after each addition. */
  readonly wake = (): void => this.#ring()

  /** The next change that is held; null when there is none now, or when some have to be looked up first. */
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

  /** True when the next changes have to be looked up: asked once, and from then on changes are taken from here again. */
  isCut(): boolean {
    const isCut = this.#isBehind
    if (isCut) this.#next = this.#recent.next
    this.#isBehind = false
    return isCut
  }

  /** Resolves true once there is something to read or `ended` says so, false after `withinMs` without. */
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
