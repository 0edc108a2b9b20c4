/**
 * The comparison of a pending credential with the one in force, a task separate from the check that may follow it: if
 * the two are equal, the check's own schedule and attempts stay unchanged.
 */

import { sql } from 'kysely'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'

/** Makes the counted check due, because the credentials differ. */
export async function settleUnequal({ tx, org, now }: UnitOfWork, datasourceId: string): Promise<void> {
  await sql`
    update tasks set due_at = ${now}, attempts = 0
    where org_id = ${org} and datasource_id = ${datasourceId} and kind = 'verify' and standing and requested > settled
  `.execute(tx)
}

/**
 * Counts the check as settled, because the credentials are equal. If another caller has also requested a check, that
 * check settles both requests.
 */
export async function settleEqual({ tx, org, now }: UnitOfWork, datasourceId: string): Promise<void> {
  await sql`
    update tasks set settled = requested, awaited_until = null
    where org_id = ${org} and datasource_id = ${datasourceId} and kind = 'verify' and standing and requested > settled
      and (requested - settled = 1 or (locked_until is null and (due_at is null or due_at > ${now})))
  `.execute(tx)
}
