/**
 * Verifies a datasource: opens its credential, dials, judges the findings, and writes the verdict and the next check in
 * the transaction that settles the task. The pending credential is tried before the current one; a pending one that is
 * refused is destroyed and changes nothing else.
 */

import { newId } from '#server/domain/access/ids.ts'
import type { RequestedBy } from '#server/domain/access/sealed.ts'
import { CREDENTIAL_TRANSITIONS } from '#server/domain/datasources/credential-state.ts'
import { nextStanding, waitMs } from '#server/domain/datasources/status.ts'
import { openingOr, SealBroken } from '#server/seal/held-key.ts'
import * as credentialMarks from '#server/store/credentials/credential-marks.ts'
import * as credentials from '#server/store/credentials/credentials.ts'
import * as sealed from '#server/store/credentials/sealed.ts'
import { transaction } from '#server/store/database/db.ts'
import * as datasources from '#server/store/datasources/datasources.ts'
import * as registration from '#server/store/datasources/registration.ts'
import * as verdicts from '#server/store/datasources/verdicts.ts'
import { type LockedDatasource, lockDatasource } from '#server/store/locks/lock-datasources.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'
import { assertHeld } from '#server/store/tasks/claim-hold.ts'
import * as claims from '#server/store/tasks/claims.ts'
import { runningTask } from '#server/work/about-task.ts'
import { aboutVerdict } from '#server/work/checks/about-verdict.ts'
import { verifyEndpoint } from '#server/work/checks/verify-endpoint.ts'
import { intervalMs, nextCheck } from '#server/work/credentials/next-check.ts'
import { openCredential, openInForce } from '#server/work/credentials/open.ts'
import { recordRotation } from '#server/work/credentials/record-rotation.ts'
import { isMoved, isTrusted, lacksVerdict, signedVerdict } from '#server/work/credentials/standing.ts'
import { asWorker, type WorkerDeps } from '#server/work/deps.ts'
import { directNaturalKey } from '#shared/base/datasource-name.ts'
import { withoutEqual } from './compare.ts'
import { displayedReason, standingBefore } from './confirm.ts'
import { marksOf } from './credential-marks.ts'
import { tellingProgress } from './tell-progress.ts'
import { type ConnectionUnderTest, undialled, type VerifiedConnection, verifyConnection } from './verify-connection.ts'

/** Performs a `verify` task. */
export async function handleVerify(deps: WorkerDeps, claim: claims.ClaimOf<'verify'>): Promise<void> {
  const found = await sealed.datasource(deps.db, claim.organizationId, claim.datasourceId)
  const row = found === undefined ? undefined : await withoutEqual(deps, found)
  const tried = row === undefined ? null : await toTry(deps, claim, row)
  if (row === undefined || tried === null) return settleIdle(deps, claim)
  if (row.kind === 'endpoint') return verifyEndpoint(deps, claim, { row, tried: row.current ?? tried })
  const startedAt = performance.now()
  await tellingProgress(deps, claim, async onPassed => {
    const verified = await tryCredential(deps, { row, tried, onPassed })
    await settle(deps, claim, { row, tried, ...verified, tookMs: Math.round(performance.now() - startedAt) })
  })
}

/**
 * Chooses between the pending and the current credential. A pending one may stay unreachable forever: between two
 * attempts with it the current one is still checked on schedule, or a caller who rotates could switch the checks off.
 */
async function toTry(
  deps: WorkerDeps,
  claim: claims.Claim,
  row: sealed.SealedDatasource,
): Promise<sealed.SealedCredential | null> {
  const { pending, current } = row
  if (pending === null || current === null || row.kind === 'endpoint') return pending ?? current
  // A rejected datasource is not checked on a schedule, and a pending credential that was never tried goes first.
  const isWanted = lacksVerdict(deps, row)
  if (row.status === 'rejected' || (claim.attempts < 2 && !isWanted)) return pending
  const tried = await verdicts.last(deps.db, claim.organizationId, pending.context)
  if (tried === null) return pending
  const last = await verdicts.last(deps.db, claim.organizationId, current.context)
  // Without a verdict nothing can be used: the two alternate, so that neither keeps the other from being tried.
  if (isWanted) return last === null || last.at <= tried.at ? current : pending
  const everyMs = waitMs(row.refusals) ?? intervalMs(deps, row)
  const isOverdue = last === null || deps.clock().getTime() - last.at.getTime() >= everyMs
  return isOverdue ? current : pending
}

/** There is nothing to verify: the datasource was removed in the meantime. */
async function settleIdle(deps: WorkerDeps, claim: claims.Claim): Promise<void> {
  await transaction(deps.db, tx => claims.settle(tx, claim, { dueAt: null, now: deps.clock(), failed: false }))
  deps.notifications.ring('news', claim.organizationId)
}

interface Tried {
  readonly row: sealed.SealedDatasource
  readonly tried: sealed.SealedCredential
}

interface Outcome extends Tried, VerifiedConnection {
  readonly tookMs: number
  /** The values to write for the tried credential; null if nothing changed. */
  readonly marks: credentialMarks.Marks | null
  readonly requestedBy: RequestedBy | null
}

async function tryCredential(
  deps: WorkerDeps,
  { row, tried, onPassed }: Tried & Pick<ConnectionUnderTest, 'onPassed'>,
): Promise<VerifiedConnection & Pick<Outcome, 'marks' | 'requestedBy'>> {
  const { context } = tried
  const { organizationId } = context
  const opened = async () => {
    // Opens nothing for a row that was moved to the other mode: a new verdict would belong to that mode.
    if (isMoved(deps, row)) throw new SealBroken()
    const isInForce = tried.state === 'current'
    const secret = isInForce ? openInForce(deps, row, tried) : openCredential(deps, tried)
    const about = {
      organizationId,
      secret,
      inForce: isInForce ? null : row.current,
      schema: row.schema,
      dbType: row.db_type ?? 'postgresql',
      rolePolicy: row.settings.rolePolicy,
      isTrusted: isInForce && isTrusted(deps, row),
      md5Allowed: isInForce && row.status === 'active' && tried.md5Allowed,
      stored: context,
      onPassed,
    }
    const verified = await verifyConnection(deps, about)
    const requestedBy = 'requestedBy' in secret ? (secret.requestedBy ?? null) : null
    return { ...verified, requestedBy, marks: await marksOf(deps, { tried, secret, verified: verified }) }
  }
  const unreadable = () => {
    const why = { stage: 'open', fault: 'credential_unreadable', keyId: tried.sealed.keyId } as const
    deps.log.error({ ...runningTask(), ...context, ...why }, 'a stored credential could not be opened')
    return { ...undialled(why.fault), marks: null, requestedBy: null }
  }
  return openingOr(opened, unreadable)
}

async function settle(deps: WorkerDeps, claim: claims.Claim, ended: Outcome): Promise<void> {
  const { verification, row, tried, tookMs, unmade } = ended
  const { outcome, reason, checks, advisories } = verification
  const now = deps.clock()
  const isRotation = tried.state === 'pending'
  const isNotCurrent = CREDENTIAL_TRANSITIONS[tried.state][outcome] !== 'current'
  const before = standingBefore(deps, row)
  const after = isNotCurrent ? before : nextStanding(before, { outcome, reason, at: now })
  // A waiting pending credential is tried again at once, and then on its previous schedule.
  const isBetween = !isRotation && row.pending !== null
  const dueAt = isBetween ? now : nextCheck(deps, claim, { outcome, after, row, until: unmade?.until ?? null })
  const { version } = tried.context
  const at = { datasourceId: row.id, version, at: now, tookMs }
  const settlement = {
    verdict: { id: newId(), ...at, outcome, reason, checks, advisories },
    after,
    reason: displayedReason(row, { after, reason, isNotCurrent }),
    signed: isNotCurrent ? null : signedVerdict(deps, row, { version, ...after, outcome, at: now }),
    dueAt,
    isMade: unmade === null,
    failed: isBetween || outcome === 'unreachable',
    // A usable datasource is also introspected, from the next interval on; a caller may request it sooner.
    introspection: after.status === 'active' && after.refusals === 0 && dueAt !== null ? newId() : null,
  }
  if (isRotation)
    await asWorker(deps, claim.organizationId, unit => settleMoving(unit, claim, { ...settlement, ...ended }))
  else await verdicts.settle(deps.db, claim, { ...settlement, state: 'current', marks: ended.marks })
  deps.meter.count('mooring_verdicts_total', { kind: 'direct', outcome, reason: reason ?? 'none' })
  deps.meter.observe('mooring_verdict_seconds', { kind: 'direct' }, tookMs / 1000)
  deps.log.info({ ...aboutVerdict(claim, verification), tookMs }, 'verified')
  deps.notifications.ring('news', claim.organizationId)
}

/**
 * Settles a check that also changes which credential is current. Locks the datasource first, then its task, as every
 * change of one does.
 */
async function settleMoving(
  unit: UnitOfWork,
  claim: claims.Claim,
  settled: Outcome & Omit<verdicts.SettledVerification, 'state'>,
): Promise<void> {
  const { tried, marks, verification } = settled
  const { datasourceId } = tried.context
  const held = await lockDatasource(unit, { id: datasourceId })
  if (held === undefined || !(await assertHeld(unit.tx, claim))) return
  const isMoving = await isStill(unit, tried)
  if (isMoving && marks !== null) await credentialMarks.mark(unit.tx, tried.context, marks)
  const state = isMoving ? CREDENTIAL_TRANSITIONS[tried.state][verification.outcome] : tried.state
  if (state !== tried.state && state === 'current') {
    await putInForce(unit, settled, held)
    await recordRotation({ ...unit, now: settled.verdict.at }, tried.context, settled.requestedBy)
  } else if (state !== tried.state && state === 'retired')
    await credentials.destroy(unit, { datasourceId, state: 'pending' })
  // The marks are written above, before a refused credential is destroyed: written again, they would bring back its box.
  await verdicts.settle(unit.tx, claim, { ...settled, state, marks: null })
}

/**
 * Puts the verified credential in the place of the previous one; if its target differs, the datasource shows the new
 * one.
 */
async function putInForce(
  unit: UnitOfWork,
  { tried, resolved, verdict }: Tried & VerifiedConnection & Pick<verdicts.SettledVerification, 'verdict'>,
  held: LockedDatasource,
): Promise<void> {
  await sealed.promote(unit, tried.context)
  if (resolved === null) return
  const { host, port, database, tlsMode } = resolved.target
  // Read under the lock: the schema may have changed during the dial.
  const { mode, schema } = held
  const identity = held.identity === null ? null : directNaturalKey({ mode, host, port, database, schema })
  // A natural key that another datasource has stays there: this datasource continues without one.
  const isMoved = identity !== null && identity !== held.identity
  const isTaken = isMoved && (await registration.isTaken(unit, { identity, by: held.id }))
  const set = { host, port, database, tls_mode: tlsMode, ...(isMoved ? { identity: isTaken ? null : identity } : {}) }
  await datasources.update(unit, { id: held.id, set, changedAt: verdict.at })
}

async function isStill(unit: UnitOfWork, tried: sealed.SealedCredential): Promise<boolean> {
  const live = await credentials.live(unit.tx, unit.org, tried.context.datasourceId)
  return live.some(credential => credential.version === tried.context.version && credential.state === tried.state)
}
