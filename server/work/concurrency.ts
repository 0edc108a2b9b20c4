/**
 * How many tasks a worker runs at once, from the number of its dialling processes. Pure; the wiring calls it.
 *
 * A task that dials holds a process, so that more tasks than processes would only wait for each other. Some places are left for
 * those who ask, whatever is due; and no organization's databases, dead or slow, take all that checks may have.
 */
import type { Concurrency } from './loop.ts'

/** Of the checks and of the feeds, and how many polls of feeds dial at once. */
export interface Concurrencies {
  readonly checks: Concurrency
  readonly feeds: Concurrency
  readonly feedDials: number
}

/** `processes` is at least 2: then a check that somebody asks for, one that is due and a poll share them. */
export function concurrencyOf(processes: number): Concurrencies {
  const feedDials = Math.max(1, Math.floor(processes / 3))
  const checks = Math.max(2, processes - feedDials)
  const background = Math.floor((3 * checks) / 4)
  // Twice the dials: while one poll stores what it was sent, another one dials.
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
