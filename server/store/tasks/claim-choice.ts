/**
 * The statement of a claim, for tasks of one priority: which due tasks are taken, whosever they are. It reads a bounded number of
 * rows whatever is due: the longest due, the last asked for, and, where more are due than that, some of each organization, from
 * a place that goes round. Called by `claims.ts`, under the lock that lets one worker claim at a time.
 */
import { type RawBuilder, sql } from 'kysely'
import type { TaskKind } from '#server/domain/tasks/task-kind.ts'

/** The number of the longest due tasks that a claim looks at. If there are fewer, it has seen all due tasks. */
const OLDEST = 200
/** Of those that were asked for last. */
const NEWEST = 64
/** Organizations that a claim visits where more is due, at most. */
const ORGANIZATIONS = 200
/** For each task that may be taken of those that nobody waits for: all are visited in the course of the claims. */
const VISITS = 8
/** The visits end at so many organizations with something due, for each such task: the others get their turn in the next claims. */
const ENOUGH = 2

/**
 * A predicate over `tasks`: with the claim that has run out, if one has, two have. It held up or took down the process that
 * worked at it, or was held beside what did: it is claimed by `quarantine.ts` alone.
 */
export const isQuarantined: RawBuilder<boolean> = sql`ran_out + (locked_until is not null)::integer > 1`

/**
 * Settings under which the statement is run: its plan is made once for any parameters, and by the indexes even while the table is
 * small, so that it stays good whatever comes to be due.
 */
export const PLAN_SETTINGS = {
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_bitmapscan: 'off',
  enable_incremental_sort: 'off',
} as const

/**
 * Whom a task is for, over `tasks`: in the words of the two indexes that begin with it, or they are not used. 0: somebody waits for
 * it. 1: asked for. 2: by the schedule. 3: asked for, and hung. 4: failed or hung before. Polls: 5 more. 10: in quarantine.
 */
export const PRIORITY: RawBuilder<number> = sql`(case when ran_out > 1 then 10 else case when kind = 'poll' then 5 else 0 end +
  case when requested > settled and not hung then case when awaited_until is null and standing then 1 else 0 end
    when requested > settled then 3 when hung or attempts > 0 then 4 else 2 end end)`

/** The kinds of tasks that a worker does, and the time of the claim. */
export interface WorkerAsk {
  readonly kinds: readonly TaskKind[]
  readonly now: Date
}

/** Of one priority, and where the round through the organizations goes on. */
export interface ChoiceAsk extends WorkerAsk {
  readonly priority: number
  readonly after: string
  readonly limit: number
  readonly perOrganization: number
  readonly held: readonly string[]
  readonly leaseMs: number
  /** Null: the longest due first. Otherwise every second one is of those asked for last; true: the first is. */
  readonly newestFirst: boolean | null
}

/**
 * A predicate over a table with `org_id`: of no organization that moves to another installation. The move waits for the claims
 * of tasks under way, which hold the lock of all claims.
 */
export const isAtHome: RawBuilder<boolean> = sql`org_id <> all (array(select id from organizations where moving_at is not null))`

/** A predicate over `tasks`: nobody works at it, and this worker can. */
function isFree({ kinds, now }: WorkerAsk): RawBuilder<boolean> {
  return sql`(locked_until is null or locked_until < ${now}) and kind = any(${[...kinds]}) and not (${isQuarantined}) and ${isAtHome}`
}

/**
 * Whether any of these priorities has something to do. Rows that are held are read on the way: there are no more of them than
 * workers have places.
 */
export function areDue(ask: WorkerAsk, priorities: readonly number[]): RawBuilder<{ p: number }> {
  return sql`
    select p from unnest(${[...priorities]}::integer[]) as p
    where (select true from tasks where ${isDue(sql`p`, ask)} and ${isFree(ask)} order by ${PRIORITY}, due_at limit 1)`
}

// Rows are compared, and not column by column: only the index that was made for it can then give the order, whatever the
// planner believes of how many are due.
function isDue(priority: RawBuilder<unknown>, { now }: WorkerAsk): RawBuilder<boolean> {
  return sql`(${PRIORITY}, due_at) >= (${priority}, '-infinity'::timestamptz)
    and (${PRIORITY}, due_at) <= (${priority}, ${now}::timestamptz) and due_at is not null`
}

function isDueOf(org: RawBuilder<unknown>, { priority, now }: ChoiceAsk): RawBuilder<boolean> {
  return sql`(${PRIORITY}, org_id, due_at) >= (${priority}::integer, ${org}, '-infinity'::timestamptz)
    and (${PRIORITY}, org_id, due_at) <= (${priority}::integer, ${org}, ${now}::timestamptz) and due_at is not null`
}

/**
 * The next organization that has tasks of the priority, due or not, and when its first one is due: the first one behind the last. The
 * limit over both keeps the second from being looked for where there is a first.
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
 * Claims up to `limit` tasks of a priority: of organizations in turn, of each the longest due. Of those asked for, every second
 * place goes to what was asked for last, of the organization that waits for the least: a caller does not wait behind everything
 * that was brought before, by whomever. Rows are claims, with `visited`, where the round has come to; at least one comes back.
 */
export function claimChoice<Row>(ask: ChoiceAsk): RawBuilder<Row> {
  return sql`
    with recursive held as (
      select org_id, count(*) as claims from unnest(${[...ask.held]}::uuid[]) as mine (org_id) group by org_id
    ), ${due(ask)}, ${inTurn(ask)}, ${taken(ask)}
    select claimed.*, last.visited from (select (select org_id from visited order by n desc limit 1) as visited) as last
    left join claimed on true`
}

/** The rows among which is chosen. */
function due(ask: ChoiceAsk): RawBuilder<unknown> {
  const { priority, perOrganization, limit, newestFirst } = ask
  const mine = sql`${priority}::integer`
  const isFound = (at: RawBuilder<unknown>) => sql`(${at} <= ${ask.now}::timestamptz)::integer`
  const [most, enough] =
    newestFirst === null ? [VISITS * (limit + 1), ENOUGH * (limit + 1)] : [ORGANIZATIONS, ORGANIZATIONS]
  return sql`oldest as (
      select org_id, id, due_at from tasks where ${isDue(mine, ask)} and ${isFree(ask)}
      order by ${PRIORITY}, due_at limit ${sql.lit(OLDEST)}
    ), newest as (
      select org_id, id, due_at from tasks where ${isDue(mine, ask)} and ${isFree(ask)} and ${newestFirst !== null}
      order by ${PRIORITY} desc, due_at desc limit ${sql.lit(NEWEST)}
    ), visited (org_id, due_at, first, n, found) as (
      select org_id, due_at, org_id, 1, ${isFound(sql`due_at`)} from ${nextOrganization(ask, sql`${ask.after}::uuid`)} as start
      where (select count(*) from oldest) = ${sql.lit(OLDEST)}
      union all
      select next.org_id, next.due_at, first, n + 1, found + ${isFound(sql`next.due_at`)} from visited
      cross join lateral ${nextOrganization(ask, sql`visited.org_id`)} as next
      where n < ${Math.min(ORGANIZATIONS, most)} and found < ${enough} and next.org_id <> first
    ), due as (
      select org_id, id, due_at from oldest
      union select org_id, id, due_at from newest
      union select visited.org_id, its.id, its.due_at from visited cross join lateral (
        select id, due_at from tasks where visited.due_at <= ${ask.now} and ${isDueOf(sql`visited.org_id`, ask)} and ${isFree(ask)}
        order by ${PRIORITY}, org_id, due_at limit ${Math.min(perOrganization, limit)}) as its
    )`
}

/** Those that are chosen, at most as many of an organization as it may have. */
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

/** The claims, of those that nobody has touched meanwhile. */
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
