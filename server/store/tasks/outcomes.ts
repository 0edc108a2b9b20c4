/**
 * The outcomes of tasks that are done once. The worker writes one, and who asked takes it with its task, or reads it and drops the task
 * in the transaction that keeps an answer made of it. Called by `api/procedure`.
 */
import { sql } from 'kysely'
import { mayWrite } from '#server/store/fence/organization-writer.ts'
import type { Db } from '#server/store/tables/tables.ts'

/** The columns that are read when a one-time task is taken. */
export interface TakenOutcome {
  readonly outcome: unknown
}

/**
 * Takes the outcome of a task that is done once, and the task with it; undefined while it is not done, `ended` when there is
 * no such task, or no more.
 */
export async function takeOutcome(db: Db, org: string, id: string): Promise<TakenOutcome | 'ended' | undefined> {
  const { rows } = await sql<TakenOutcome>`
    with taken as (
      delete from tasks where org_id = ${org} and id = ${id} and outcome is not null
        and ${mayWrite({ organizationId: org, phase: 'ends' })} returning outcome
    )
    select outcome from taken
    union all select null from tasks where org_id = ${org} and id = ${id} and outcome is null
  `.execute(db)
  const [row] = rows
  if (row === undefined) return 'ended'
  return row.outcome === null ? undefined : { outcome: row.outcome }
}

/** The outcome of a task that is done once, which stays until `drop`; the same answers as `takeOutcome`. */
export async function readOutcome(db: Db, org: string, id: string): Promise<TakenOutcome | 'ended' | undefined> {
  const row = await db
    .selectFrom('tasks')
    .select('outcome')
    .where('org_id', '=', org)
    .where('id', '=', id)
    .executeTakeFirst()
  if (row === undefined) return 'ended'
  return row.outcome === null ? undefined : { outcome: row.outcome }
}

/** Removes a task whose outcome was read, in the transaction that keeps what was made of it. */
export async function drop(db: Db, org: string, id: string): Promise<void> {
  await db
    .deleteFrom('tasks')
    .where('org_id', '=', org)
    .where('id', '=', id)
    .where(mayWrite({ organizationId: org, phase: 'ends' }))
    .execute()
}

/** Takes a task that is done once, done or not: its outcome, undefined when it had none. A worker that is at it settles nothing. */
export async function cancel(db: Db, org: string, id: string): Promise<TakenOutcome | undefined> {
  const row = await db
    .deleteFrom('tasks')
    .where('org_id', '=', org)
    .where('id', '=', id)
    .where(mayWrite({ organizationId: org, phase: 'ends' }))
    .returning('outcome')
    .executeTakeFirst()
  return row === undefined || row.outcome === null ? undefined : { outcome: row.outcome }
}
