/**
 * The line of a task that ended without what was asked of it: by a fault that its asker is told, or that its datasource shows.
 */
import type { Claim } from '#server/store/tasks/claims.ts'
import { aboutTask } from '#server/work/about-task.ts'
import type { WorkerDeps } from '#server/work/deps.ts'

/** Writes it. `why` is our own code: a fault, or a finding about a signature. */
export function logRefused({ log }: WorkerDeps, claim: Claim, why: { fault: string } | { refused: string }): void {
  log.info({ ...aboutTask(claim), stage: claim.kind, ...why }, 'task refused')
}
