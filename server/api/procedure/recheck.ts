/**
 * Verifies the credential of a subscription again at intervals,
 * however busy the stream is.
 */
import type { KnownContext } from '#server/api/context.ts'

const RECHECK_MS = 15_000

/** The periodic verification of one stream. */
export interface Recheck {
  readonly isDue: () => boolean
  /** The time until the next verification is due, in milliseconds. */
  readonly leftMs: () => number
  /** Verifies the credential if that is due. Throws if it is no longer valid. */
  readonly check: () => Promise<void>
}

/** The periodic verification of a stream that begins now. */
export function recheckLater(ctx: KnownContext): Recheck {
  const now = () => ctx.deps.clock().getTime()
  let checkedAt = now()
  // A clock that was set back is no reason to trust for longer.
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
