/**
 * The meaning of a signed verdict on a datasource, and how long it allows the credential to be used. Pure; the worker signs it
 * (`seal/verdicts.ts`) and asks it wherever a credential is used.
 */

import type { Mode } from '#shared/base/wire.ts'
import type { Status } from '#shared/datasources/datasource.ts'

const HOUR_MS = 3_600_000
const SHORTEST_MS = 48 * HOUR_MS
const LONGEST_MS = 14 * 24 * HOUR_MS

/** The longest interval between checks of what is active: two days are left to make one before its verdict runs out. */
export const LONGEST_INTERVAL_MS = LONGEST_MS - SHORTEST_MS

/** The content that the worker's signature covers. `version` is of the credential that was judged. */
export interface VerdictContent {
  readonly organizationId: string
  readonly datasourceId: string
  readonly mode: Mode
  readonly version: number
  readonly status: Status
  /** False while it is active and must not be used all the same. */
  readonly usable: boolean
  /** Past this nothing is used; null when no check of this version has passed. */
  readonly usableUntil: Date | null
}

/** A verdict as its row has it, under the worker's signature together with the row's organization, id, mode and status. */
export interface SignedVerdict {
  readonly version: number
  readonly usable: boolean
  readonly usableUntil: Date | null
  readonly signerId: string
  readonly signature: Buffer
}

/** Until when a check that passed at `at` lets the credential be used: 48 hours or three intervals, at most 14 days. */
export function usableUntil(at: Date, intervalMs: number): Date {
  return new Date(at.getTime() + Math.min(LONGEST_MS, Math.max(SHORTEST_MS, 3 * intervalMs)))
}

/** How a check of one version ended, and what was signed before. */
export interface CheckEnd {
  readonly version: number
  readonly status: Status
  /** Refusals in a row that are to be confirmed: past 0 it is active and not usable. */
  readonly refusals: number
  readonly outcome: 'passed' | 'refused' | 'unreachable'
  readonly at: Date
  readonly intervalMs: number
  /** The verdict before, as a signature that was verified says it; null where there is none. */
  readonly before: VerdictContent | null
}

/**
 * The consequences of a check. One that passed gives new time; one that could not be made, or that the server barred, leaves what
 * was signed over the same version, and gives none; a refusal takes it, and one that is to be confirmed keeps it from being used.
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

/** True when the verdict lets that version be used at `now`. */
export function letsUse(verdict: VerdictContent | null, of: { version: number; now: Date }): boolean {
  if (verdict === null || verdict.version !== of.version) return false
  const { status, usable, usableUntil: until } = verdict
  return status === 'active' && usable && until !== null && until > of.now
}
