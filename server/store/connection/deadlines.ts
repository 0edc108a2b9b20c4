/**
 * All deadlines on our own database: those that the server enforces, and how much longer this side waits. The server's
 * are role settings, since a pooler does not preserve session settings; `db grant` writes them, and readiness reads
 * them back.
 */

import { type RawBuilder, sql } from 'kysely'
import { quoteText } from '#shared/base/sql-text.ts'

const SECOND_MS = 1_000

/** The maximum duration of a statement, of a wait for a lock, and of an idle transaction. */
const DEADLINES_MS = {
  statement_timeout: 15 * SECOND_MS,
  lock_timeout: 2 * SECOND_MS,
  idle_in_transaction_session_timeout: 15 * SECOND_MS,
} as const

/**
 * After this time the connection of a statement is destroyed: the server should have aborted the statement a second
 * ago.
 */
export const CLIENT_DEADLINE_MS = DEADLINES_MS.statement_timeout + SECOND_MS

/** The settings as PostgreSQL takes them, with their unit. */
export function deadlineSettings(): [name: string, value: string][] {
  return Object.entries(DEADLINES_MS).map(([name, ms]) => [name, `${ms}ms`])
}

/** The statement, on one line, that sets the deadlines for all future sessions of a role in the connected database. */
export function roleDeadlines(role: string): string {
  const settings = deadlineSettings().map(([name, value]) => {
    const alter = quoteText(`alter role %I in database %I set ${name} = %L`)
    return `execute format(${alter}, ${quoteText(role)}, current_database(), ${quoteText(value)});`
  })
  // The statement itself looks up the database's name, because it is also printed for use in another session.
  return `do ${quoteText(`begin ${settings.join(' ')} end`)}`
}

/** A predicate: the session has all deadlines, and none exceeds the time that this side waits. */
export function deadlinesAreSet(): RawBuilder<boolean> {
  const each = Object.entries(DEADLINES_MS).map(([name, ms]) => {
    const set = sql`extract(epoch from current_setting(${name})::interval) * 1000`
    return sql`(${set} between 1 and ${ms})`
  })
  return sql`(${sql.join(each, sql` and `)})`
}
