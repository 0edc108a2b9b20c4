/**
 * So many at a time, the others wait their turn. Keeps polls, which may be slow and many, from holding every dialling process,
 * while a poll that stores what it has got holds none. Held by the worker's parts.
 */

/** Runs work, at most so many pieces of it at once, in the order in which they came. */
export class Semaphore {
  readonly #waiting: (() => void)[] = []
  #free: number

  constructor(atOnce: number) {
    this.#free = atOnce
  }

  /** Runs it when its turn has come. Rejects with its error. */
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
