/**
 * Logs a task that ended without the requested result: by a fault that is returned to its requester or shown by its
 * datasource.
 */
import type { Claim } from '#server/store/tasks/claims.ts'
import { aboutTask } from '#server/work/about-task.ts'
import type { WorkerDeps } from '#server/work/deps.ts'

/** Writes the log line. `why` is our own code: a fault, or a finding about a signature. */
export function logRefused({ log }: WorkerDeps, claim: Claim, why: { fault: string } | { refused: string }): void {
  log.info({ ...aboutTask(claim), stage: claim.kind, ...why }, 'task refused')
}
