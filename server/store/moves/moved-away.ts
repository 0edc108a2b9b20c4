/**
 * The end of what a source keeps of an organization that has moved away. By a function of the owner's: the worker's role may delete no
 * organization.
 */
import { sql } from 'kysely'
import type { Db } from '#server/store/tables/tables.ts'

/** Removes what is left of one that moved so many days ago, 30 at least; says whether there may be more. */
export async function purgeMoved(db: Db, keepDays: number): Promise<boolean> {
  const { rows } = await sql<{ gone: boolean }>`select forget_moved(${keepDays}) as gone`.execute(db)
  return rows[0]?.gone === true
}
