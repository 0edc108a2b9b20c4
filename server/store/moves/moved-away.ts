/**
 * Deletes the remains of an organization that has moved away, through a function owned by the owner role: the worker
 * role may not delete organizations.
 */
import { sql } from 'kysely'
import type { Db } from '#server/store/tables/tables.ts'

/**
 * Deletes the remains of one organization that moved at least `keepDays` days ago, with a minimum of 30; returns true
 * if more may remain.
 */
export async function purgeMoved(db: Db, keepDays: number): Promise<boolean> {
  const { rows } = await sql<{ gone: boolean }>`select forget_moved(${keepDays}) as gone`.execute(db)
  return rows[0]?.gone === true
}
