/**
 * A FIFO semaphore. It keeps polls, which may be slow and many, from occupying every dialling process, while a poll
 * that is storing its events occupies none. Held by the worker's dependencies.
 */

/** Runs at most a fixed number of operations at once, in the order in which they arrived. */
export class Semaphore {
  readonly #waiting: (() => void)[] = []
  #free: number

  constructor(atOnce: number) {
    this.#free = atOnce
  }

  /** Runs the work at its turn. Rejects with its error. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1
    else await new Promise<void>(resolve => this.#waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free += 1
      else next()
    }
  }
}
