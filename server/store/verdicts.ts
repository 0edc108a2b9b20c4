/**
 * Writes a verdict: the verification's row, and what it means for the datasource, in the transaction that settles the
 * task. The worker calls it.
 */
import type { Advisory, Check } from '#shared/check.ts'
import type { Status } from '#shared/datasource.ts'
import type { Tx } from './db.ts'

/** A verdict as it is recorded. `version` is of the credential that was tried. */
export interface Verdict {
  readonly id: string
  readonly datasourceId: string
  readonly version: number
  readonly outcome: 'passed' | 'refused' | 'unreachable'
  readonly reason: string | null
  readonly checks: readonly Check[]
  readonly advisories: readonly Advisory[]
  readonly tookMs: number
  readonly at: Date
}

/** Records a verdict and moves the datasource. False when the datasource was removed meanwhile; nothing is written then. */
export async function record(
  tx: Tx,
  org: string,
  entry: { verdict: Verdict; status: Status; nextCheckAt: Date | null },
): Promise<boolean> {
  const { verdict, status, nextCheckAt } = entry
  await tx
    .insertInto('verifications')
    .values({
      org_id: org,
      id: verdict.id,
      datasource_id: verdict.datasourceId,
      version: verdict.version,
      outcome: verdict.outcome,
      reason: verdict.reason,
      checks: JSON.stringify(verdict.checks),
      advisories: JSON.stringify(verdict.advisories),
      took_ms: verdict.tookMs,
      at: verdict.at,
    })
    .execute()
  const moved = await tx
    .updateTable('datasources')
    .set({
      status,
      status_reason: verdict.reason,
      verification_id: verdict.id,
      next_check_at: nextCheckAt,
      ...(verdict.outcome === 'passed' ? { verified_at: verdict.at } : {}),
    })
    .where('org_id', '=', org)
    .where('id', '=', verdict.datasourceId)
    .where('deleted_at', 'is', null)
    .returning('id')
    .execute()
  return moved.length === 1
}
