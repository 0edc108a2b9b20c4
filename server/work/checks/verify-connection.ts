/**
 * Dials a database and judges the findings: the core of `verify` and `validate`. It writes nothing; its callers act on
 * the verdict.
 */

import type { RolePolicy } from '#server/domain/checks/role/role-findings.ts'
import { otherSchema, type UndialledReason, verifyUndialled } from '#server/domain/checks/undialled.ts'
import { type Verification, verifyProbe } from '#server/domain/checks/verification.ts'
import { repeating } from '#server/domain/checks/withheld.ts'
import type { ProbeOptions } from '#server/net/process/dialler.ts'
import { openingOr } from '#server/seal/held-key.ts'
import { runningTask } from '#server/work/about-task.ts'
import { countUnequal, keptFromTelling } from '#server/work/credentials/login-budgets.ts'
import {
  type Resolved,
  type ResolvedTarget,
  resolveTarget,
  type Unresolved,
} from '#server/work/credentials/resolve-target.ts'
import type { WorkerDeps } from '#server/work/deps.ts'
import type { Advisory } from '#shared/checks/check.ts'
import { type FailureCode, failureSpec } from '#shared/faults/failure.ts'
import type { FaultCode } from '#shared/faults/fault.ts'
import { probeWithinBudget } from './probe-within-budget.ts'

const DEADLINE_MS = 12_000
const UNREADABLE = 'credential_unreadable'
const KEPT = failureSpec('budget_exhausted')
/** Our own failures, which say nothing about the database. */
const UNMADE: ReadonlySet<FailureCode> = new Set<FailureCode>(['budget_exhausted', 'dialler_busy'])

/** A verdict and the target that was dialled for it; `resolved` is null if nothing was dialled. */
export interface VerifiedConnection {
  readonly verification: Verification
  readonly resolved: ResolvedTarget | null
  /** True if the password was sent as MD5. */
  readonly isMd5: boolean
  /**
   * For a check that could not be performed: the earliest time at which it can be, null if unknown. Null for a
   * performed check.
   */
  readonly unmade: { readonly until: Date | null } | null
}

/** The connection under test, and its mode. */
export interface ConnectionUnderTest extends Unresolved {
  readonly schema: string | null
  readonly dbType: string
  readonly rolePolicy: RolePolicy
  readonly isTrusted: boolean
  /** True if the password may be sent as MD5 under a CA certificate supplied by a caller. */
  readonly md5Allowed: boolean
  /** The stored version that is tried; absent if nothing is stored. */
  readonly stored?: { readonly datasourceId: string; readonly version: number }
  /** Called with each checklist item that the dial passes, while it runs. */
  readonly onPassed?: ProbeOptions['onPassed']
}

/** Resolves, dials and judges. Never throws because of a customer, a caller or a server. */
export async function verifyConnection(deps: WorkerDeps, tested: ConnectionUnderTest): Promise<VerifiedConnection> {
  const resolved = await openingOr(
    () => resolveTarget(deps, tested),
    () => null,
  )
  if (resolved === null) {
    deps.log.error({ ...runningTask(), stage: 'open', fault: UNREADABLE }, 'a stored credential could not be opened')
    return undialled(UNREADABLE)
  }
  const keptUntil = await keptFromTold(deps, tested, resolved)
  if (keptUntil !== null) return { ...undialled(KEPT.fault, 'unreachable'), unmade: { until: keptUntil } }
  if (!resolved.ok) return { ...undialled(resolved.reason), ...explained(resolved.why ?? null) }
  const conflict = conflictOf(tested, resolved)
  if (conflict === null) return dialled(deps, tested, resolved)
  return { ...undialled(conflict.fault), ...explained(conflict, resolved.said?.advisories) }
}

function explained(
  why: UndialledReason | null,
  advisories: readonly Advisory[] = [],
): Partial<Pick<VerifiedConnection, 'verification'>> {
  return why === null ? {} : { verification: { ...verifyUndialled(why), advisories: [...advisories] } }
}

/**
 * The conflict of a first registration whose sealed string names another schema than its field: only here are both
 * known.
 */
function conflictOf(
  { schema, inForce, stored }: ConnectionUnderTest,
  { said, target }: ResolvedTarget,
): UndialledReason | null {
  const named = said?.schema ?? null
  const isFirst = inForce === null && (stored === undefined || stored.version === 1)
  if (!isFirst || schema === null || named === null || named === schema) return null
  return otherSchema(repeating(target.password)(named) ? null : named, schema)
}

/**
 * The time until which the result of a comparison with the current credential is neither reported nor dialled; a
 * reported guess counts.
 */
async function keptFromTold(
  deps: WorkerDeps,
  { stored, organizationId }: ConnectionUnderTest,
  { ok, compared }: Resolved,
): Promise<Date | null> {
  if (compared === null || stored === undefined) return null
  const login = { organizationId, target: compared }
  const until = await keptFromTelling(deps, login, stored)
  if (until === null && !ok) await countUnequal(deps, login, stored)
  return until
}

async function dialled(
  deps: WorkerDeps,
  tested: ConnectionUnderTest,
  resolved: ResolvedTarget,
): Promise<VerifiedConnection> {
  const { target, caCertificate } = resolved
  const { dbType, rolePolicy } = tested
  const schema = tested.schema ?? resolved.said?.schema ?? null
  const { end: probe, keptUntil } = await probeWithinBudget(deps, {
    organizationId: tested.organizationId,
    isTrusted: tested.isTrusted,
    stored: tested.stored ?? null,
    onPassed: tested.onPassed,
    request: { target, caCertificate, md5Allowed: tested.md5Allowed, schema, deadlineMs: DEADLINE_MS },
  })
  const asked = { schema, rolePolicy, dbType, target, isCaNamed: caCertificate !== null }
  const found = verifyProbe(probe, {
    ...asked,
    isPasswordAscii: /^[\x20-\x7e]*$/.test(target.password),
    egressAddresses: deps.policy.egressAddresses ?? [],
  })
  const verification = { ...found, advisories: [...found.advisories, ...(resolved.said?.advisories ?? [])] }
  const isUnmade = probe.failure !== null && UNMADE.has(probe.failure.code)
  return {
    verification: verification,
    resolved,
    isMd5: probe.passwordSent === 'md5',
    unmade: isUnmade ? { until: keptUntil } : null,
  }
}

/** The result of a check that dialled nothing. */
export function undialled(reason: FaultCode, outcome: 'refused' | 'unreachable' = 'refused'): VerifiedConnection {
  const verification = { ...refusedUndialled(reason), outcome, retryable: outcome === 'unreachable' }
  return { verification: verification, resolved: null, isMd5: false, unmade: null }
}

/** A verdict reached without dialling. */
export function refusedUndialled(reason: FaultCode): Verification {
  return { checks: [], advisories: [], outcome: 'refused', reason, retryable: false }
}
