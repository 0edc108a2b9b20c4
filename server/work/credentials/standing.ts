/**
 * The current verdict of a datasource, according to the worker's signature. Every use of a stored credential checks it
 * here; a column may deny a use and never allow one. A signature that does not match its row counts as none.
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

/** The verdict in the row, if a worker has signed exactly what is there; else null. */
export function verdictInForce(deps: WorkerDeps, row: SealedDatasource): VerdictContent | null {
  return signedAs(deps, row, row.mode)
}

/** True if the current credential may be used now: for leases, introspection and polls, and to trust a push. */
export function isUsable(deps: WorkerDeps, row: SealedDatasource): boolean {
  if (row.status !== 'active' || row.current === null) return false
  return letsUse(verdictInForce(deps, row), { version: row.current.context.version, now: deps.clock() })
}

/**
 * True if the current credential passed a check that nothing has revoked since: it is dialled even if budgets are
 * exhausted.
 */
export function isTrusted(deps: WorkerDeps, row: SealedDatasource): boolean {
  const verdict = verdictInForce(deps, row)
  if (verdict === null || verdict.version !== row.current?.context.version) return false
  return verdict.status === 'active' && verdict.usableUntil !== null
}

/**
 * True if a check could make an unusable active datasource usable: its verdict has expired, or it has none. A
 * datasource that was refused, or is held back until its next check, has its own schedule.
 */
export function lacksVerdict(deps: WorkerDeps, row: SealedDatasource): boolean {
  if (row.status !== 'active' || row.current === null || isUsable(deps, row)) return false
  const verdict = verdictInForce(deps, row)
  if (verdict === null || verdict.version !== row.current.context.version || verdict.usable) return true
  return verdict.usableUntil === null && row.refusals === 0
}

/** True if no signature matches the row at all: it was written before verdicts were signed, or edited. */
export function isUnsigned(deps: WorkerDeps, row: SealedDatasource): boolean {
  return verdictInForce(deps, row)?.version !== row.current?.context.version
}

/** True if the row has a signature for the other mode: an edit moved it there, and nothing in it is trusted. */
export function isMoved(deps: WorkerDeps, row: SealedDatasource): boolean {
  return signedAs(deps, row, row.mode === 'live' ? 'test' : 'live') !== null
}

/** The verdict to store after a check of one version; null to leave the stored one, for a row that was moved. */
export function signedVerdict(
  deps: WorkerDeps,
  row: SealedDatasource,
  end: Pick<CheckEnd, 'version' | 'status' | 'refusals' | 'outcome' | 'at'>,
): SignedVerdict | null {
  if (isMoved(deps, row)) return null
  // If nothing was found, a verdict whose key this worker lacks stays: another worker can evaluate it.
  if (end.outcome === 'unreachable' && isUnknown(deps, row)) return null
  const before = verdictInForce(deps, row)
  const after = afterCheck({ ...end, intervalMs: intervalMs(deps, row), before })
  const { version, usable, usableUntil } = after
  const content = { organizationId: row.org_id, datasourceId: row.id, mode: row.mode, ...after }
  return { version, usable, usableUntil, ...deps.verdicts.sign(content) }
}

/** True for a verdict whose key is missing in this worker's keyring. */
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
