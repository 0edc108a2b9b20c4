/**
 * Figures of an installation, or of one organization of it, from tables alone. Each statement reads a bounded number of rows by
 * an index, whatever there is, and takes no lock. `server/api/operations` calls it.
 */
import { sql } from 'kysely'
import { PRIORITIES } from '#server/domain/tasks/priorities.ts'
import { SEEN_WITHIN_SECONDS } from '#server/store/installation/processes.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { PRIORITY } from '#server/store/tasks/claim-choice.ts'
import type { QueueDepth } from '#server/store/tasks/queue-depth.ts'

/** Of each priority at most so many are counted. */
export const MAX_COUNTED_TASKS = 1_000
/** Of datasources, and of a day's verifications, the newest ones. */
export const MAX_COUNTED_ROWS = 20_000
const MAX_WORKERS = 100

/** Workers that wrote their row lately, the newest first. */
export async function seenWorkers(db: Db): Promise<{ version: string; startedAt: Date; seenAt: Date }[]> {
  const { rows } = await sql<{ version: string; startedAt: Date; seenAt: Date }>`
    select version, started_at as "startedAt", seen_at as "seenAt" from processes
    where kind = 'worker' and seen_at > clock_timestamp() - make_interval(secs => ${SEEN_WITHIN_SECONDS})
    order by started_at desc limit ${sql.lit(MAX_WORKERS)}
  `.execute(db)
  return rows
}

/** Due tasks of one organization by priority; those of all are in `queue-depth.ts`. */
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

/** How many datasources there are of a status. */
export interface StatusCount {
  readonly status: string
  readonly count: number
}

/** Datasources by status, of the newest ones of one organization. */
export async function statusesOf(db: Db, org: string): Promise<StatusCount[]> {
  const { rows } = await sql<StatusCount>`
    select status, count(*)::integer as count from (
      select status from datasources where org_id = ${org} and deleted_at is null
      order by id desc limit ${sql.lit(MAX_COUNTED_ROWS)}
    ) as newest group by status
  `.execute(db)
  return rows
}

/** The same of all organizations; which ones are counted is not said where there are more. */
export async function statusesOfAll(db: Db): Promise<StatusCount[]> {
  const { rows } = await sql<StatusCount>`
    select status, count(*)::integer as count from (
      select status from datasources where deleted_at is null limit ${sql.lit(MAX_COUNTED_ROWS)}
    ) as counted group by status
  `.execute(db)
  return rows
}

/** One kind of outcome within one minute; `minute` is its beginning. */
export interface CheckCount {
  readonly minute: Date
  readonly outcome: string
  readonly reason: string | null
  readonly count: number
}

const COUNTED = sql`date_trunc('minute', at) as minute, outcome, reason, count(*)::integer as count`
const GROUPED = sql`group by 1, 2, 3 order by 1`

/** Verifications of one organization since a time, the newest ones, by the ids that hold their time. */
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

/** The same of all organizations, by the index of times. */
export async function checksOfAll(db: Db, since: { readonly at: Date }): Promise<CheckCount[]> {
  const { rows } = await sql<CheckCount>`
    select ${COUNTED} from (
      select at, outcome, reason from verifications where at >= ${since.at}::timestamptz
      order by at desc limit ${sql.lit(MAX_COUNTED_ROWS)}
    ) as newest ${GROUPED}
  `.execute(db)
  return rows
}
