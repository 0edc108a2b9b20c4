/**
 * The queue in `status`: the number of due tasks by lane, and their age.
 * Pure.
 */

import { PRIORITIES } from '#server/domain/tasks/priorities.ts'
import type { QueueDepth } from '#server/store/tasks/queue-depth.ts'
import { counted } from '#shared/base/counted.ts'
import { roundedDuration, type StatusPart } from './report.ts'

/**
 * Tasks with a waiting caller or a due date, which should run at once. The alert `MooringQueueStands` uses the same
 * list.
 */
const PROMPT: readonly string[] = ['awaited', 'asked', 'scheduled', 'feed_scheduled']
const LATE_MS = 60_000

/** The part, at the database's time. */
export function queuePart(depths: readonly QueueDepth[], now: Date): StatusPart {
  const queue = depths.map(({ priority, due, oldestAt }) => ({
    priority: PRIORITIES[priority] ?? 'other',
    due,
    oldestMs: oldestAt === null ? 0 : Math.max(0, now.getTime() - oldestAt.getTime()),
  }))
  const due = queue.reduce((sum, one) => sum + one.due, 0)
  const oldestMs = Math.max(0, ...queue.map(one => one.oldestMs))
  const late = queue.filter(one => PROMPT.includes(one.priority) && one.oldestMs > LATE_MS)
  const quarantined = queue.find(one => one.priority === 'quarantine')?.due ?? 0
  return {
    name: 'queue',
    message:
      due === 0
        ? 'nothing is due'
        : `${counted(due, 'task is', 'tasks are')} due, the oldest for ${roundedDuration(oldestMs)}`,
    troubles: [
      ...(late.length === 0
        ? []
        : [
            `Due tasks (${late.map(one => one.priority).join(', ')}) have been waiting for ${roundedDuration(oldestMs)}. Start another worker, ` +
              'or raise MOORING_DIAL_PROCESSES; if none is running, start one.',
          ]),
      ...(quarantined === 0
        ? []
        : [
            `${counted(quarantined, 'task makes', 'tasks make')} worker processes crash: see "task left quarantine" in their logs.`,
          ]),
    ],
    facts: { due, oldestSeconds: Math.round(oldestMs / 1000), priorities: queue.filter(one => one.due > 0) },
  }
}
