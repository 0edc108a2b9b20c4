/**
 * The progress of a datasource's running check: written by the worker that holds it, read by callers who watch it.
 * A hint: it decides nothing, and one that another claim has left behind is read by nobody.
 */
import { sql } from 'kysely'
import type { Db } from '#server/store/tables/tables.ts'
import type { DialItem } from '#shared/checks/items.ts'
import { type Claim, isHeld } from './claims.ts'

/** Tells the last item that was passed. It writes nothing once the claim has ended, and nothing for a check that only the schedule wants. */
export async function save(db: Db, held: Claim, reached: DialItem): Promise<void> {
  await db
    .updateTable('tasks')
    .set({ reached, reached_by: held.token })
    .where(isHeld(held))
    .where('locked_until', 'is not', null)
    .whereRef('requested', '>', 'settled')
    .execute()
}

/** The last item that was told by the check that is running, null before there is one; undefined while none is running. */
export async function read(
  db: Db,
  org: string,
  of: { readonly datasourceId: string; readonly now: Date },
): Promise<DialItem | null | undefined> {
  const row = await db
    .selectFrom('tasks')
    .select(['reached', 'reached_by', 'token'])
    .where('org_id', '=', org)
    .where('datasource_id', '=', of.datasourceId)
    .where('kind', '=', 'verify')
    .where('standing', '=', sql.lit(true))
    .where('locked_until', '>', of.now)
    .executeTakeFirst()
  if (row === undefined) return undefined
  return row.reached_by === row.token ? row.reached : null
}
