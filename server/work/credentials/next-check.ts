/**
 * The time of a datasource's next check: the interval of the organization or the installation with jitter, a backoff if
 * nobody answers, and soon if a refusal awaits confirmation. Called when a check has its verdict.
 */

import { LONGEST_WAIT_MS, lookAgainAt, type Standing } from '#server/domain/datasources/status.ts'
import { LONGEST_INTERVAL_MS } from '#server/domain/datasources/verdict.ts'
import { backoffMs, jittered, UNREACHABLE } from '#server/domain/network/backoff.ts'
import type { SealedDatasource } from '#server/store/credentials/sealed.ts'
import type { Claim } from '#server/store/tasks/claims.ts'
import type { WorkerDeps } from '#server/work/deps.ts'

/**
 * The interval of a datasource's checks, in milliseconds: never so long that a verdict expires before the next check.
 */
export function intervalMs(deps: WorkerDeps, row: SealedDatasource): number {
  const seconds = row.settings.checkIntervalSeconds
  return Math.min(LONGEST_INTERVAL_MS, seconds === null ? deps.checkIntervalMs : seconds * 1000)
}

const UNTIL_SPREAD_MS = 1_000

/**
 * The time of the next check: soon and then ever later if unreachable, after an interval if active, never if rejected.
 */
export function nextCheck(
  deps: WorkerDeps,
  claim: Claim,
  { outcome, after, row, until }: { outcome: string; after: Standing; row: SealedDatasource; until?: Date | null },
): Date | null {
  // Budgets held it back: retry when they are available again, but not all datasources at exactly the same time.
  if (until) return new Date(until.getTime() + Math.round(UNTIL_SPREAD_MS * deps.random()))
  // One clock reading for all of it: a second one would shift a planned check by the time in between.
  const now = deps.clock().getTime()
  const lookMs = lookAgainMs(after, now)
  if (outcome === 'unreachable') {
    const soonMs = backoffMs(claim.attempts, UNREACHABLE, deps.random())
    return new Date(now + Math.min(soonMs, lookMs ?? soonMs))
  }
  if (lookMs !== null) return new Date(now + lookMs)
  if (after.status === 'active') return new Date(now + jittered(intervalMs(deps, row), deps.random()))
  // A refused rotation leaves behind a first credential that has no verdict yet.
  return after.status === 'unverified' ? new Date(now) : null
}

/**
 * How long after `nowMs` a refusal is checked again, in milliseconds; null if none awaits confirmation. A check that is
 * overdue, because something prevented it, is repeated.
 */
export function lookAgainMs(after: Standing, nowMs: number): number | null {
  const at = lookAgainAt(after)
  if (at === null) return null
  const leftMs = at.getTime() - nowMs
  return leftMs > 0 ? leftMs : LONGEST_WAIT_MS
}
