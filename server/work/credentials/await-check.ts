/**
 * Handles tasks whose credential no verdict allows to be used: if a caller waits, requests a check, releases the claim,
 * and continues the task when the check is settled; if nobody waits, the check makes the task due again.
 */
import { newId } from '#server/domain/access/ids.ts'
import { lookAgainAt } from '#server/domain/datasources/status.ts'
import { KeyLacking } from '#server/seal/held-key.ts'
import type { SealedDatasource } from '#server/store/credentials/sealed.ts'
import * as checkRequests from '#server/store/datasources/check-requests.ts'
import { isMadeSince } from '#server/store/tasks/claim-hold.ts'
import type { Claim } from '#server/store/tasks/claims.ts'
import { asWorker, type WorkerDeps } from '#server/work/deps.ts'
import { FAULTS, type FaultCode, isFaultCode } from '#shared/faults/fault.ts'
import { currentCode } from '#shared/faults/fault-names.ts'
import type { TaskFault } from '#shared/faults/task-fault.ts'
import { isUnknown, isUnsigned, isUsable, lacksVerdict } from './standing.ts'

/** The polling interval of a task that waits for a check. */
const LOOK_MS = 100
/** How long after its creation a task may request another check, if a check left no signature. */
const ASKED_AGAIN_MS = 15_000

/**
 * The highest token at which a worker that lacks a verdict's key leaves the task to another worker: its first three
 * claims.
 */
const HANDED_ON = 5

/** The retry time after a single dial found a problem that no check has found. */
const ONCE_FOUND_S = 60

/**
 * Returns `usable`, or the fault to answer; null if the claim was released because a check that may help is in
 * progress. A task does not request a second check after one that brought no verdict.
 */
export async function usableOrAwaited(
  deps: WorkerDeps,
  claim: Claim & { readonly datasourceId: string },
  row: SealedDatasource,
): Promise<'usable' | TaskFault | null> {
  if (isUsable(deps, row)) return 'usable'
  // Another worker may have the key of the verdict's signer. If none does, a check helps.
  if (row.verdict !== null && isUnknown(deps, row) && claim.token <= HANDED_ON)
    throw new KeyLacking(row.verdict.signerId)
  if (!lacksVerdict(deps, row)) return refusedMeanwhile(deps, row)
  const { awaits } = claim
  // Read in the same statement as the row: a check settled after the row was read may have made it usable.
  const isSettled = awaits !== null && row.checks_settled >= awaits
  if (isSettled && !(await mayAskAgain(deps, claim, row))) return { fault: whyNot(row) }
  await asWorker(deps, claim.organizationId, unit => {
    const asked = { taskId: newId(), dueAt: new Date(unit.now.getTime() + LOOK_MS) }
    return checkRequests.awaitCheck(unit, isSettled ? { ...claim, awaits: null } : claim, asked)
  })
  // Sends no notification: this worker now has a free slot, while a worker of the last release would sign no verdict.
  return null
}

/**
 * A check that passed without a signature was made by a worker of the last release, which runs alongside this one
 * during a deploy and may be faster: for a short time, another check may be requested.
 */
async function mayAskAgain(deps: WorkerDeps, claim: Claim, row: SealedDatasource): Promise<boolean> {
  if (row.status_reason !== null || !isUnsigned(deps, row)) return false
  return isMadeSince(deps.db, claim, new Date(deps.clock().getTime() - ASKED_AGAIN_MS))
}

/** Requests a check of an unsigned datasource for work that nobody waits for: the check makes that work due again. */
export async function requestUnsigned(deps: WorkerDeps, row: SealedDatasource): Promise<void> {
  if (row.status !== 'active' || row.current === null || !isUnsigned(deps, row)) return
  const asked = { datasourceId: row.id, taskId: newId() }
  if (await asWorker(deps, row.org_id, unit => checkRequests.requestUnsigned(unit, asked)))
    deps.notifications.ring('work')
}

/**
 * The fault for a refused datasource; while the refusal awaits confirmation, with the time of the next useful retry.
 */
function refusedMeanwhile(deps: WorkerDeps, row: SealedDatasource): TaskFault {
  const { refusals, refused_at: refusedAt, status } = row
  const at = lookAgainAt({ status, refusals, refusedAt })
  if (status !== 'active' || at === null) return { fault: 'conflict' }
  const seconds = Math.ceil((at.getTime() - deps.clock().getTime()) / 1_000)
  const code = currentCode(row.status_reason ?? '')
  const issues = isFaultCode(code) ? [{ path: [], code, message: FAULTS[code].message }] : []
  return { fault: 'conflict', issues, retryAfterSeconds: Math.max(1, seconds) }
}

/** The fault of one dial to an address that passed its check: the next dial may succeed, and only checks decide. */
export function onceFound(fault: FaultCode): TaskFault {
  return { fault, retryAfterSeconds: ONCE_FOUND_S }
}

/** The reason why the check brought no verdict, if it is one that the caller can act on by retrying. */
function whyNot({ status_reason: reason }: SealedDatasource): FaultCode {
  return reason !== null && isFaultCode(reason) && FAULTS[reason].retryable ? reason : 'conflict'
}
