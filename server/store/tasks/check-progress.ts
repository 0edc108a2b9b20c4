/**
 * The progress of a datasource's running check, written by the worker that holds the task and read by callers who watch
 * it. It is a hint: it decides nothing, and progress left by an earlier claim is ignored.
 */
import { sql } from 'kysely'
import type { Db } from '#server/store/tables/tables.ts'
import type { DialItem } from '#shared/checks/items.ts'
import { type Claim, isHeld } from './claims.ts'

/**
 * Records the last item that passed. Writes nothing once the claim has ended, or for a check that only the schedule
 * requested.
 */
export async function save(db: Db, held: Claim, reached: DialItem): Promise<void> {
  await db
    .updateTable('tasks')
    .set({ reached, reached_by: held.token })
    .where(isHeld(held))
    .where('locked_until', 'is not', null)
    .whereRef('requested', '>', 'settled')
    .execute()
}

/** The last item that the running check recorded; null before the first, undefined if no check is running. */
export async function read(
  db: Db,
  org: string,
  { datasourceId, now }: { readonly datasourceId: string; readonly now: Date },
): Promise<DialItem | null | undefined> {
  const row = await db
    .selectFrom('tasks')
    .select(['reached', 'reached_by', 'token'])
    .where('org_id', '=', org)
    .where('datasource_id', '=', datasourceId)
    .where('kind', '=', 'verify')
    .where('standing', '=', sql.lit(true))
    .where('locked_until', '>', now)
    .executeTakeFirst()
  if (row === undefined) return undefined
  return row.reached_by === row.token ? row.reached : null
}
