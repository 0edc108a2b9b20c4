/**
 * Verifies that the server aborts what our own connections leave running, through settings of the role that may be
 * missing or too long. Checked at each start, because a pooler does not preserve session settings.
 */
import { sql } from 'kysely'
import type { Db } from '#server/store/tables/tables.ts'
import { deadlinesAreSet } from './deadlines.ts'

/** True if a session of our role lacks one of the deadlines or has a longer one. */
export async function lacksDeadlines(db: Db): Promise<boolean> {
  const { rows } = await sql<{ areSet: boolean }>`select ${deadlinesAreSet()} as "areSet"`.execute(db)
  return rows[0]?.areSet !== true
}
