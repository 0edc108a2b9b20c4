/**
 * What the line of a verdict says: whose and of which task, how it came out, why, and which line of the checklist failed first.
 */
import type { Verification } from '#server/domain/checks/verification.ts'
import type { Claim } from '#server/store/tasks/claims.ts'
import { aboutTask } from '#server/work/about-task.ts'

/** The fields; `reason` and `check` are null where nothing failed. */
export function aboutVerdict(claim: Claim, { outcome, reason, checks }: Verification) {
  const check = checks.find(line => line.outcome === 'fail')?.item ?? null
  return { ...aboutTask(claim), stage: 'check', outcome, reason, check }
}
