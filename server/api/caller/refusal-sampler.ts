/**
 * Decides which refusals are recorded: all of a few, some of many. Held by each web process; it must not grow with the
 * number of callers.
 */

const WINDOW_MS = 60_000
const ALL_UP_TO = 20
const ONE_IN = 100
/** The maximum number of principals whose refusals are counted. */
export const MAX_PRINCIPALS = 10_000

/** Decides which refusals are recorded: the first 20 of a principal in a minute, then one in 100. */
export class RefusalSampler {
  readonly #seen = new Map<string, { since: number; count: number }>()

  /** True if this one must be recorded. */
  admits(principalId: string, now: Date): boolean {
    const held = this.#seen.get(principalId)
    if (held === undefined || now.getTime() - held.since >= WINDOW_MS) {
      if (this.#seen.size >= MAX_PRINCIPALS) this.#seen.clear()
      this.#seen.set(principalId, { since: now.getTime(), count: 1 })
      return true
    }
    held.count += 1
    return held.count <= ALL_UP_TO || held.count % ONE_IN === 0
  }
}
