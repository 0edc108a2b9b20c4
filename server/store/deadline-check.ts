/**
 * Reads back whether the server ends what our own connections leave running: settings of the role that nobody has set, or has
 * set too long. Asked at a start behind a pooler, where a session cannot set them for itself.
 */
import { sql } from 'kysely'
import type { Db } from './db.ts'
import { deadlineSettings } from './deadlines.ts'

/** True where a session of our role has one of the deadlines not, or a later one. */
export async function lacksDeadlines(db: Db): Promise<boolean> {
  const wanted = deadlineSettings()
  const { rows } = await sql<{ name: string; ms: number }>`
    select name, setting::int as ms from pg_catalog.pg_settings where name = any(${wanted.map(([name]) => name)}::text[])
  `.execute(db)
  return wanted.some(([name, limit]) => {
    const ms = rows.find(row => row.name === name)?.ms ?? 0
    return ms === 0 || ms > Number.parseInt(limit, 10)
  })
}
