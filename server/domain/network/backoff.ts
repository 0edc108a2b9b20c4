/**
 * Computes the delay before the next retry. Pure: the attempt's number and the random number are arguments. The worker
 * calls it after each failure.
 */

/** The bounds of a backoff, in milliseconds. */
export interface Backoff {
  readonly baseMs: number
  readonly maxMs: number
}

/** For an unreachable database: 5 s, doubling, at most an hour. */
export const UNREACHABLE: Backoff = { baseMs: 5_000, maxMs: 3_600_000 }

/** For a failure of our own: 1 s, doubling, at most a minute. */
export const BROKEN: Backoff = { baseMs: 1_000, maxMs: 60_000 }

/** Exponential backoff with "equal jitter": between half of the step and all of it. `random` is from 0 to 1. */
export function backoffMs(attempts: number, bounds: Backoff, random: number): number {
  const step = Math.min(bounds.maxMs, bounds.baseMs * 2 ** Math.min(30, Math.max(0, attempts - 1)))
  return Math.round(step / 2 + (step / 2) * random)
}

/** An interval varied by a tenth either way, so that tasks that began together do not stay together. */
export function jittered(intervalMs: number, random: number): number {
  return Math.round(intervalMs * (0.9 + 0.2 * random))
}
