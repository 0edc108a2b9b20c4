/**
 * The number of tasks that a worker runs at once, derived from the number of its dialling processes. Pure; the wiring
 * calls it.
 *
 * A task that dials occupies a process, so more tasks than processes would only wait for each other. Some slots are
 * reserved for callers' requests, whatever is due; and no organization's dead or slow databases take all slots of the
 * checks.
 */
import type { Concurrency } from './loop.ts'

/** The concurrency of checks and of feeds, and the number of feed polls that may dial at once. */
export interface Concurrencies {
  readonly checks: Concurrency
  readonly feeds: Concurrency
  readonly feedDials: number
}

/** `processes` is at least 2: a requested check, a scheduled one and a poll then share them. */
export function concurrencyOf(processes: number): Concurrencies {
  const feedDials = Math.max(1, Math.floor(processes / 3))
  const checks = Math.max(2, processes - feedDials)
  const background = Math.floor((3 * checks) / 4)
  // Twice the dials: while one poll stores the events it received, another one dials.
  const feeds = 2 * feedDials
  return {
    checks: {
      limit: checks,
      background,
      perOrganization: { asked: Math.min(3, checks - 1), background: Math.max(1, Math.min(2, background - 1)) },
      cutsFirstTries: true,
    },
    feeds: {
      limit: feeds,
      background: feeds,
      perOrganization: { asked: 1, background: Math.floor((3 * feeds) / 4) },
      cutsFirstTries: false,
    },
    feedDials,
  }
}
