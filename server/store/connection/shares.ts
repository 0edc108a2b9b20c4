/**
 * Shares of a pool: the number of connections that each organization may hold at once. An organization whose statements
 * wait for a lock of its own uses up its share and no more, so that others are served.
 */

/** Hands out shares; resolves with `undefined` if none became free in time. */
export interface Shares {
  take(key: string): Promise<(() => void) | undefined>
}

interface Holder {
  held: number
  /** The time at which a share was last handed out: waiters are still being served, if slowly. */
  givenAt: number
  readonly waiting: Set<() => void>
}

/**
 * Limits each key to `each` shares. Further callers wait; they give up if nobody with their key got a share for
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

/** Resolves with true at the caller's turn, and with false if the wait is given up. */
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
