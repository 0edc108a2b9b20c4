/**
 * One look-up for all who ask the same within one turn of the event loop. It begins after the last of them has asked, so that
 * it shows each what a look of its own would have shown: nothing is remembered from one turn to the next.
 */

/** Joins them. */
export class SameTurn<T> {
  /** By what is asked; emptied at the end of each turn. */
  readonly #asked = new Map<string, Promise<T>>()

  /** What `look` answers, which is called once for the turn. Throws what it throws. */
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
