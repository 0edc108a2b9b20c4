/**
 * Verifies a signed endpoint and advances its rotation: writes the verdict, the key and the next check in the
 * transaction that settles the task. A new key that is accepted alone retires the old one; one that is not accepted
 * within the window is destroyed.
 */

import { newId } from '#server/domain/access/ids.ts'
import type { CredentialContext } from '#server/domain/access/sealed.ts'
import { nextStanding, type Standing } from '#server/domain/datasources/status.ts'
import { type Backoff, backoffMs } from '#server/domain/network/backoff.ts'
import * as credentialMarks from '#server/store/credentials/credential-marks.ts'
import * as credentials from '#server/store/credentials/credentials.ts'
import * as sealed from '#server/store/credentials/sealed.ts'
import * as changes from '#server/store/database/changes.ts'
import * as datasources from '#server/store/datasources/datasources.ts'
import * as verdicts from '#server/store/datasources/verdicts.ts'
import * as feeds from '#server/store/feeds/feeds.ts'
import { lockDatasource } from '#server/store/locks/lock-datasources.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'
import { assertHeld } from '#server/store/tasks/claim-hold.ts'
import * as claims from '#server/store/tasks/claims.ts'
import * as tasks from '#server/store/tasks/tasks.ts'
import { aboutTask } from '#server/work/about-task.ts'
import { aboutVerdict } from '#server/work/checks/about-verdict.ts'
import { displayedReason, standingBefore } from '#server/work/checks/confirm.ts'
import { refusedUndialled } from '#server/work/checks/verify-connection.ts'
import {
  type EndpointKeys,
  endpointCanonical,
  endpointKeys,
  endpointLogin,
} from '#server/work/credentials/endpoint-keys.ts'
import { uncount } from '#server/work/credentials/login-budgets.ts'
import { lookAgainMs, nextCheck } from '#server/work/credentials/next-check.ts'
import { currentKey } from '#server/work/credentials/open.ts'
import { recordRotation } from '#server/work/credentials/record-rotation.ts'
import { signedVerdict } from '#server/work/credentials/standing.ts'
import { asWorker, type WorkerDeps } from '#server/work/deps.ts'
import { type EndpointVerification, type Findings, probeEndpoint } from './probe-endpoint.ts'

/**
 * The backoff between attempts with a new key: soon after it arrives, and often enough to notice it within a day's
 * window.
 */
const ROTATION: Backoff = { baseMs: 5_000, maxMs: 300_000 }

const NOT_ACCEPTED =
  'The new signing key was not accepted in time and was destroyed; requests are signed with the old one.'

/** The values to write. */
interface Outcome extends Findings {
  readonly row: sealed.SealedDatasource
  readonly after: Standing
  readonly dueAt: Date | null
  /** The values to write for the judged or accepted credential; null if nothing changed. */
  readonly marks: { readonly context: CredentialContext; readonly marks: credentialMarks.Marks } | null
}

/** Performs a `verify` task of an endpoint. */
export async function verifyEndpoint(
  deps: WorkerDeps,
  claim: claims.Claim,
  { row, tried }: { row: sealed.SealedDatasource; tried: sealed.SealedCredential },
): Promise<void> {
  const keys = endpointKeys(deps, row)
  const findings = keys === null ? unreadable(tried) : await probeEndpoint(deps, row, keys)
  const before = standingBefore(deps, row)
  const { verified } = findings
  const after = verified === null ? before : nextStanding(before, { ...verified.verification, at: deps.clock() })
  const dueAt = nextDue(deps, claim, { ...findings, row, after })
  const marks = keys === null ? null : await marksOf(deps, keys, findings)
  await asWorker(deps, claim.organizationId, unit =>
    settle(deps, unit, { claim, outcome: { ...findings, row, after, dueAt, marks } }),
  )
  if (keys !== null && findings.rotation?.decision === 'retire_old')
    await uncount(deps, endpointLogin(row.org_id, keys.url), findings.rotation.credential.context)
  if (verified !== null) countVerdict(deps, verified)
  const { rotation } = findings
  const about = verified === null ? { ...aboutTask(claim), stage: 'check' } : aboutVerdict(claim, verified.verification)
  deps.log.info({ ...about, ...(rotation === null ? {} : { rotation: rotation.decision }) }, 'verified')
  deps.notifications.ring('news', claim.organizationId)
  deps.notifications.ring('work')
}

function countVerdict(
  { meter }: WorkerDeps,
  { verification: { outcome, reason }, tookMs }: EndpointVerification,
): void {
  meter.count('mooring_verdicts_total', { kind: 'endpoint', outcome, reason: reason ?? 'none' })
  meter.observe('mooring_verdict_seconds', { kind: 'endpoint' }, tookMs / 1000)
}

function unreadable(credential: sealed.SealedCredential): Findings {
  const verification = refusedUndialled('credential_unreadable')
  return { verified: { credential, verification: verification, requestedAt: null, tookMs: 0 }, rotation: null }
}

/** An accepted new key is sealed with its URL, in the stored form; a credential that passed has a fingerprint. */
async function marksOf(
  deps: WorkerDeps,
  { url, current }: EndpointKeys,
  findings: Findings,
): Promise<Outcome['marks']> {
  const { verified, rotation } = findings
  const fingerprintOf = (key: string) => deps.fingerprinter.of(organizationIdOf(findings), endpointCanonical(url, key))
  if (rotation?.decision === 'retire_old' && rotation.key !== null) {
    const { context } = rotation.credential
    const to = await currentKey(deps, context.organizationId)
    const resealed = deps.sealer.sealCredential(to, context, { kind: 'endpoint', url, signingKey: rotation.key })
    return {
      context,
      marks: { fingerprint: fingerprintOf(rotation.key), md5Allowed: false, loginHash: null, resealed },
    }
  }
  if (verified?.verification.outcome !== 'passed' || current === null || verified.credential !== current.credential)
    return null
  const fingerprint = fingerprintOf(current.key)
  const { fingerprint: known, context } = current.credential
  const isKnown = known?.text === fingerprint.text && known.keyId === fingerprint.keyId
  return isKnown ? null : { context, marks: { fingerprint, md5Allowed: false, loginHash: null, resealed: null } }
}

function organizationIdOf({ verified, rotation }: Findings): string {
  return (verified ?? rotation)?.credential.context.organizationId ?? ''
}

/** Takes locks in the global order: datasource, tasks, feed. */
async function settle(
  deps: WorkerDeps,
  unit: UnitOfWork,
  { claim, outcome }: { claim: claims.Claim; outcome: Outcome },
): Promise<void> {
  const { row, verified, rotation, after, dueAt } = outcome
  const { now } = unit
  if ((await lockDatasource(unit, { id: row.id })) === undefined) return
  if (!(await assertHeld(unit.tx, claim))) return
  const failed = verified?.verification.outcome === 'unreachable' || rotation?.decision === 'wait'
  const next = { dueAt, now, failed }
  // Another key arrived while this one was tried: that one needs a verdict, and the task is due again.
  if (!(await isStill(unit, outcome))) return void (await claims.settle(unit.tx, claim, next))
  if (verified?.verification.outcome === 'passed')
    await tasks.request(unit, { id: newId(), kind: 'poll', datasourceId: row.id })
  await moveKeys(unit, outcome)
  await feeds.ensure(unit, { datasourceId: row.id, intervalMs: deps.feeds.pace.fastMs })
  await writeFeed(unit, outcome)
  if (verified !== null) {
    const state = rotation?.decision === 'retire_old' ? 'current' : verified.credential.state
    const verdict = verdictOf(row.id, verified, now)
    const reason = displayedReason(row, {
      after,
      reason: verified.verification.reason,
      isNotCurrent: state === 'pending',
    })
    const signed = state === 'pending' ? null : signedVerdict(deps, row, { ...verdict, ...after })
    // A request that was never sent says nothing about the endpoint.
    const isMade = verdict.outcome !== 'unreachable' || verified.requestedAt !== null
    const settlement = { verdict, state, after, reason, signed, dueAt, failed, isMade, introspection: null }
    return verdicts.settle(unit.tx, claim, settlement)
  }
  await claims.settle(unit.tx, claim, next)
  await datasources.update(unit, { id: row.id, set: { next_check_at: dueAt } })
  changes.append(unit, { datasourceId: row.id, change: 'updated' })
}

function verdictOf(
  datasourceId: string,
  { credential, verification, tookMs }: EndpointVerification,
  at: Date,
): verdicts.Verdict {
  const { outcome, reason, checks, advisories } = verification
  const { version } = credential.context
  return { id: newId(), datasourceId, version, at, tookMs, outcome, reason, checks, advisories }
}

async function isStill(unit: UnitOfWork, { row, verified, rotation }: Outcome): Promise<boolean> {
  const live = await credentials.live(unit.tx, unit.org, row.id)
  const tried = [verified?.credential, rotation?.credential].filter(one => one !== undefined)
  const pending = live.find(one => one.state === 'pending')?.version
  if (pending !== rotation?.credential.context.version && verified?.verification.reason !== 'credential_unreadable')
    return false
  return tried.every(one => live.some(found => found.version === one.context.version && found.state === one.state))
}

async function moveKeys(unit: UnitOfWork, { rotation, marks }: Outcome): Promise<void> {
  if (marks !== null) await credentialMarks.mark(unit.tx, marks.context, marks.marks)
  if (rotation === null || rotation.decision === 'wait') return
  const { context } = rotation.credential
  if (rotation.decision === 'destroy_new') {
    await credentials.destroyVersion(unit, context)
    return
  }
  await sealed.promote(unit, context)
  await recordRotation(unit, context, rotation.requestedBy)
}

async function writeFeed(unit: UnitOfWork, { row, verified, rotation }: Outcome): Promise<void> {
  const datasourceId = row.id
  const requestedAt = verified?.requestedAt ?? rotation?.requestedAt ?? null
  // An attempt with the new key alone is a request, but its refusal is no failure of the key in use.
  const set = {
    ...(requestedAt === null ? {} : { last_request_at: requestedAt }),
    ...(rotation === null ? {} : { rotation_error: rotation.decision === 'destroy_new' ? NOT_ACCEPTED : null }),
  }
  if (Object.keys(set).length > 0) await feeds.update(unit, { datasourceId, set })
  if (verified === null || verified.requestedAt === null) return
  if (verified.verification.outcome === 'passed') {
    await feeds.recordSuccess(unit, { datasourceId, requestedAt: verified.requestedAt, answeredAt: unit.now })
    return
  }
  const actual = verified.verification.checks.find(check => check.outcome === 'fail')?.actual ?? 'no usable answer'
  const error = `The last check failed: ${actual}.`
  await feeds.recordFailure(unit, { datasourceId, requestedAt: verified.requestedAt, error })
}

/** The time of the next check: soon for a pending key, otherwise on the usual schedule. */
function nextDue(
  deps: WorkerDeps,
  claim: claims.Claim,
  { verified, rotation, row, after }: Findings & { row: sealed.SealedDatasource; after: Standing },
): Date | null {
  const nowMs = deps.clock().getTime()
  if (rotation?.decision === 'destroy_new') return new Date(nowMs)
  if (rotation?.decision === 'wait') {
    const endsAtMs = rotation.credential.createdAt.getTime() + deps.feeds.rotationWindowMs
    const backedOffMs = backoffMs(claim.attempts, ROTATION, deps.random())
    const soonMs = nowMs + Math.min(backedOffMs, lookAgainMs(after, nowMs) ?? backedOffMs)
    // After the window ends, an endpoint that could not be asked is asked again, no sooner than before.
    return new Date(endsAtMs > nowMs ? Math.min(soonMs, endsAtMs) : soonMs)
  }
  return nextCheck(deps, claim, { outcome: verified?.verification.outcome ?? 'passed', after, row })
}
