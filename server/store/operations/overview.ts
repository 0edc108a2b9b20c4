/**
 * Figures of an installation, or of one of its organizations, from tables only. Each statement reads a bounded number
 * of rows through an index, and takes no lock. `server/api/operations` calls it.
 */
import { sql } from 'kysely'
import { PRIORITIES } from '#server/domain/tasks/priorities.ts'
import { SEEN_WITHIN_SECONDS } from '#server/store/installation/processes.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { PRIORITY } from '#server/store/tasks/claim-choice.ts'
import type { QueueDepth } from '#server/store/tasks/queue-depth.ts'

/** The maximum number of tasks counted per priority. */
export const MAX_COUNTED_TASKS = 1_000
/** The maximum number of datasources, and of a day's verifications, that are counted, newest first. */
export const MAX_COUNTED_ROWS = 20_000
const MAX_WORKERS = 100

/** Workers that wrote their row recently, newest first. */
export async function seenWorkers(db: Db): Promise<{ version: string; startedAt: Date; seenAt: Date }[]> {
  const { rows } = await sql<{ version: string; startedAt: Date; seenAt: Date }>`
    select version, started_at as "startedAt", seen_at as "seenAt" from processes
    where kind = 'worker' and seen_at > clock_timestamp() - make_interval(secs => ${SEEN_WITHIN_SECONDS})
    order by started_at desc limit ${sql.lit(MAX_WORKERS)}
  `.execute(db)
  return rows
}

/** Due tasks of one organization by priority; `queue-depth.ts` counts those of all. */
export async function queueOf(db: Db, org: string, now: Date): Promise<QueueDepth[]> {
  const { rows } = await sql<QueueDepth>`
    select p as priority, found.due, found.oldest as "oldestAt"
    from unnest(${[...PRIORITIES.keys()]}::integer[]) as p cross join lateral (
      select count(*)::integer as due, min(due_at) as oldest from (
        select due_at from tasks
        where ${PRIORITY} = p and org_id = ${org} and due_at <= ${now}::timestamptz
          and due_at is not null and (locked_until is null or locked_until < ${now})
        order by due_at limit ${sql.lit(MAX_COUNTED_TASKS)}
      ) as first
    ) as found order by p
  `.execute(db)
  return rows
}

/** The number of datasources with a status. */
export interface StatusCount {
  readonly status: string
  readonly count: number
}

/** The newest datasources of one organization, counted by status. */
export async function statusesOf(db: Db, org: string): Promise<StatusCount[]> {
  const { rows } = await sql<StatusCount>`
    select status, count(*)::integer as count from (
      select status from datasources where org_id = ${org} and deleted_at is null
      order by id desc limit ${sql.lit(MAX_COUNTED_ROWS)}
    ) as newest group by status
  `.execute(db)
  return rows
}

/** Datasources of all organizations, counted by status; if there are too many, an unspecified subset is counted. */
export async function statusesOfAll(db: Db): Promise<StatusCount[]> {
  const { rows } = await sql<StatusCount>`
    select status, count(*)::integer as count from (
      select status from datasources where deleted_at is null limit ${sql.lit(MAX_COUNTED_ROWS)}
    ) as counted group by status
  `.execute(db)
  return rows
}

/** The number of one kind of outcome within one minute, which begins at `minute`. */
export interface CheckCount {
  readonly minute: Date
  readonly outcome: string
  readonly reason: string | null
  readonly count: number
}

const COUNTED = sql`date_trunc('minute', at) as minute, outcome, reason, count(*)::integer as count`
const GROUPED = sql`group by 1, 2, 3 order by 1`

/** The newest verifications of one organization since a time, found through the timestamps in their ids. */
export async function checksOf(
  db: Db,
  org: string,
  since: { readonly at: Date; readonly id: string },
): Promise<CheckCount[]> {
  const { rows } = await sql<CheckCount>`
    select ${COUNTED} from (
      select at, outcome, reason from verifications
      where org_id = ${org} and id >= ${since.id}::uuid and at >= ${since.at}::timestamptz
      order by id desc limit ${sql.lit(MAX_COUNTED_ROWS)}
    ) as newest ${GROUPED}
  `.execute(db)
  return rows
}

/** The verifications of all organizations since a time, found through the index of times. */
export async function checksOfAll(db: Db, since: { readonly at: Date }): Promise<CheckCount[]> {
  const { rows } = await sql<CheckCount>`
    select ${COUNTED} from (
      select at, outcome, reason from verifications where at >= ${since.at}::timestamptz
      order by at desc limit ${sql.lit(MAX_COUNTED_ROWS)}
    ) as newest ${GROUPED}
  `.execute(db)
  return rows
}
