/**
 * Work for the worker, as the worker sees it: claimed with `skip locked`, settled with a fencing token, so that a worker
 * whose claim has run out cannot write over the one that took the work from it.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Db, TaskKind, Tx } from './db.ts'

/** A worker's hold on a task. `token` fences: settling with an older one changes nothing. */
export interface Claim {
  readonly organizationId: string
  readonly id: string
  readonly kind: TaskKind
  readonly datasourceId: string | null
  readonly standing: boolean
  readonly payload: Buffer | null
  readonly attempts: number
  readonly requested: number
  readonly token: number
  /** The number of the request for a check that it was given back for; null for none. */
  readonly awaits: number | null
}

/** What a worker asks for. */
export interface ClaimAsk {
  readonly kinds: readonly TaskKind[]
  readonly limit: number
  /** Claims of one organization that this worker may hold at a time: a noisy one leaves room for the others. */
  readonly perOrganization: number
  /** The organizations of the claims that it holds and that count against this one, one entry a claim. */
  readonly held: readonly string[]
  readonly leaseMs: number
  readonly now: Date
  readonly lanes: readonly Lane[]
}

/** Whom a task is for: somebody who waits for it, the schedule, or the schedule again after it could not be done. */
export type Lane = 'asked' | 'scheduled' | 'failed'

/**
 * A predicate over `tasks`: with the claim that has run out, if one has, two have. It held up or took down the process that
 * worked at it, or was held beside what did: it is claimed by `quarantine.ts` alone.
 */
export const isQuarantined: RawBuilder<boolean> = sql`ran_out + (locked_until is not null)::integer > 1`

/** How many due tasks a claim looks at: fairness among more of them is not worth the reading. */
const CONSIDERED = 1_000

/**
 * Claims up to `limit` due tasks until `now + leaseMs`: of organizations in turn, of each the longest due first. One of the
 * three functions that find the organization instead of being told it: the worker serves all of them.
 */
export async function claim(db: Db, ask: ClaimAsk): Promise<Claim[]> {
  const { now } = ask
  const until = new Date(now.getTime() + ask.leaseMs)
  const { rows } = await sql<Claim>`
    with held as (
      select org_id, count(*) as claims from unnest(${[...ask.held]}::uuid[]) as mine(org_id) group by org_id
    ), due as (
      select org_id, id, due_at from tasks
      where due_at <= ${now} and (locked_until is null or locked_until < ${now}) and kind = any(${[...ask.kinds]})
        and case when requested > settled then 'asked' when attempts = 0 then 'scheduled' else 'failed' end = any(${[...ask.lanes]})
        and org_id not in (select org_id from held where claims >= ${ask.perOrganization})
        and not (${isQuarantined})
      order by due_at limit ${CONSIDERED}
    ), fair as (
      select due.org_id, due.id, due.due_at,
        row_number() over (partition by due.org_id order by due.due_at) + coalesce(held.claims, 0) as place
      from due left join held on held.org_id = due.org_id
    )
    update tasks set locked_until = ${until}, token = token + 1, attempts = attempts + 1,
      ran_out = ran_out + (locked_until is not null)::integer
    where (org_id, id) in (
      select org_id, id from tasks
      where (org_id, id) in (select org_id, id from fair where place <= ${ask.perOrganization} order by place, due_at limit ${ask.limit})
        and due_at <= ${now} and (locked_until is null or locked_until < ${now}) and not (${isQuarantined})
      order by due_at for update skip locked)
    returning org_id as "organizationId", id, kind, datasource_id as "datasourceId", standing, payload, attempts, requested, token, awaits
  `.execute(db)
  return rows
}

/** How a standing task goes on: due again at `dueAt`, a time or an expression of one; null for not before it is requested. */
export interface Next {
  readonly dueAt: Date | null | RawBuilder<Date>
  readonly now: Date
  readonly failed: boolean
}

/** A predicate over `tasks`: the claim is still good. */
export function isHeld({ organizationId, id, token }: Claim): RawBuilder<boolean> {
  return sql`tasks.org_id = ${organizationId} and tasks.id = ${id} and tasks.token = ${token}`
}

/**
 * What settling sets, for statements that do it together with their effect: due now when it was requested again meanwhile, and that
 * request was not settled by another way.
 */
export function settledColumns({ requested }: Claim, { dueAt, now, failed }: Next): RawBuilder<unknown> {
  return sql`settled = greatest(settled, ${requested}), locked_until = null, ran_out = 0, attempts = case when ${failed} then attempts else 0 end,
    due_at = case when requested > greatest(settled, ${requested}) then ${now}::timestamptz else ${dueAt}::timestamptz end`
}

/** Settles a standing task in the transaction of its effect. False when the claim was lost; the caller then rolls back. */
export async function settle(tx: Tx, held: Claim, next: Next): Promise<boolean> {
  const { rows } = await sql`update tasks set ${settledColumns(held, next)} where ${isHeld(held)} returning id`.execute(
    tx,
  )
  return rows.length === 1
}

/** Settles a task that is done once: its payload is gone, its outcome awaits the reader. False when the claim was lost. */
export async function finish(tx: Db, held: Claim, outcome: unknown): Promise<boolean> {
  const rows = await tx
    .updateTable('tasks')
    .set({ outcome: JSON.stringify(outcome), payload: null, due_at: null, locked_until: null, ran_out: 0 })
    .where('org_id', '=', held.organizationId)
    .where('id', '=', held.id)
    .where('token', '=', held.token)
    .returning('id')
    .execute()
  return rows.length === 1
}

/**
 * Gives a claim back undone, due at `dueAt`: at shutdown now, after a failure of ours later. The claim is void from then
 * on: work that is still being cut off must not settle what it could not do.
 */
export async function handBack(db: Db, held: Claim, dueAt: Date): Promise<void> {
  await db
    .updateTable('tasks')
    .set(eb => ({ locked_until: null, due_at: dueAt, token: eb('token', '+', 1) }))
    .where('org_id', '=', held.organizationId)
    .where('id', '=', held.id)
    .where('token', '=', held.token)
    .execute()
}
