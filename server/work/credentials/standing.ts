/**
 * The verdict in force of a datasource, as the worker's signature has it. Every use of a stored credential asks here; a column
 * may deny a use and never allow one. A signature that does not fit its row is as good as none.
 */
import {
  afterCheck,
  type CheckEnd,
  letsUse,
  type SignedVerdict,
  type VerdictContent,
} from '#server/domain/datasources/verdict.ts'
import type { VerdictSignature } from '#server/seal/verdicts.ts'
import type { SealedDatasource } from '#server/store/credentials/sealed.ts'
import type { WorkerDeps } from '#server/work/deps.ts'
import type { Mode } from '#shared/base/wire.ts'
import { intervalMs } from './next-check.ts'

/** The verdict that the row bears, where a worker has signed it as it is there; else null. */
export function verdictInForce(deps: WorkerDeps, row: SealedDatasource): VerdictContent | null {
  return signedAs(deps, row, row.mode)
}

/** True when the credential in force may be used now: leased, introspected with, polled with, trusted with a push. */
export function isUsable(deps: WorkerDeps, row: SealedDatasource): boolean {
  if (row.status !== 'active' || row.current === null) return false
  return letsUse(verdictInForce(deps, row), { version: row.current.context.version, now: deps.clock() })
}

/** True when the credential in force has passed a check and none has taken that back: it is dialled past the budgets. */
export function isTrusted(deps: WorkerDeps, row: SealedDatasource): boolean {
  const verdict = verdictInForce(deps, row)
  if (verdict === null || verdict.version !== row.current?.context.version) return false
  return verdict.status === 'active' && verdict.usableUntil !== null
}

/**
 * True when a check could make an active datasource usable that is not: its verdict has run out, or there is none. One that was
 * refused, or is kept back until it is looked at again, has its own time.
 */
export function lacksVerdict(deps: WorkerDeps, row: SealedDatasource): boolean {
  if (row.status !== 'active' || row.current === null || isUsable(deps, row)) return false
  const verdict = verdictInForce(deps, row)
  if (verdict === null || verdict.version !== row.current.context.version || verdict.usable) return true
  return verdict.usableUntil === null && row.refusals === 0
}

/** True when no signature fits the row at all: it was written before verdicts were signed, or edited. */
export function isUnsigned(deps: WorkerDeps, row: SealedDatasource): boolean {
  return verdictInForce(deps, row)?.version !== row.current?.context.version
}

/** True when the row bears a signature for the other mode: it was moved there by an edit, and nothing of it is believed. */
export function isMoved(deps: WorkerDeps, row: SealedDatasource): boolean {
  return signedAs(deps, row, row.mode === 'live' ? 'test' : 'live') !== null
}

/** The verdict to be stored after a check of one version; null to leave what is there, for a row that was moved. */
export function signedVerdict(
  deps: WorkerDeps,
  row: SealedDatasource,
  end: Pick<CheckEnd, 'version' | 'status' | 'refusals' | 'outcome' | 'at'>,
): SignedVerdict | null {
  if (isMoved(deps, row)) return null
  // A verdict under a key that this worker lacks stays where nothing was found: another worker can judge what it is worth.
  if (end.outcome === 'unreachable' && isUnknown(deps, row)) return null
  const before = verdictInForce(deps, row)
  const after = afterCheck({ ...end, intervalMs: intervalMs(deps, row), before })
  const { version, usable, usableUntil } = after
  const content = { organizationId: row.org_id, datasourceId: row.id, mode: row.mode, ...after }
  return { version, usable, usableUntil, ...deps.verdicts.sign(content) }
}

/** True for a verdict under a key that the keyring of this worker lacks. */
export function isUnknown(deps: WorkerDeps, row: SealedDatasource): boolean {
  return row.verdict !== null && !deps.verdicts.knows(row.verdict.signerId)
}

function signedAs(deps: WorkerDeps, row: SealedDatasource, mode: Mode): VerdictContent | null {
  if (row.verdict === null) return null
  const { version, usable, usableUntil } = row.verdict
  const signature: VerdictSignature = row.verdict
  const content = { organizationId: row.org_id, datasourceId: row.id, mode, version, status: row.status }
  const verdict: VerdictContent = { ...content, usable, usableUntil }
  return deps.verdicts.isSigned(verdict, signature) ? verdict : null
}
