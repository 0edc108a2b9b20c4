/**
 * Shares one look-up among all callers that ask for the same thing in one turn of the event loop. It starts after the
 * last of them has asked, so that each sees what its own look-up would have shown: nothing is cached across turns.
 */

/** Shares look-ups. */
export class SameTurn<T> {
  /** Look-ups by key; cleared at the end of each turn. */
  readonly #asked = new Map<string, Promise<T>>()

  /** The result of `look`, which is called once per turn. Throws the errors of `look`. */
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
