/**
 * Counts, times and traces tasks by kind and result.
 * The loops and the quarantine call it.
 */
import type { TaskKind } from '#server/domain/tasks/task-kind.ts'
import type { Meter } from '#server/metrics/meter.ts'
import type { Priority } from '#server/store/tasks/claims.ts'
import { inSpan } from '#server/tracing/span.ts'

/** The result of a task for the worker that ran it. */
export type TaskResult = 'done' | 'failed' | 'hung' | 'key_lacking' | 'moved'

/** Runs a task that returns its result. */
export async function observedTask(
  meter: Meter,
  { kind: task, priority }: { readonly kind: TaskKind; readonly priority?: Priority },
  run: () => Promise<TaskResult>,
): Promise<void> {
  const attributes = () => ({
    'mooring.task': task,
    ...(priority === undefined ? {} : { 'mooring.priority': priority }),
  })
  await inSpan({ name: 'task', kind: 'consumer', attributes }, async span => {
    const startedAt = performance.now()
    const result = await run()
    meter.count('mooring_tasks_ended_total', { task, result })
    meter.observe('mooring_task_seconds', { task }, (performance.now() - startedAt) / 1000)
    span.note({ 'mooring.result': result })
    if (result === 'failed') span.failed(result)
  })
}
