/**
 * The state machine of a datasource: its status, and how many consecutive refusals of an active one make the refusal
 * final. One total table, shared by direct datasources and endpoints. Pure; the worker applies it after each check.
 */

import type { Verification } from '#server/domain/checks/verification.ts'
import type { Status } from '#shared/datasources/datasource.ts'
import type { FaultCode } from '#shared/faults/fault.ts'

/**
 * The standing of a datasource: its status and, while active, its consecutive refusals, 0 to 2, and the time of the
 * last counted one.
 */
export interface Standing {
  readonly status: Status
  readonly refusals: number
  readonly refusedAt: Date | null
}

/** A datasource before a check. `isProven` is false if a row claims to be active without a matching verdict. */
export interface StandingBefore extends Standing {
  readonly isProven: boolean
}

/** The minimum time between two refusals that count, and the delay of the check after the first refusal. */
const APART_MS = 60_000
/** The delay of the check after the second refusal, and the maximum wait for any confirming check. */
export const LONGEST_WAIT_MS = 600_000
const AGAIN_MS: Readonly<Record<number, number>> = { 1: APART_MS, 2: LONGEST_WAIT_MS }

type State = 'unverified' | 'unproven' | 'active' | 'refused_once' | 'refused_twice' | 'rejected'
type Event = 'passed' | 'condemned' | 'condemned_early' | 'barred' | 'unreachable'

/**
 * Every state and its response to every verification. A datasource in use is dropped for a finding (`condemned`) and
 * never for an obstacle to finding anything (`barred`, such as a refused password); and never for a single answer,
 * which a stray DNS record or a change in progress can cause: two more checks, some time apart, must find the same.
 */
export const DATASOURCE_TRANSITIONS: Readonly<Record<State, Readonly<Record<Event, State>>>> = {
  unverified: {
    passed: 'active',
    condemned: 'rejected',
    condemned_early: 'rejected',
    barred: 'rejected',
    unreachable: 'unverified',
  },
  unproven: {
    passed: 'active',
    condemned: 'rejected',
    condemned_early: 'rejected',
    barred: 'unproven',
    unreachable: 'unproven',
  },
  active: {
    passed: 'active',
    condemned: 'refused_once',
    condemned_early: 'refused_once',
    barred: 'active',
    unreachable: 'active',
  },
  refused_once: {
    passed: 'active',
    condemned: 'refused_twice',
    condemned_early: 'refused_once',
    barred: 'refused_once',
    unreachable: 'refused_once',
  },
  refused_twice: {
    passed: 'active',
    condemned: 'rejected',
    condemned_early: 'refused_twice',
    barred: 'refused_twice',
    unreachable: 'refused_twice',
  },
  rejected: {
    passed: 'active',
    condemned: 'rejected',
    condemned_early: 'rejected',
    barred: 'rejected',
    unreachable: 'rejected',
  },
}

const STATUS_OF: Readonly<Record<State, { readonly status: Status; readonly refusals: number }>> = {
  unverified: { status: 'unverified', refusals: 0 },
  unproven: { status: 'active', refusals: 0 },
  active: { status: 'active', refusals: 0 },
  refused_once: { status: 'active', refusals: 1 },
  refused_twice: { status: 'active', refusals: 2 },
  rejected: { status: 'rejected', refusals: 0 },
}

/** Refusals by policy or role, for what the check found: the host, the role, the schema, the server. */
const CONDEMNING: ReadonlySet<FaultCode> = new Set([
  'byo_host_not_allowed',
  'byo_role_cannot_enforce_rls',
  'byo_role_unreadable',
  'schema_not_found',
  'server_unsupported',
])

/** True for a refusal that drops a datasource in use once it is confirmed. */
export function isCondemning(reason: FaultCode): boolean {
  return CONDEMNING.has(reason)
}

/** The standing after a verification that ended at `at`. */
export function nextStanding(
  before: StandingBefore,
  { outcome, reason, at }: Pick<Verification, 'outcome' | 'reason'> & { readonly at: Date },
): Standing {
  const event = outcome === 'refused' ? refusalOf(before, { reason, at }) : outcome
  const { status, refusals } = STATUS_OF[DATASOURCE_TRANSITIONS[stateOf(before)][event]]
  const isCounted = refusals > 0 && event === 'condemned'
  return { status, refusals, refusedAt: isCounted ? at : refusals > 0 ? before.refusedAt : null }
}

/** The time of the confirming check; null if no refusal awaits one. */
export function lookAgainAt({ refusals, refusedAt }: Standing): Date | null {
  const ms = waitMs(refusals)
  return ms === null || refusedAt === null ? null : new Date(refusedAt.getTime() + ms)
}

/** The delay of the check after the given number of refusals, in milliseconds; null if none follows. */
export function waitMs(refusals: number): number | null {
  return AGAIN_MS[refusals] ?? null
}

function refusalOf({ refusedAt }: Standing, { reason, at }: { reason: FaultCode | null; at: Date }): Event {
  if (reason === null || !isCondemning(reason)) return 'barred'
  const isEarly = refusedAt !== null && at.getTime() - refusedAt.getTime() < APART_MS
  return isEarly ? 'condemned_early' : 'condemned'
}

function stateOf({ status, refusals, isProven }: StandingBefore): State {
  if (status !== 'active') return status
  if (!isProven) return 'unproven'
  return refusals === 0 ? 'active' : refusals === 1 ? 'refused_once' : 'refused_twice'
}
