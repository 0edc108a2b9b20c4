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
  readonly waiting: Set<() => void>
}

/** Shares of `each` for every key; the next waits its turn for at most `waitMs`. Keys without a holder are forgotten. */
export function createShares({ each, waitMs }: { each: number; waitMs: number }): Shares {
  const holders = new Map<string, Holder>()
  const giveBack = (key: string, holder: Holder) => () => {
    const [next] = holder.waiting
    if (next !== undefined) {
      holder.waiting.delete(next)
      next()
      return
    }
    holder.held -= 1
    if (holder.held === 0) holders.delete(key)
  }
  return {
    async take(key) {
      const holder = holders.get(key) ?? { held: 0, waiting: new Set() }
      holders.set(key, holder)
      if (holder.held < each) {
        holder.held += 1
        return giveBack(key, holder)
      }
      const { promise, resolve } = Promise.withResolvers<boolean>()
      const go = () => resolve(true)
      holder.waiting.add(go)
      const timer = setTimeout(() => {
        holder.waiting.delete(go)
        resolve(false)
      }, waitMs)
      const isGiven = await promise
      clearTimeout(timer)
      return isGiven ? giveBack(key, holder) : undefined
    },
  }
}
