/**
 * The task that a log line is about. Every log line about a failing task carries these fields besides its stage. The
 * loops set the running task; code deep inside a task reads it here.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Claim } from '#server/store/tasks/claims.ts'

type About = ReturnType<typeof aboutTask>

const running = new AsyncLocalStorage<About>()

/** The task's id and kind, its organization, and its datasource if it has one. */
export function aboutTask(claim: Pick<Claim, 'id' | 'kind' | 'organizationId' | 'datasourceId'>) {
  const { id: taskId, kind: task, organizationId, datasourceId } = claim
  return { taskId, task, organizationId, datasourceId }
}

/** Runs a task; code that it calls can look up the task. */
export function asTask<T>(claim: Parameters<typeof aboutTask>[0], work: () => Promise<T>): Promise<T> {
  return running.run(aboutTask(claim), work)
}

/**
 * The task of the current call; empty outside a task. Never use it for something that a task only started and others
 * share, such as a connection or a process: the log would name the wrong task.
 */
export function runningTask(): Partial<About> {
  return running.getStore() ?? {}
}
