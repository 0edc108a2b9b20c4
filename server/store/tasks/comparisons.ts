/**
 * The comparison of a pending credential with the one in force, as a task of its own beside the check that may follow it: one that
 * turns out to be equal leaves the check's own time and attempts as they were.
 */
import { sql } from 'kysely'
import type { Tx } from '#server/store/tables/tables.ts'
import { request } from './tasks.ts'

/**
 * Has a pending credential compared, now: the standing comparison is due, and a check is counted as requested, whose own time and
 * attempts stay as they are until the comparison says that there is something to check. Returns the number of that request.
 */
export async function submit(
  tx: Tx,
  org: string,
  task: { id: string; checkId: string; datasourceId: string; now: Date },
): Promise<number> {
  await request(tx, org, { ...task, kind: 'compare' })
  const { rows } = await sql<{ requested: number }>`
    insert into tasks (org_id, id, kind, datasource_id, standing, due_at, created_at)
    values (${org}, ${task.checkId}, 'verify', ${task.datasourceId}, true, null, ${task.now})
    on conflict (org_id, datasource_id, kind) where standing do update set requested = tasks.requested + 1
    returning requested
  `.execute(tx)
  return rows[0]?.requested ?? 0
}

/** Makes the check due that a comparison was counted as: there is something to check. */
export async function settleUnequal(tx: Tx, org: string, of: { datasourceId: string; now: Date }): Promise<void> {
  await sql`
    update tasks set due_at = ${of.now}, attempts = 0
    where org_id = ${org} and datasource_id = ${of.datasourceId} and kind = 'verify' and standing and requested > settled
  `.execute(tx)
}

/**
 * Counts the check of a comparison as settled: there was nothing to check. If someone else has requested one as well, that one
 * settles both.
 */
export async function settleEqual(tx: Tx, org: string, of: { datasourceId: string; now: Date }): Promise<void> {
  await sql`
    update tasks set settled = requested, awaited_until = null
    where org_id = ${org} and datasource_id = ${of.datasourceId} and kind = 'verify' and standing and requested > settled
      and (requested - settled = 1 or (locked_until is null and (due_at is null or due_at > ${of.now})))
  `.execute(tx)
}
