/**
 * One look-up for all who ask the same within one turn of the event loop. It begins after the last of them has asked, so that
 * it shows each what a look of its own would have shown: nothing is remembered from one turn to the next.
 */

/** Joins them. */
export class SameTurn<T> {
  /** By what is asked; emptied at the end of each turn. */
  readonly #asked = new Map<string, Promise<T>>()

  /** The answer of `look`, which is called once for the turn. Throws the errors of `look`. */
  ask(key: string, look: () => Promise<T>): Promise<T> {
    const known = this.#asked.get(key)
    if (known !== undefined) return known
    const answer = new Promise<void>(resolve => setImmediate(resolve)).then(() => {
      this.#asked.delete(key)
      return look()
    })
    this.#asked.set(key, answer)
    return answer
  }
}
