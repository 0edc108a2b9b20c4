/**
 * What a subscriber has been told and has not read yet. Bounded: a slow reader's later changes are left out, and he looks
 * them up once he has read what is here, so that nobody makes the process hold more for him.
 */
import type { ToldChange } from './change-feed.ts'

/** Changes that wait for one subscriber. */
export const MAX_WAITING = 1_000

/** The changes that wait for one subscriber. */
export class Waiting {
  #changes: ToldChange[] = []
  #isBehind: boolean
  #ring: () => void = () => undefined

  /** `isBehind`: there are changes from before that he has to look up. */
  constructor(of: { isBehind: boolean }) {
    this.#isBehind = of.isBehind
  }

  /** Adds a change, or leaves it out where too many wait; those after it are then left out, too. */
  put(change: ToldChange): void {
    if (this.#changes.length >= MAX_WAITING) this.#isBehind = true
    if (!this.#isBehind) this.#changes.push(change)
    this.#ring()
  }

  /** True when the next changes have to be looked up: asked once, and from then on changes are kept again. */
  isCut(): boolean {
    const isCut = this.#isBehind && this.#changes.length === 0
    if (isCut) this.#isBehind = false
    return isCut
  }

  /** Everything that waits. */
  take(): ToldChange[] {
    return this.#changes.splice(0)
  }

  /** Resolves true once there is something to read or `ended` says so, false after `withinMs` without. */
  filled(ended: AbortSignal, withinMs: number): Promise<boolean> {
    if (this.#changes.length > 0 || this.#isBehind || ended.aborted) return Promise.resolve(true)
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
