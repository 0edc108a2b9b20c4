/**
 * Runs one claimed task: passes it to the handler of its kind, and releases it if that fails. Called by the loop, and
 * by the process for one task.
 */
import { BROKEN, backoffMs } from '#server/domain/network/backoff.ts'
import type { TaskKind } from '#server/domain/tasks/task-kind.ts'
import { KeyLacking } from '#server/seal/held-key.ts'
import { asWriter, OrganizationMoving } from '#server/store/fence/organization-writer.ts'
import { release, releaseFailed, releaseHung } from '#server/store/tasks/claim-release.ts'
import * as claims from '#server/store/tasks/claims.ts'
import { Hung } from '#server/work/checks/first-try.ts'
import { aboutTask, asTask } from './about-task.ts'
import type { TaskHandlers, WorkerDeps } from './deps.ts'
import { observedTask, type TaskResult } from './observed-task.ts'

/** A claimed task, its lane, and the callback for a key missing in the keyring. */
interface ClaimedTask {
  readonly claim: claims.Claim
  readonly priority?: claims.Priority
  readonly lacks?: () => void
}

/**
 * Runs a claimed task. Errors are logged, and the task is released for later; it never rejects. Calls `lacks` if the
 * keyring lacks a key for it, which must not be held against a customer.
 */
export async function runTask(
  deps: WorkerDeps,
  handlers: TaskHandlers,
  { claim, priority, lacks }: ClaimedTask,
): Promise<void> {
  await observedTask(
    deps.meter,
    { kind: claim.kind, ...(priority === undefined ? {} : { priority: priority }) },
    async () => {
      const { organizationId } = claim
      try {
        const run = () => runOf(deps, handlers, { claim, kind: claim.kind })
        await asTask(claim, () => asWriter({ organizationId, phase: 'ends' }, run))
        return 'done'
      } catch (cause) {
        // The target runs the task of a moved organization, unless it is already done.
        if (cause instanceof OrganizationMoving) return 'moved'
        // Before the release: this worker would be the first to claim it again.
        if (cause instanceof KeyLacking) lacks?.()
        const result = await giveBack(deps, claim, cause)
        deps.notifications.ring('news', claim.organizationId)
        return result
      }
    },
  )
}

/** The kind is a separate type parameter, so that the compiler sees that handler and claim match. */
async function runOf<K extends TaskKind>(
  deps: WorkerDeps,
  handlers: TaskHandlers,
  { claim, kind }: { claim: claims.Claim; kind: K },
): Promise<void> {
  if (!claims.isOfKind(claim, kind)) throw new Error(`a ${kind} task is about something else than those of its kind`)
  await handlers[kind]?.(deps, claim)
}

async function giveBack(deps: WorkerDeps, claim: claims.Claim, cause: unknown): Promise<TaskResult> {
  const { db, clock, random, log } = deps
  const about = aboutTask(claim)
  const dueAt = new Date(clock().getTime() + backoffMs(claim.attempts, BROKEN, random()))
  let [back, result]: [Promise<void>, TaskResult] = [Promise.resolve(), 'failed']
  if (cause instanceof Hung) {
    log.info(about, 'a first attempt was aborted')
    ;[back, result] = [releaseHung(db, claim, clock()), 'hung']
  } else if (cause instanceof KeyLacking) {
    const lacking = { ...about, keyId: cause.keyId }
    log.warn(lacking, 'the keyring of this worker lacks a key: the task is left to another one')
    ;[back, result] = [release(db, claim, dueAt), 'key_lacking']
  } else {
    log.error({ ...about, stage: 'run', cause }, 'task failed')
    back = releaseFailed(db, claim, dueAt)
  }
  // If this fails too, the claim runs out by itself.
  await back.catch((lost: unknown) => log.error({ ...about, stage: 'hand back', cause: lost }, 'task not released'))
  return result
}
