/**
 * How many pushes without a key wait at a time, and how many were refused: held by each web process, and no larger than the
 * requests that it has under way.
 */
import { RefusalSampler } from './refusal-sampler.ts'

/** How many pushes to one datasource may wait for the worker in a process. */
export const MAX_WAITING_PUSHES = 8

/** Counts them. */
export class KeylessGate {
  readonly #waiting = new Map<string, number>()
  readonly #sampler = new RefusalSampler()
  #refused = 0

  /** True when no more may wait for the datasource. */
  isFull(id: string): boolean {
    return (this.#waiting.get(id) ?? 0) >= MAX_WAITING_PUSHES
  }

  /** Takes a place; the answer gives it back. Null when there is none. */
  enter(id: string): (() => void) | null {
    if (this.isFull(id)) return null
    this.#waiting.set(id, (this.#waiting.get(id) ?? 0) + 1)
    return () => {
      const left = (this.#waiting.get(id) ?? 1) - 1
      if (left > 0) this.#waiting.set(id, left)
      else this.#waiting.delete(id)
    }
  }

  /** Counts a refusal; the number of all of them where this one is to be told of, else null. */
  refused(now: Date): number | null {
    this.#refused += 1
    return this.#sampler.admits('push', now) ? this.#refused : null
  }
}
