/**
 * Which task a line of the log is about: what every line of a failure of one holds, beside its stage. The loops say which task
 * runs; whatever logs far inside of one asks here.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Claim } from '#server/store/tasks/claims.ts'

type About = ReturnType<typeof aboutTask>

const running = new AsyncLocalStorage<About>()

/** The task's id and kind, its organization, and its datasource where it has one. */
export function aboutTask(claim: Pick<Claim, 'id' | 'kind' | 'organizationId' | 'datasourceId'>) {
  const { id: taskId, kind: task, organizationId, datasourceId } = claim
  return { taskId, task, organizationId, datasourceId }
}

/** Runs a task: what it calls knows that it is this one's. */
export function asTask<T>(claim: Parameters<typeof aboutTask>[0], work: () => Promise<T>): Promise<T> {
  return running.run(aboutTask(claim), work)
}

/**
 * The task that this call is of; nothing outside of one. Never for what a task merely started and others use, such as a
 * connection or a process: that would be told of the wrong task.
 */
export function runningTask(): Partial<About> {
  return running.getStore() ?? {}
}
