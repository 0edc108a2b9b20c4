/**
 * When a datasource is checked again: what an organization or the installation says, spread by jitter, and a backoff where
 * nobody answers. Called when a check has its verdict.
 */
import { backoffMs, jittered, UNREACHABLE } from '#server/domain/backoff.ts'
import { LONGEST_INTERVAL_MS } from '#server/domain/verdict.ts'
import type { Claim } from '#server/store/claims.ts'
import type { SealedDatasource } from '#server/store/sealed.ts'
import type { WorkerParts } from './parts.ts'

/** The interval of a datasource's checks, in milliseconds: never so long that a verdict runs out before the next one. */
export function intervalMs(parts: WorkerParts, row: SealedDatasource): number {
  const seconds = row.settings.checkIntervalSeconds
  return Math.min(LONGEST_INTERVAL_MS, seconds === null ? parts.checkIntervalMs : seconds * 1000)
}

const UNTIL_SPREAD_MS = 1_000

/** When to look again: what cannot be reached soon and then later, what is active after an interval, what is rejected never. */
export function nextCheck(
  parts: WorkerParts,
  claim: Claim,
  of: { outcome: string; status: string; row: SealedDatasource; until?: Date | null },
): Date | null {
  // Budgets kept it back: the time at which they do no more, and not all at the very same one.
  if (of.until) return new Date(of.until.getTime() + Math.round(UNTIL_SPREAD_MS * parts.random()))
  const now = parts.clock().getTime()
  if (of.outcome === 'unreachable') return new Date(now + backoffMs(claim.attempts, UNREACHABLE, parts.random()))
  if (of.status === 'active') return new Date(now + jittered(intervalMs(parts, of.row), parts.random()))
  // A refused rotation leaves a first credential that has had no verdict yet.
  return of.status === 'unverified' ? new Date(now) : null
}
