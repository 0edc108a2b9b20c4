/**
 * The state before a check and the reason shown after it, while further checks confirm the refusal of an active
 * datasource.
 */
import { isCondemning, type Standing, type StandingBefore } from '#server/domain/datasources/status.ts'
import type { SealedDatasource } from '#server/store/credentials/sealed.ts'
import { isUnsigned } from '#server/work/credentials/standing.ts'
import type { WorkerDeps } from '#server/work/deps.ts'
import type { FaultCode } from '#shared/faults/fault.ts'

/**
 * The state of the row before a check. A row that claims to be active against its verdict is rejected at the first
 * refusal; one without any verdict became active before verdicts were signed.
 */
export function standingBefore(deps: WorkerDeps, row: SealedDatasource): StandingBefore {
  const { status, refusals, refused_at: refusedAt } = row
  return { status, refusals, refusedAt, isProven: row.verdict === null || !isUnsigned(deps, row) }
}

/**
 * The reason that is shown after a check. While a refusal awaits confirmation it stays that reason, whatever other
 * checks found meanwhile; `isAside` is true for a check of a credential other than the current one.
 */
export function displayedReason(
  row: SealedDatasource,
  { after, reason, isNotCurrent }: { after: Standing; reason: FaultCode | null; isNotCurrent: boolean },
): string | null {
  const isOther = isNotCurrent || reason === null || !isCondemning(reason)
  return after.refusals > 0 && isOther ? row.status_reason : reason
}
