/**
 * From what the driver throws to a code of our closed list. Five characters of SQLSTATE pass, and nothing else of the
 * remote side: its message, detail and hint can contain the password that it was just sent.
 */
import pg from 'pg'
import { SessionError } from '#server/net/socket/session-error.ts'
import type { FailureCode } from '#shared/faults/failure.ts'

/** What an SQLSTATE means at any time (PostgreSQL documentation, appendix "Error Codes"). */
const ALWAYS: Readonly<Record<string, FailureCode>> = {
  '28P01': 'password_refused',
  '28000': 'login_refused',
  '3D000': 'database_missing',
  '53300': 'too_many_connections',
  '57P01': 'server_starting',
  '57P02': 'server_starting',
  '57P03': 'server_starting',
}

/** … before the first query: no CONNECT privilege, and a database with `allow_connections` off. */
const AT_LOGIN: Readonly<Record<string, FailureCode>> = { '42501': 'connect_denied', '55000': 'connect_denied' }

/** … to a query: cancelled by the statement timeout, the lock timeout, the timeouts of an idle session. */
const AT_QUERY: Readonly<Record<string, FailureCode>> = {
  '57014': 'query_timeout',
  '55P03': 'query_timeout',
  '25P03': 'query_timeout',
  '57P05': 'query_timeout',
}

/** The failure that an error means. `other` is for what neither the server nor our own gate said. */
export function sessionError(error: unknown, at: 'login' | 'query', other: FailureCode): SessionError {
  if (error instanceof SessionError) return error
  if (!(error instanceof pg.DatabaseError)) return new SessionError(other)
  const sqlstate = /^[0-9A-Z]{5}$/.test(error.code ?? '') ? error.code : undefined
  return new SessionError(meaning(sqlstate ?? '', at), sqlstate)
}

function meaning(sqlstate: string, at: 'login' | 'query'): FailureCode {
  const known = ALWAYS[sqlstate] ?? (at === 'login' ? AT_LOGIN : AT_QUERY)[sqlstate]
  if (known !== undefined) return known
  // Class 42: what we asked for may not be read, or is not there.
  return at === 'query' && sqlstate.startsWith('42') ? 'facts_unreadable' : 'server_error'
}
