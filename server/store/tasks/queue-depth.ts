/**
 * How many tasks are due and for how long, by whom they are for: for the metrics of a worker. It reads a bounded number of rows
 * by the index of claims, whatever is due, and takes no lock.
 */
import { sql } from 'kysely'
import { PRIORITIES } from '#server/domain/tasks/priorities.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { PRIORITY } from './claim-choice.ts'

/** Of each priority at most so many are counted: what is more is told as this. */
const MAX_COUNTED = 1_000

/** Of one priority. */
export interface QueueDepth {
  readonly priority: number
  readonly due: number
  /** Since when the oldest one is due; null where none is. */
  readonly oldestAt: Date | null
}

/** The depth of each priority, whether something is due or not. Of all organizations. */
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
