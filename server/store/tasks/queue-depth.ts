/**
 * The number of due tasks of each priority and the age of the oldest, for a worker's metrics. It reads a bounded number
 * of rows through the claim index, however many are due, and takes no lock.
 */
import { sql } from 'kysely'
import { PRIORITIES } from '#server/domain/tasks/priorities.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { PRIORITY } from './claim-choice.ts'

/** The maximum number of tasks counted per priority; larger counts are reported as this number. */
const MAX_COUNTED = 1_000

/** The queue depth of one priority. */
export interface QueueDepth {
  readonly priority: number
  readonly due: number
  /** The time since which the oldest task is due; null if none is. */
  readonly oldestAt: Date | null
}

/** The depth of each priority across all organizations, including priorities with nothing due. */
export async function queueDepths(db: Db, now: Date): Promise<QueueDepth[]> {
  const { rows } = await sql<QueueDepth>`
    select p as priority, found.due, found.oldest as "oldestAt"
    from unnest(${[...PRIORITIES.keys()]}::integer[]) as p cross join lateral (
      select count(*)::integer as due, min(due_at) as oldest from (
        select due_at from tasks
        where (${PRIORITY}, due_at) >= (p, '-infinity'::timestamptz) and (${PRIORITY}, due_at) <= (p, ${now}::timestamptz)
          and due_at is not null and (locked_until is null or locked_until < ${now})
        order by ${PRIORITY}, due_at limit ${sql.lit(MAX_COUNTED)}
      ) as first
    ) as found order by p
  `.execute(db)
  return rows
}
