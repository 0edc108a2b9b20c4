/**
 * Check requests that the worker makes itself when a stored credential is needed but no valid verdict allows its use:
 * by work that waits for the check, and by work that does not. Concurrent requests share one check.
 */

import { sql } from 'kysely'
import { lockDatasource } from '#server/store/locks/lock-datasources.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'
import { type Claim, isHeld } from '#server/store/tasks/claims.ts'

/** A check of a standing task is requested and due, or is running. */
const UNDER_WAY = sql`tasks.requested > tasks.settled and (tasks.due_at <= excluded.due_at or tasks.locked_until is not null)`

/** The minimum interval between two check requests for an unsigned datasource that nobody waits for. */
const SELDOM = sql`interval '10 minutes'`

/**
 * Requests a check of the claim's datasource and releases the claim until that check is settled; the task looks again
 * at `dueAt`. Does nothing if the claim was lost.
 */
export async function awaitCheck(
  unit: UnitOfWork,
  held: Claim & { readonly datasourceId: string },
  { taskId, dueAt }: { taskId: string; dueAt: Date },
): Promise<void> {
  const { datasourceId } = held
  // Two tasks of one datasource change, so the datasource's lock comes first, as everywhere.
  await lockDatasource(unit, { id: datasourceId })
  // Requested once: a check that settles between two looks must not cause another one.
  const awaits = held.awaits ?? (await request(unit, { datasourceId, taskId }))
  await unit.tx
    .updateTable('tasks')
    .set(eb => ({ locked_until: null, due_at: dueAt, token: eb('token', '+', 1), awaits }))
    .where(isHeld(held))
    .execute()
}

/**
 * Requests a check of a datasource without a signed verdict, at once the first time: a worker of the last release may
 * take it and sign nothing, and the two must not bounce it between them. False if a check was requested recently.
 */
export async function requestUnsigned(
  unit: UnitOfWork,
  asked: { datasourceId: string; taskId: string },
): Promise<boolean> {
  const { tx, org, now } = unit
  const { rows } = await sql`
    update datasources set verdict_asked_at = ${now}
    where org_id = ${org} and id = ${asked.datasourceId} and deleted_at is null
      and (verdict_asked_at is null or verdict_asked_at <= ${now}::timestamptz - ${SELDOM})
    returning id
  `.execute(tx)
  if (rows.length === 0) return false
  await request(unit, asked)
  return true
}

/**
 * The number of the request in progress, or of a new one that is due now. A request that waits for a comparison
 * (`comparisons.ts`) does not count, since it may not lead to a check.
 */
async function request(
  { tx, org, now }: UnitOfWork,
  { datasourceId, taskId }: { datasourceId: string; taskId: string },
): Promise<number> {
  const { rows } = await sql<{ requested: number }>`
    insert into tasks (org_id, id, kind, datasource_id, standing, due_at, created_at)
    values (${org}::uuid, ${taskId}::uuid, 'verify', ${datasourceId}::uuid, true, ${now}::timestamptz, ${now}::timestamptz)
    on conflict (org_id, datasource_id, kind) where standing do update set
      requested = case when ${UNDER_WAY} then tasks.requested else tasks.requested + 1 end,
      attempts = case when ${UNDER_WAY} then tasks.attempts else 0 end,
      due_at = case when ${UNDER_WAY} then tasks.due_at else excluded.due_at end
    returning requested
  `.execute(tx)
  const [row] = rows
  if (row === undefined) throw new Error('the request has no number')
  return row.requested
}
