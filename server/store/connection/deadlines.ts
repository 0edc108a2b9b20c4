/**
 * Deadlines on our own database, in one place: what the server ends by itself, and how much longer this side waits. The
 * server's are settings of the roles, since a pooler does not keep those of a session; `db grant` writes them and readiness
 * reads them back.
 */

import { type RawBuilder, sql } from 'kysely'
import { quoteText } from '#shared/base/sql-text.ts'

const SECOND_MS = 1_000

/** A statement, a wait for a lock, and a transaction that does nothing, at most. */
const DEADLINES_MS = {
  statement_timeout: 15 * SECOND_MS,
  lock_timeout: 2 * SECOND_MS,
  idle_in_transaction_session_timeout: 15 * SECOND_MS,
} as const

/** After so long a statement's connection is thrown away: the server would have ended it a second ago. */
export const CLIENT_DEADLINE_MS = DEADLINES_MS.statement_timeout + SECOND_MS

/** The settings of PostgreSQL, with their unit. */
export function deadlineSettings(): [name: string, value: string][] {
  return Object.entries(DEADLINES_MS).map(([name, ms]) => [name, `${ms}ms`])
}

/** The statement that gives a role the deadlines in the connected database, for each of its sessions to come; one line. */
export function roleDeadlines(role: string): string {
  const settings = deadlineSettings().map(([name, value]) => {
    const alter = quoteText(`alter role %I in database %I set ${name} = %L`)
    return `execute format(${alter}, ${quoteText(role)}, current_database(), ${quoteText(value)});`
  })
  // The database is asked for where the statement runs: it is printed, too, for another session.
  return `do ${quoteText(`begin ${settings.join(' ')} end`)}`
}

/** An expression: this session has the deadlines, and none is longer than this side waits. */
export function deadlinesAreSet(): RawBuilder<boolean> {
  const each = Object.entries(DEADLINES_MS).map(([name, ms]) => {
    const set = sql`extract(epoch from current_setting(${name})::interval) * 1000`
    return sql`(${set} between 1 and ${ms})`
  })
  return sql`(${sql.join(each, sql` and `)})`
}
