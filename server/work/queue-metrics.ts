/**
 * The queue's depth and age for `/metrics`, read from the database on demand and cached for a few seconds for all
 * readers. If the database does not answer, there are no values.
 */
import { PRIORITIES } from '#server/domain/tasks/priorities.ts'
import type { Meter } from '#server/metrics/meter.ts'
import { withDeadline } from '#server/store/connection/statement.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { type QueueDepth, queueDepths } from '#server/store/tasks/queue-depth.ts'

const STATEMENT_MS = 1_000
/** Scrapers come every 15 s or so; several share one reading. */
const KEPT_MS = 5_000

/** Registers the readers of both gauges. */
export function meterQueue({ db, clock, meter }: { db: Db; clock: () => Date; meter: Meter }): void {
  let reading: { readonly atMs: number; readonly depths: Promise<QueueDepth[]> } | null = null
  const read = (): Promise<QueueDepth[]> => {
    if (reading === null || performance.now() - reading.atMs >= KEPT_MS)
      reading = { atMs: performance.now(), depths: withDeadline(STATEMENT_MS, () => queueDepths(db, clock())) }
    return reading.depths
  }
  const readings = async (numberOf: (depth: QueueDepth) => number) =>
    (await read()).map(depth => ({
      labels: { priority: PRIORITIES[depth.priority] ?? 'other' },
      value: numberOf(depth),
    }))
  meter.gauge('mooring_tasks_due', () => readings(({ due }) => due))
  meter.gauge('mooring_tasks_oldest_due_seconds', () =>
    readings(({ oldestAt }) => (oldestAt === null ? 0 : Math.max(0, clock().getTime() - oldestAt.getTime()) / 1000)),
  )
}
