/**
 * Limits concurrent pushes without a key, and counts refused ones: held by each web process, and no larger than the
 * number of its requests in progress.
 */
import { RefusalSampler } from './refusal-sampler.ts'

/** The number of pushes to one datasource that may wait for the worker in a process. */
export const MAX_WAITING_PUSHES = 8

/** Counts waiting and refused pushes. */
export class KeylessGate {
  readonly #waiting = new Map<string, number>()
  readonly #sampler = new RefusalSampler()
  #refused = 0

  /** True if no more may wait for the datasource. */
  isFull(id: string): boolean {
    return (this.#waiting.get(id) ?? 0) >= MAX_WAITING_PUSHES
  }

  /** Takes a slot; the returned function releases it. Null if there is none. */
  enter(id: string): (() => void) | null {
    if (this.isFull(id)) return null
    this.#waiting.set(id, (this.#waiting.get(id) ?? 0) + 1)
    return () => {
      const left = (this.#waiting.get(id) ?? 1) - 1
      if (left > 0) this.#waiting.set(id, left)
      else this.#waiting.delete(id)
    }
  }

  /** Counts a refusal; returns the total if this one should be logged, else null. */
  refused(now: Date): number | null {
    this.#refused += 1
    return this.#sampler.admits('push', now) ? this.#refused : null
  }
}
