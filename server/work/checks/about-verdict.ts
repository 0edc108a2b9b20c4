/**
 * The log fields of a verdict: its organization, datasource and task, the outcome, the reason, and the first failed
 * checklist item.
 */
import type { Verification } from '#server/domain/checks/verification.ts'
import { helpingSetting } from '#server/domain/network/helping-setting.ts'
import type { Claim } from '#server/store/tasks/claims.ts'
import { aboutTask } from '#server/work/about-task.ts'

/** The fields; `reason` and `check` are null if nothing failed. */
export function aboutVerdict(claim: Claim, { outcome, reason, checks }: Verification) {
  const check = checks.find(line => line.outcome === 'fail')?.item ?? null
  // No setting affects a budget of dials.
  const helping = reason === 'rate_limit_exceeded' ? {} : helpingSetting(reason)
  return { ...aboutTask(claim), stage: 'check', outcome, reason, check, ...helping }
}
