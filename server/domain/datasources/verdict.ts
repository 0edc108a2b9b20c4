/**
 * The meaning of a signed verdict on a datasource, and how long it allows the credential to be used. Pure; the worker
 * signs it (`seal/verdicts.ts`) and evaluates it wherever a credential is used.
 */

import type { Mode } from '#shared/base/wire.ts'
import type { Status } from '#shared/datasources/datasource.ts'

const HOUR_MS = 3_600_000
const SHORTEST_MS = 48 * HOUR_MS
const LONGEST_MS = 14 * 24 * HOUR_MS

/**
 * The maximum interval between checks of an active datasource: it leaves two days for a check before the verdict
 * expires.
 */
export const LONGEST_INTERVAL_MS = LONGEST_MS - SHORTEST_MS

/** The content that the worker's signature covers. `version` is that of the judged credential. */
export interface VerdictContent {
  readonly organizationId: string
  readonly datasourceId: string
  readonly mode: Mode
  readonly version: number
  readonly status: Status
  /** False for an active datasource that must not be used for now. */
  readonly usable: boolean
  /** Nothing is used after this time; null if no check of this version has passed. */
  readonly usableUntil: Date | null
}

/** A verdict as stored in its row; the worker's signature also covers the row's organization, id, mode and status. */
export interface SignedVerdict {
  readonly version: number
  readonly usable: boolean
  readonly usableUntil: Date | null
  readonly signerId: string
  readonly signature: Buffer
}

/**
 * The time until which a check that passed at `at` allows use of the credential: 48 hours or three intervals, at most
 * 14 days.
 */
export function usableUntil(at: Date, intervalMs: number): Date {
  return new Date(at.getTime() + Math.min(LONGEST_MS, Math.max(SHORTEST_MS, 3 * intervalMs)))
}

/** The end of a check of one version, and the previously signed verdict. */
export interface CheckEnd {
  readonly version: number
  readonly status: Status
  /** Consecutive refusals awaiting confirmation: above 0 the datasource is active but not usable. */
  readonly refusals: number
  readonly outcome: 'passed' | 'refused' | 'unreachable'
  readonly at: Date
  readonly intervalMs: number
  /** The previous verdict, if its signature was verified; null if there is none. */
  readonly before: VerdictContent | null
}

/**
 * The new verdict after a check. A passed check extends the time; one that could not be performed, or that the server
 * barred, leaves the signed verdict on the same version unextended; a refusal revokes it, and one awaiting confirmation
 * suspends it.
 */
export function afterCheck({
  version,
  status,
  refusals,
  outcome,
  at,
  intervalMs,
  before,
}: CheckEnd): Pick<VerdictContent, 'version' | 'status' | 'usable' | 'usableUntil'> {
  if (outcome === 'passed') return { version, status, usable: true, usableUntil: usableUntil(at, intervalMs) }
  if (status !== 'active' || before?.status !== 'active' || before.version !== version)
    return { version, status, usable: false, usableUntil: null }
  return { version, status, usable: before.usable && refusals === 0, usableUntil: before.usableUntil }
}

/** True if the verdict allows use of that version at `now`. */
export function letsUse(verdict: VerdictContent | null, { version, now }: { version: number; now: Date }): boolean {
  if (verdict === null || verdict.version !== version) return false
  const { status, usable, usableUntil: until } = verdict
  return status === 'active' && usable && until !== null && until > now
}
