/**
 * Looks at the credential of a subscription again when it has not been looked at for a while, however busy the stream is.
 */
import type { KnownContext } from '#server/api/context.ts'

const RECHECK_MS = 15_000

/** The looks of one stream. */
export interface Recheck {
  readonly isDue: () => boolean
  /** Until the next look is due. */
  readonly leftMs: () => number
  /** Looks, if it is due. Throws when the credential is no longer good. */
  readonly check: () => Promise<void>
}

/** The looks of a stream that begins now. */
export function recheckLater(ctx: KnownContext): Recheck {
  const now = () => ctx.deps.clock().getTime()
  let checkedAt = now()
  // A clock that was put back is no reason to trust for longer.
  const leftMs = () => RECHECK_MS - Math.abs(now() - checkedAt)
  const isDue = () => leftMs() <= 0
  return {
    isDue,
    leftMs,
    check: async () => {
      if (!isDue()) return
      await ctx.recheck()
      checkedAt = now()
    },
  }
}
