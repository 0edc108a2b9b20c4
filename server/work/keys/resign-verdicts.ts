/**
 * Signs an organization's verdicts again after a rotation of the worker's signing key, in batches, as part of the task
 * that reseals its credentials: the old key can be dropped when no verdict depends on it.
 */

import type { VerdictContent } from '#server/domain/datasources/verdict.ts'
import * as signatures from '#server/store/keys/verdict-signatures.ts'
import { extend } from '#server/store/tasks/claim-hold.ts'
import type { Claim } from '#server/store/tasks/claims.ts'
import { runningTask } from '#server/work/about-task.ts'
import { asWorker, type WorkerDeps } from '#server/work/deps.ts'

const BATCH = 64

/** The time limit of one pass, and the time until which it holds the claim between batches. */
interface Bounds {
  readonly sliceMs: number
  readonly claimMs: number
}

/**
 * `done` if none is left that can be locked, `more` if the pass used up its time, `lost` if another worker has the
 * claim.
 */
export async function resignVerdicts(
  deps: WorkerDeps,
  claim: Claim,
  { sliceMs, claimMs }: Bounds,
): Promise<'done' | 'more' | 'lost'> {
  const startedAt = performance.now()
  for (;;) {
    const signed = await resignBatch(deps, claim, claimMs)
    if (signed === 'lost') return 'lost'
    if (signed === 0) return 'done'
    deps.notifications.ring('news', claim.organizationId)
    if (performance.now() - startedAt > sliceMs) return 'more'
  }
}

function resignBatch(deps: WorkerDeps, claim: Claim, claimMs: number): Promise<number | 'lost'> {
  const org = claim.organizationId
  const until = new Date(deps.clock().getTime() + claimMs)
  const ask = { signerIds: [deps.verdicts.signerId()], limit: BATCH }
  return asWorker(deps, org, async unit => {
    // Every change of a datasource locks it before its task; rows that others hold are skipped.
    const stale = await signatures.lockStale(unit, ask)
    if (!(await extend(unit.tx, claim, until))) return 'lost'
    await signatures.write(
      unit,
      stale.map(row => ({ datasourceId: row.verdict.datasourceId, signed: resigned(deps, row) })),
    )
    return stale.length
  })
}

/**
 * The same verdict, signed with the current key; null if its signature does not match, since a rotation would otherwise
 * sign an edited verdict. A row moved to the other mode keeps the signature of its own mode, which is how the move is
 * detected.
 */
function resigned(deps: WorkerDeps, { verdict, signed }: signatures.SignedRow): signatures.NewSignature['signed'] {
  const other: VerdictContent = { ...verdict, mode: verdict.mode === 'live' ? 'test' : 'live' }
  const genuine = [verdict, other].find(one => deps.verdicts.isSigned(one, signed))
  if (genuine !== undefined) return deps.verdicts.sign(genuine)
  const { organizationId, datasourceId } = verdict
  deps.log.error(
    { ...runningTask(), organizationId, datasourceId, stage: 'verdict', reason: 'not_signed' },
    'a verdict with an invalid signature was removed',
  )
  return null
}
