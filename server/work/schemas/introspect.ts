/**
 * Introspects a datasource: opens the current credential, reads the catalog, stores a snapshot if it differs from the
 * last, and the drift between them. Requested by a caller (once, and awaited) or scheduled (standing).
 */

import { newId } from '#server/domain/access/ids.ts'
import { backoffMs, jittered, UNREACHABLE } from '#server/domain/network/backoff.ts'
import type { TaskOutcome } from '#server/domain/tasks/contract.ts'
import type { FinishedSnapshot } from '#server/net/catalog/finish-catalog.ts'
import { openingOr } from '#server/seal/held-key.ts'
import * as sealed from '#server/store/credentials/sealed.ts'
import * as changes from '#server/store/database/changes.ts'
import * as datasources from '#server/store/datasources/datasources.ts'
import { lockDatasource } from '#server/store/locks/lock-datasources.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'
import { assertHeld } from '#server/store/tasks/claim-hold.ts'
import { release } from '#server/store/tasks/claim-release.ts'
import * as claims from '#server/store/tasks/claims.ts'
import { runningTask } from '#server/work/about-task.ts'
import { readCatalogWithinBudget } from '#server/work/checks/probe-within-budget.ts'
import { onceFound, requestUnsigned, usableOrAwaited } from '#server/work/credentials/await-check.ts'
import { openInForce, openPayload } from '#server/work/credentials/open.ts'
import { resolveTarget } from '#server/work/credentials/resolve-target.ts'
import { isUsable } from '#server/work/credentials/standing.ts'
import { asWorker, type WorkerDeps } from '#server/work/deps.ts'
import { logRefused } from '#server/work/refused-task.ts'
import { type FailureCode, failureSpec } from '#shared/faults/failure.ts'
import type { Fault, FaultCode } from '#shared/faults/fault.ts'
import type { TaskFault } from '#shared/faults/task-fault.ts'
import { byCodeUnit } from '#shared/schemas/snapshot-parts.ts'
import {
  type Covered,
  keepUnchanged,
  lastSnapshot,
  type SavedSnapshot,
  type StoredSnapshot,
  saveSnapshot,
} from './save-snapshot.ts'

const DEADLINE_MS = 25_000

/** A catalog is read at least once a week, for its estimates change without DDL. */
const READ_EVERY_MS = 7 * 24 * 60 * 60 * 1000

type Found =
  | {
      readonly snapshot: FinishedSnapshot
      readonly digest: string | null
      readonly covered: Covered
      readonly comparedWith: string | null
    }
  | { readonly unchanged: string; readonly covered: Covered }
  | (TaskFault & {
      /** The server refused the credential: retry no sooner than its next check. */
      readonly isRefused?: boolean
    })

/** Performs an `introspect` task. */
export async function handleIntrospect(deps: WorkerDeps, claim: claims.ClaimOf<'introspect'>): Promise<void> {
  const { organizationId: org, datasourceId: id } = claim
  const row = await sealed.datasource(deps.db, org, id)
  if (row === undefined) return endIdle(deps, claim, { id, fault: 'entity_not_found' })
  // An untrusted datasource is not read. The verdict that trusts it again makes its standing task due.
  const use = claim.standing ? await standingUse(deps, row) : await usableOrAwaited(deps, claim, row)
  if (use === null) return
  if (use !== 'usable') return endIdle(deps, claim, { id, ...use })
  const { schemas } = claim.standing ? { schemas: null } : await openPayload(deps, claim, 'introspect')
  const asked = { schemas, byDigest: claim.standing }
  const found = row.kind === 'direct' ? await describe(deps, row, asked) : { fault: 'entity_not_found' as const }
  if ('fault' in found) logRefused(deps, claim, { fault: found.fault })
  const isSettled = await asWorker(deps, org, unit => settle(deps, unit, { claim, row, found }))
  // Another snapshot was stored in the meantime, so this one's drift has the wrong base: read the catalog again.
  if (!isSettled) await release(deps.db, claim, deps.clock())
  deps.notifications.ring(isSettled ? 'news' : 'work', claim.organizationId)
}

/** Nobody waits for a standing task: if no verdict allows it, the next check that does makes it due. */
async function standingUse(deps: WorkerDeps, row: sealed.SealedDatasource): Promise<'usable' | TaskFault> {
  if (isUsable(deps, row)) return 'usable'
  await requestUnsigned(deps, row)
  return { fault: 'conflict' }
}

/**
 * Nothing to introspect: the datasource was removed or rejected in the meantime. A caller who made a request gets this
 * answer.
 */
async function endIdle(
  deps: WorkerDeps,
  claim: claims.Claim,
  { id, ...outcome }: TaskFault & { id: string },
): Promise<void> {
  logRefused(deps, claim, outcome)
  if (claim.standing) await asWorker(deps, claim.organizationId, unit => settleIdle(deps, unit, { claim, id }))
  else await claims.finish(deps.db, claim, outcome satisfies TaskOutcome<'introspect'>)
  deps.notifications.ring('news', claim.organizationId)
}

/** Under the datasource's lock: a verdict may have made it usable since it was read, while the task was still due. */
async function settleIdle(
  deps: WorkerDeps,
  unit: UnitOfWork,
  { claim, id }: { claim: claims.Claim; id: string },
): Promise<void> {
  const { now } = unit
  const held = await lockDatasource(unit, { id })
  const row = held === undefined ? undefined : await sealed.datasource(unit.tx, unit.org, id)
  const isBack = row !== undefined && isUsable(deps, row)
  await claims.settle(unit.tx, claim, { dueAt: isBack ? now : null, now, failed: false })
}

const UNREADABLE = { fault: 'credential_unreadable' } as const

/** The schemas to read, and whether the digest of the catalog may say that there is nothing to read: nobody asked. */
interface Asked {
  readonly schemas: string[] | null
  readonly byDigest: boolean
}

async function describe(deps: WorkerDeps, row: sealed.SealedDatasource, asked: Asked): Promise<Found> {
  const { schemas, byDigest } = asked
  const organizationId = row.org_id
  const { current } = row
  if (current === null) return UNREADABLE
  const describes = async (): Promise<Found> => {
    const secret = openInForce(deps, row, current)
    const resolved = await resolveTarget(deps, { organizationId, secret, inForce: null })
    if (!resolved.ok) return { fault: resolved.reason }
    const { target, caCertificate } = resolved
    const covered = coveredBy(row, schemas)
    const stored = await lastSnapshot(deps.db, organizationId, covered)
    const last = stored?.last ?? null
    const digest = byDigest ? { digest: freshDigest(deps, stored) } : {}
    const catalog = { schemas, excludedSchemas: row.excluded_schemas ?? [] }
    const { md5Allowed } = current
    const request = { target, caCertificate, md5Allowed, catalog, last, ...digest, deadlineMs: DEADLINE_MS }
    const described = await readCatalogWithinBudget(deps, { organizationId, request })
    if (described.failure !== null) return failed(described.failure.code)
    if (described.finding === null) return { fault: 'introspection_failed' }
    if ('fault' in described.finding) return refused(deps, row, described.finding.fault)
    if (!('unchanged' in described.finding)) return { ...described.finding, covered, comparedWith: stored?.id ?? null }
    return stored === null ? { fault: 'introspection_failed' } : { unchanged: stored.id, covered }
  }
  return openingOr(describes, () => UNREADABLE)
}

function freshDigest(deps: WorkerDeps, stored: StoredSnapshot | null): string | null {
  if (stored === null || stored.digestAt === null) return null
  return deps.clock().getTime() - stored.digestAt.getTime() < READ_EVERY_MS ? stored.digest : null
}

function coveredBy(row: sealed.SealedDatasource, schemas: readonly string[] | null): Covered {
  const sorted = (names: readonly string[]) => [...new Set(names)].sort(byCodeUnit)
  const excluded = schemas === null ? sorted(row.excluded_schemas ?? []) : []
  return { datasourceId: row.id, schemasAsked: schemas && sorted(schemas), excludedSchemas: excluded }
}

/** Refused rows. The fault names the bound that they exceeded, and contains none of their content. */
function refused(deps: WorkerDeps, row: sealed.SealedDatasource, fault: Fault): Found {
  const { code, issues } = fault
  const about = { ...runningTask(), datasourceId: row.id, fault: code, stage: 'catalog' }
  deps.log.warn({ ...about, bound: issues[0]?.ctx }, 'a catalog was refused')
  return { fault: code, issues }
}

/** The caller's fault: the database is unreachable, may not be dialled, or its schema could not be read. */
function failed(code: FailureCode): Found {
  const { fault } = failureSpec(code)
  const reported: readonly FaultCode[] = ['database_unreachable', 'rate_limit_exceeded']
  // A statement that was cancelled, by a lock or a timeout, had been sent: the database was reached.
  const isReported = reported.includes(fault) && code !== 'query_timeout'
  const isRefused = code === 'password_refused' || code === 'login_refused'
  if (fault === 'byo_host_not_allowed') return onceFound(fault)
  return { fault: isReported ? fault : 'introspection_failed', isRefused }
}

async function settle(
  deps: WorkerDeps,
  unit: UnitOfWork,
  { claim, row, found }: { claim: claims.Claim; row: sealed.SealedDatasource; found: Found },
): Promise<boolean> {
  const { now } = unit
  if ((await lockDatasource(unit, { id: row.id })) === undefined) return true
  if ('fault' in found) {
    const isRefused = found.isRefused === true
    await settleTask(deps, unit, { claim, row, isFailed: true, isRefused, outcome: outcomeOf(found) })
    return true
  }
  if (!(await assertHeld(unit.tx, claim))) return true
  const kept = await keep(unit, found)
  if (kept === null) return false
  await settleTask(deps, unit, { claim, row, isFailed: false, outcome: outcomeOf(kept) })
  await datasources.update(unit, { id: row.id, set: { introspected_at: now } })
  changes.append(unit, { datasourceId: row.id, change: kept.drifted ? 'drifted' : 'introspected' })
  return true
}

function keep(unit: UnitOfWork, found: Exclude<Found, TaskFault>): Promise<SavedSnapshot | null> {
  const { covered, ...taken } = found
  if ('unchanged' in taken) return keepUnchanged(unit, { ...covered, id: taken.unchanged })
  return saveSnapshot(unit, { id: newId(), ...covered, ...taken })
}

function outcomeOf(result: SavedSnapshot | Extract<Found, TaskFault>): TaskOutcome<'introspect'> {
  if (!('fault' in result)) return { snapshotId: result.id, changed: result.changed }
  const { isRefused: _, ...outcome } = result
  return outcome
}

interface Ended {
  readonly row: sealed.SealedDatasource
  readonly isFailed: boolean
  readonly isRefused?: boolean
}

async function settleTask(
  deps: WorkerDeps,
  unit: UnitOfWork,
  ended: Ended & { claim: claims.Claim; outcome: TaskOutcome<'introspect'> },
): Promise<void> {
  const { claim, isFailed } = ended
  if (!claim.standing) return void (await claims.finish(unit.tx, claim, ended.outcome))
  await claims.settle(unit.tx, claim, { dueAt: nextDue(deps, claim, ended), now: unit.now, failed: isFailed })
}

function nextDue(deps: WorkerDeps, claim: claims.Claim, { row, isFailed, isRefused = false }: Ended): Date {
  const now = deps.clock().getTime()
  if (isFailed && !isRefused) return new Date(now + backoffMs(claim.attempts, UNREACHABLE, deps.random()))
  const { checkIntervalSeconds } = row.settings
  const intervalMs = checkIntervalSeconds === null ? deps.checkIntervalMs : checkIntervalSeconds * 1000
  return new Date(now + jittered(intervalMs, deps.random()))
}
