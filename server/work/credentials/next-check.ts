/**
 * When a datasource is checked again: what an organization or the installation says, spread by jitter, a backoff where nobody
 * answers, and soon where a refusal is to be confirmed. Called when a check has its verdict.
 */

import { LONGEST_WAIT_MS, lookAgainAt, type Standing } from '#server/domain/datasources/status.ts'
import { LONGEST_INTERVAL_MS } from '#server/domain/datasources/verdict.ts'
import { backoffMs, jittered, UNREACHABLE } from '#server/domain/network/backoff.ts'
import type { SealedDatasource } from '#server/store/credentials/sealed.ts'
import type { Claim } from '#server/store/tasks/claims.ts'
import type { WorkerDeps } from '#server/work/deps.ts'

/** The interval of a datasource's checks, in milliseconds: never so long that a verdict runs out before the next one. */
export function intervalMs(deps: WorkerDeps, row: SealedDatasource): number {
  const seconds = row.settings.checkIntervalSeconds
  return Math.min(LONGEST_INTERVAL_MS, seconds === null ? deps.checkIntervalMs : seconds * 1000)
}

const UNTIL_SPREAD_MS = 1_000

/** When to look again: what cannot be reached soon and then later, what is active after an interval, what is rejected never. */
export function nextCheck(
  deps: WorkerDeps,
  claim: Claim,
  of: { outcome: string; after: Standing; row: SealedDatasource; until?: Date | null },
): Date | null {
  const { outcome, after, row, until } = of
  // Budgets kept it back: the time at which they do no more, and not all at the very same one.
  if (until) return new Date(until.getTime() + Math.round(UNTIL_SPREAD_MS * deps.random()))
  // One moment for all of it: a second look at the clock would move a planned look by what has passed between the two.
  const now = deps.clock().getTime()
  const lookMs = lookAgainMs(after, now)
  if (outcome === 'unreachable') {
    const soonMs = backoffMs(claim.attempts, UNREACHABLE, deps.random())
    return new Date(now + Math.min(soonMs, lookMs ?? soonMs))
  }
  if (lookMs !== null) return new Date(now + lookMs)
  if (after.status === 'active') return new Date(now + jittered(intervalMs(deps, row), deps.random()))
  // A refused rotation leaves a first credential that has had no verdict yet.
  return after.status === 'unverified' ? new Date(now) : null
}

/**
 * How long after `nowMs` a refusal is looked at again, in milliseconds; null where none waits for that. A look whose time is over,
 * since something kept it from being made, is repeated.
 */
export function lookAgainMs(after: Standing, nowMs: number): number | null {
  const at = lookAgainAt(after)
  if (at === null) return null
  const leftMs = at.getTime() - nowMs
  return leftMs > 0 ? leftMs : LONGEST_WAIT_MS
}
