/**
 * The outcomes of one-time tasks. The worker writes an outcome, and the requester either takes it together with its
 * task, or reads it and drops the task in the transaction that stores the answer. Called by `api/procedure`.
 */
import { sql } from 'kysely'
import { mayWrite } from '#server/store/fence/organization-writer.ts'
import type { Db } from '#server/store/tables/tables.ts'

/** The columns that are read when a one-time task is taken. */
export interface TakenOutcome {
  readonly outcome: unknown
}

/**
 * Takes the outcome of a one-time task and deletes the task; undefined while it is pending, `ended` if the task does
 * not exist or no longer does.
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

/** The outcome of a one-time task, which stays until `drop`; returns the same values as `takeOutcome`. */
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

/** Deletes a task whose outcome was read, in the transaction that stores the answer. */
export async function drop(db: Db, org: string, id: string): Promise<void> {
  await db
    .deleteFrom('tasks')
    .where('org_id', '=', org)
    .where('id', '=', id)
    .where(mayWrite({ organizationId: org, phase: 'ends' }))
    .execute()
}

/**
 * Deletes a one-time task, finished or not, and returns its outcome if it had one. A worker still working on it settles
 * nothing.
 */
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
