/**
 * Reads back whether the server ends what our own connections leave running: settings of the role that nobody has set, or has
 * set too long. Asked at each start: a pooler keeps none of what a session sets for itself.
 */
import { sql } from 'kysely'
import type { Db } from '#server/store/tables/tables.ts'
import { deadlinesAreSet } from './deadlines.ts'

/** True where a session of our role has one of the deadlines not, or a later one. */
export async function lacksDeadlines(db: Db): Promise<boolean> {
  const { rows } = await sql<{ areSet: boolean }>`select ${deadlinesAreSet()} as "areSet"`.execute(db)
  return rows[0]?.areSet !== true
}
