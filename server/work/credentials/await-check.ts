/**
 * The way of tasks whose credential no verdict allows to be used: if a caller waits, a check is requested, the claim released,
 * and the task continues when the check is settled; if nobody waits, the check makes the task due again.
 */
import { newId } from '#server/domain/access/ids.ts'
import { lookAgainAt } from '#server/domain/datasources/status.ts'
import { KeyLacking } from '#server/seal/held-key.ts'
import type { SealedDatasource } from '#server/store/credentials/sealed.ts'
import * as checkRequests from '#server/store/datasources/check-requests.ts'
import { isMadeSince } from '#server/store/tasks/claim-hold.ts'
import type { Claim } from '#server/store/tasks/claims.ts'
import type { WorkerDeps } from '#server/work/deps.ts'
import { FAULTS, type FaultCode, isFaultCode } from '#shared/faults/fault.ts'
import { currentCode } from '#shared/faults/fault-names.ts'
import type { TaskFault } from '#shared/faults/task-fault.ts'
import { isUnknown, isUnsigned, isUsable, lacksVerdict } from './standing.ts'

/** How soon a task that waits for a check looks whether it is settled. */
const LOOK_MS = 100
/** How long after a task was made it may ask for another check, where one was not signed. */
const ASKED_AGAIN_MS = 15_000

/** A task's token, up to which it is left to another worker, since this one lacks the key of a verdict: its first three claims. */
const HANDED_ON = 5

/** When another try is worth it after one dial that found what no check has. */
const ONCE_FOUND_S = 60

/**
 * `usable`, or what to answer; null when the claim was given back: the check that could help is under way. A check
 * that was waited for and brought no verdict is not asked for again by the same task.
 */
export async function usableOrAwaited(
  deps: WorkerDeps,
  claim: Claim & { readonly datasourceId: string },
  row: SealedDatasource,
): Promise<'usable' | TaskFault | null> {
  if (isUsable(deps, row)) return 'usable'
  // Another worker may know the signer of the verdict. If none does, a check helps.
  if (row.verdict !== null && isUnknown(deps, row) && claim.token <= HANDED_ON)
    throw new KeyLacking(row.verdict.signerId)
  if (!lacksVerdict(deps, row)) return refusedMeanwhile(deps, row)
  const { awaits } = claim
  const now = deps.clock()
  const asked = { taskId: newId(), now, dueAt: new Date(now.getTime() + LOOK_MS) }
  // Counted with the row: a check that is settled after the row was read may have made it usable.
  const isSettled = awaits !== null && row.checks_settled >= awaits
  if (isSettled && !(await mayAskAgain(deps, claim, row))) return { fault: whyNot(row) }
  await checkRequests.awaitCheck(deps.db, isSettled ? { ...claim, awaits: null } : claim, asked)
  // Nobody is woken for it: this worker has just become free for it, while one of the last release would sign no verdict.
  return null
}

/**
 * A check that passed and was signed by nobody was made by a worker of the last release, which runs beside this one during a
 * deploy and may be quicker: another one is asked for, for a short while.
 */
async function mayAskAgain(deps: WorkerDeps, claim: Claim, row: SealedDatasource): Promise<boolean> {
  if (row.status_reason !== null || !isUnsigned(deps, row)) return false
  return isMadeSince(deps.db, claim, new Date(deps.clock().getTime() - ASKED_AGAIN_MS))
}

/** Asks for the check of what bears no signature, for work that nobody waits for: the check makes that due again. */
export async function requestUnsigned(deps: WorkerDeps, row: SealedDatasource): Promise<void> {
  if (row.status !== 'active' || row.current === null || !isUnsigned(deps, row)) return
  const asked = { datasourceId: row.id, taskId: newId(), now: deps.clock() }
  if (await checkRequests.requestUnsigned(deps.db, row.org_id, asked)) deps.notifications.ring('work')
}

/** Why nothing is used of what was refused; where the refusal is to be confirmed, when it is worth another try. */
function refusedMeanwhile(deps: WorkerDeps, row: SealedDatasource): TaskFault {
  const { refusals, refused_at: refusedAt, status } = row
  const at = lookAgainAt({ status, refusals, refusedAt })
  if (status !== 'active' || at === null) return { fault: 'conflict' }
  const seconds = Math.ceil((at.getTime() - deps.clock().getTime()) / 1_000)
  const code = currentCode(row.status_reason ?? '')
  const issues = isFaultCode(code) ? [{ path: [], code, message: FAULTS[code].message }] : []
  return { fault: 'conflict', issues, retryAfterSeconds: Math.max(1, seconds) }
}

/** Failures of one dial to a place that passed its check: the next dial may succeed, and checks decide. */
export function onceFound(fault: FaultCode): TaskFault {
  return { fault, retryAfterSeconds: ONCE_FOUND_S }
}

/** Why the check brought no verdict, if the caller can try again for that reason. */
function whyNot({ status_reason: reason }: SealedDatasource): FaultCode {
  return reason !== null && isFaultCode(reason) && FAULTS[reason].retryable ? reason : 'conflict'
}
