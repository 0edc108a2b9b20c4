/**
 * Shares of a pool: how many connections each organization may hold at once. One whose statements wait for a lock of its own
 * takes its share and no more, and the others are served.
 */

/** Gives shares. `undefined` where none came free in time. */
export interface Shares {
  take(key: string): Promise<(() => void) | undefined>
}

interface Holder {
  held: number
  /** When a share was last given: those who wait are served, if slowly. */
  givenAt: number
  readonly waiting: Set<() => void>
}

/**
 * Shares of `each` for every key. The next waits its turn; it goes without where nobody of its key was given a share for
 * `waitMs`, as behind a lock, or after `LONGEST_WAITS` times as long. Keys without a holder are forgotten.
 */
export function createShares({ each, waitMs }: { each: number; waitMs: number }): Shares {
  const holders = new Map<string, Holder>()
  const giveBack = (key: string, holder: Holder) => () => {
    const [next] = holder.waiting
    if (next !== undefined) {
      holder.waiting.delete(next)
      holder.givenAt = performance.now()
      next()
      return
    }
    holder.held -= 1
    if (holder.held === 0) holders.delete(key)
  }
  return {
    async take(key) {
      const holder = holders.get(key) ?? { held: 0, givenAt: 0, waiting: new Set() }
      holders.set(key, holder)
      if (holder.held < each) {
        holder.held += 1
        holder.givenAt = performance.now()
        return giveBack(key, holder)
      }
      return (await turnOf(holder, waitMs)) ? giveBack(key, holder) : undefined
    },
  }
}

const LONGEST_WAITS = 5

/** Resolves with true when it is the caller's turn, and with false when that is not to be waited for. */
function turnOf(holder: Holder, waitMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const until = performance.now() + LONGEST_WAITS * waitMs
  const since = performance.now()
  let timer: NodeJS.Timeout
  const go = () => {
    clearTimeout(timer)
    resolve(true)
  }
  const look = () => {
    const now = performance.now()
    const left = Math.min(Math.max(holder.givenAt, since) + waitMs, until) - now
    if (left > 0) {
      timer = setTimeout(look, left)
      return
    }
    holder.waiting.delete(go)
    resolve(false)
  }
  holder.waiting.add(go)
  timer = setTimeout(look, waitMs)
  return promise
}
