/**
 * The requester's side of tasks: a task is enqueued in the statement or transaction that needs it, and its outcome is
 * read once it exists. The worker's side is in `claims.ts`.
 */

import { sql } from 'kysely'
import type { TaskKind } from '#server/domain/tasks/task-kind.ts'
import { mayWrite, OrganizationMoving } from '#server/store/fence/organization-writer.ts'
import { BATCH, batch, limited } from '#server/store/installation/batches.ts'
import type { Db } from '#server/store/tables/tables.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'

/** Makes a standing task due now, creating it if it does not exist, and returns the number of this request. */
export async function request(
  { tx, org, now }: UnitOfWork,
  task: { id: string; kind: TaskKind; datasourceId: string },
): Promise<number> {
  const row = await tx
    .insertInto('tasks')
    .values({
      org_id: org,
      id: task.id,
      kind: task.kind,
      datasource_id: task.datasourceId,
      standing: true,
      due_at: now,
      created_at: now,
    })
    .onConflict(conflict =>
      conflict
        .columns(['org_id', 'datasource_id', 'kind'])
        .where('standing', '=', sql.lit(true))
        .doUpdateSet(eb => ({ requested: eb('tasks.requested', '+', 1), due_at: now, attempts: 0 })),
    )
    .returning('requested')
    .executeTakeFirstOrThrow()
  return row.requested
}

/**
 * Enqueues a one-time task. `payload` is sealed; the outcome is kept until it is read or `expiresAt`. Throws
 * `OrganizationMoving`.
 */
export async function submit(
  tx: Db,
  org: string,
  task: { id: string; kind: TaskKind; datasourceId: string | null; payload: Buffer | null; now: Date; expiresAt: Date },
): Promise<void> {
  const { id, kind, datasourceId, payload, now, expiresAt } = task
  const { rows } = await sql`
    insert into tasks (org_id, id, kind, datasource_id, standing, payload, due_at, created_at, expires_at)
    select ${org}::uuid, ${id}::uuid, ${kind}, ${datasourceId}::uuid, false, ${payload}::bytea, ${now}::timestamptz,
      ${now}::timestamptz, ${expiresAt}::timestamptz
    where ${mayWrite({ organizationId: org, phase: 'begins' })}
    returning id
  `.execute(tx)
  if (rows.length === 0) throw new OrganizationMoving()
}

/** The number of a standing task's last settled request; 0 if there is no such task. */
export async function settledRequest(
  db: Db,
  org: string,
  task: { datasourceId: string; kind: TaskKind },
): Promise<number> {
  const row = await db
    .selectFrom('tasks')
    .select('settled')
    .where('org_id', '=', org)
    .where('datasource_id', '=', task.datasourceId)
    .where('kind', '=', task.kind)
    .where('standing', '=', sql.lit(true))
    .executeTakeFirst()
  return row?.settled ?? 0
}

/** Ends all tasks of a datasource, in the transaction that removes it. */
export async function endAll(tx: Db, org: string, datasourceId: string): Promise<void> {
  await tx.deleteFrom('tasks').where('org_id', '=', org).where('datasource_id', '=', datasourceId).execute()
}

/** Deletes a batch of expired, unread outcomes across all organizations; returns true if more may remain. */
export function purgeExpired(db: Db, now: Date, size: number = BATCH): Promise<boolean> {
  return batch(
    db,
    size,
    sql`
      with old as (
        select org_id, id from tasks where expires_at < ${now} and not standing order by expires_at ${limited(size)}
      )
      delete from tasks t using old where t.org_id = old.org_id and t.id = old.id`,
  )
}
