/**
 * The statement that claims tasks of one priority across all organizations. It reads a bounded number of rows however
 * many are due: those due longest, those requested last, and, if more are due than that, some of each organization,
 * visited round-robin. `claims.ts` calls it under the lock that lets one worker claim at a time.
 */
import { type RawBuilder, sql } from 'kysely'
import type { TaskKind } from '#server/domain/tasks/task-kind.ts'

/** The number of longest-due tasks that a claim reads. If there are fewer, it has read all due tasks. */
const OLDEST = 200
/** The number of most recently requested tasks that a claim reads. */
const NEWEST = 64
/** The maximum number of organizations that a claim visits if more is due. */
const ORGANIZATIONS = 200
/**
 * The number of visits for each task that may be taken, if no caller waits: successive claims visit all organizations.
 */
const VISITS = 8

/**
 * A predicate over `tasks`: two claims have run out, counting a claim that has just run out. The task blocked or killed
 * the process that worked on it, or was held alongside one that did; only `quarantine.ts` claims it.
 */
export const isQuarantined: RawBuilder<boolean> = sql`ran_out + (locked_until is not null)::integer > 1`

/**
 * Settings for the statement: a generic plan, made once for any parameters, that uses the indexes even while the table
 * is small, so that it stays good whatever becomes due.
 */
export const PLAN_SETTINGS = {
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_bitmapscan: 'off',
  enable_incremental_sort: 'off',
} as const

/**
 * The priority of a task, over `tasks`; the text must match the two indexes that begin with it, or they are not used.
 * 0: a caller waits. 1: requested. 2: scheduled. 3: requested, and hung. 4: failed or hung before. Polls add 5. 10: in
 * quarantine.
 */
export const PRIORITY: RawBuilder<number> = sql`(case when ran_out > 1 then 10 else case when kind = 'poll' then 5 else 0 end +
  case when requested > settled and not hung then case when awaited_until is null and standing then 1 else 0 end
    when requested > settled then 3 when hung or attempts > 0 then 4 else 2 end end)`

/** The kinds of tasks that a worker performs, and the time of the claim. */
export interface WorkerAsk {
  readonly kinds: readonly TaskKind[]
  readonly now: Date
}

/** A request for tasks of one priority. `after` is the organization after which the round-robin continues. */
export interface ChoiceAsk extends WorkerAsk {
  readonly priority: number
  readonly after: string
  readonly limit: number
  readonly perOrganization: number
  readonly held: readonly string[]
  readonly leaseMs: number
  /**
   * Null: longest due first. Otherwise every second task is one of those requested last; true: starting with the first.
   */
  readonly newestFirst: boolean | null
}

/**
 * A predicate over a table with `org_id`: the organization is not moving to another installation. The move waits for
 * claims in progress, which hold the lock of all claims.
 */
export const isAtHome: RawBuilder<boolean> = sql`org_id <> all (array(select id from organizations where moving_at is not null))`

/** A predicate over `tasks`: no worker holds the task, and this worker can perform it. */
function isFree({ kinds, now }: WorkerAsk, isAsked = sql`= any(${[...kinds]})`): RawBuilder<boolean> {
  return sql`(locked_until is null or locked_until < ${now}) and kind ${isAsked} and not (${isQuarantined}) and ${isAtHome}`
}

/**
 * The priorities, among those given, that have a due task. Rows held by workers are read on the way: there are no more
 * of them than workers have slots. Its only parameter is the time: with lists as parameters, PostgreSQL expects less of
 * a plan for any of them, and plans each time for longer than it runs.
 */
export function areDue(ask: WorkerAsk, priorities: readonly number[]): RawBuilder<{ p: number }> {
  const places = sql.join(priorities.map(priority => sql`(${sql.lit(priority)})`))
  return sql`
    select p from (values ${places}) as priorities (p)
    where (select true from tasks where ${isDue(sql`p`, ask)} and ${isFree(ask, sql`in (${sql.join(ask.kinds.map(sql.lit))})`)}
      order by ${PRIORITY}, due_at limit 1)`
}

// A row comparison rather than one per column: only then can the index made for it provide the order, whatever the
// planner estimates about the number of due rows.
function isDue(priority: RawBuilder<unknown>, { now }: WorkerAsk): RawBuilder<boolean> {
  return sql`(${PRIORITY}, due_at) >= (${priority}, '-infinity'::timestamptz)
    and (${PRIORITY}, due_at) <= (${priority}, ${now}::timestamptz) and due_at is not null`
}

function isDueOf(org: RawBuilder<unknown>, { priority, now }: ChoiceAsk): RawBuilder<boolean> {
  return sql`(${PRIORITY}, org_id, due_at) >= (${priority}::integer, ${org}, '-infinity'::timestamptz)
    and (${PRIORITY}, org_id, due_at) <= (${priority}::integer, ${org}, ${now}::timestamptz) and due_at is not null`
}

/**
 * The next organization after `after` that has tasks of the priority, due or not, with the time its first one is due;
 * wraps around to the first organization. The outer limit keeps the second branch from running if the first finds a
 * row.
 */
function nextOrganization({ priority }: ChoiceAsk, after: RawBuilder<unknown>): RawBuilder<unknown> {
  const behind = (place: RawBuilder<unknown>) => sql`select org_id, due_at from (
    select ${PRIORITY} as p, org_id, due_at from tasks
    where (${PRIORITY}, org_id) > (${priority}::integer, ${place}) and due_at is not null
    order by ${PRIORITY}, org_id, due_at limit 1) as found where p = ${priority}::integer`
  return sql`(select org_id, due_at from (
    ${behind(after)} union all ${behind(sql`'00000000-0000-0000-0000-000000000000'::uuid`)}) as either limit 1)`
}

/**
 * Claims up to `limit` tasks of a priority, alternating between organizations, the longest due of each first. Among
 * requested tasks, every second slot goes to the latest request, of the organization with the fewest waiting: a caller
 * does not wait behind a backlog of any organization. Rows are claims with `visited`, the last organization visited; at
 * least one row is returned.
 */
export function claimChoice<Row>(ask: ChoiceAsk): RawBuilder<Row> {
  return sql`
    with recursive held as (
      select org_id, count(*) as claims from unnest(${[...ask.held]}::uuid[]) as mine (org_id) group by org_id
    ), ${due(ask)}, ${inTurn(ask)}, ${taken(ask)}
    select claimed.*, last.visited from (select (select org_id from visited order by n desc limit 1) as visited) as last
    left join claimed on true`
}

/**
 * Whether the longest due tasks belong to fewer than `limit` organizations without a claim. If not, those fill the claim: each
 * comes before any task that a visit could find, so that no visit can change the choice.
 */
function areFewerThan(limit: number): RawBuilder<unknown> {
  return sql`(select count(distinct org_id) from oldest where org_id not in (select org_id from held)) < ${limit}`
}

/** The candidate rows. */
function due(ask: ChoiceAsk): RawBuilder<unknown> {
  const { priority, perOrganization, limit, newestFirst } = ask
  const mine = sql`${priority}::integer`
  const visits = newestFirst === null ? Math.min(ORGANIZATIONS, VISITS * (limit + 1)) : ORGANIZATIONS
  return sql`oldest as (
      select org_id, id, due_at from tasks where ${isDue(mine, ask)} and ${isFree(ask)}
      order by ${PRIORITY}, due_at limit ${sql.lit(OLDEST)}
    ), newest as (
      select org_id, id, due_at from tasks where ${isDue(mine, ask)} and ${isFree(ask)} and ${newestFirst !== null}
      order by ${PRIORITY} desc, due_at desc limit ${sql.lit(NEWEST)}
    ), visited (org_id, due_at, first, n) as (
      select org_id, due_at, org_id, 1 from ${nextOrganization(ask, sql`${ask.after}::uuid`)} as start
      where (select count(*) from oldest) = ${sql.lit(OLDEST)} and (${newestFirst !== null} or ${areFewerThan(limit)})
      union all
      select next.org_id, next.due_at, first, n + 1 from visited
      cross join lateral ${nextOrganization(ask, sql`visited.org_id`)} as next
      where n < ${visits} and next.org_id <> first
    ), due as (
      select org_id, id, due_at from oldest
      union select org_id, id, due_at from newest
      union select visited.org_id, its.id, its.due_at from visited cross join lateral (
        select id, due_at from tasks where visited.due_at <= ${ask.now} and ${isDueOf(sql`visited.org_id`, ask)} and ${isFree(ask)}
        order by ${PRIORITY}, org_id, due_at limit ${Math.min(perOrganization, limit)}) as its
    )`
}

/** The chosen rows, at most `perOrganization` of each organization, including the claims already held. */
function inTurn({ perOrganization, limit, newestFirst }: ChoiceAsk): RawBuilder<unknown> {
  return sql`fair as (
      select due.org_id, due.id, due.due_at, coalesce(held.claims, 0) as claims, count(*) over (partition by due.org_id) as many,
        row_number() over (partition by due.org_id order by due.due_at, due.id) as place,
        row_number() over (partition by due.org_id order by due.due_at desc, due.id desc) as place_from_last
      from due left join held on held.org_id = due.org_id
      where coalesce(held.claims, 0) < ${perOrganization}
    ), ordered as (
      select org_id, id, claims, least(
        2 * row_number() over (order by place + claims, due_at, id) + ${newestFirst === true ? 1 : 0},
        case when ${newestFirst !== null} then
          2 * row_number() over (order by place_from_last + claims, many, due_at desc, id) + ${newestFirst === false ? 1 : 0}
        end) as turn
      from fair
    ), picked as (
      select org_id, id from (
        select org_id, id, turn, row_number() over (partition by org_id order by turn) + claims as place from ordered) as counted
      where place <= ${perOrganization} order by turn limit ${limit}
    )`
}

/** The claims: the chosen rows that no other worker has changed in the meantime. */
function taken(ask: ChoiceAsk): RawBuilder<unknown> {
  const { now } = ask
  const until = new Date(now.getTime() + ask.leaseMs)
  return sql`locked as (
      select free.org_id, free.id from picked cross join lateral (
        select org_id, id from tasks where org_id = picked.org_id and id = picked.id and due_at <= ${now} and ${isFree(ask)}
        for update skip locked) as free
    ), claimed as (
      update tasks set locked_until = ${until}, token = token + 1,
        attempts = attempts + (locked_until is not null)::integer, ran_out = ran_out + (locked_until is not null)::integer
      from locked where tasks.org_id = locked.org_id and tasks.id = locked.id
      returning tasks.org_id as "organizationId", tasks.id, kind, datasource_id as "datasourceId", standing, payload,
        attempts + 1 as attempts, requested, token, awaits
    )`
}
