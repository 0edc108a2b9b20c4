/**
 * Maps the driver's errors to our closed list of codes. Of the remote side, only the five characters of the SQLSTATE
 * pass through: its message, detail and hint can contain the password that it was just sent.
 */
import pg from 'pg'
import { deniesRight, knownSentence, namesHba } from '#server/domain/checks/known-sentences.ts'
import { SessionError } from '#server/net/socket/session-error.ts'
import type { FailureCode } from '#shared/faults/failure.ts'

/**
 * The point of the exchange at which an error arrived: before anything was requested of us, before our proof of the
 * password, in answer to it, after the server's own proof, after AuthenticationOk, or in answer to a query.
 */
export type Moment = 'request' | 'exchange' | 'proof' | 'proven' | 'welcome' | 'query'

/** PostgreSQL's own SQLSTATEs, at any point except in answer to our proof (documentation, appendix "Error Codes"). */
const ALWAYS: Readonly<Record<string, FailureCode>> = {
  '28P01': 'password_refused',
  '3D000': 'database_missing',
  '53300': 'too_many_connections',
  '57P01': 'server_starting',
  '57P02': 'server_starting',
  '57P03': 'server_starting',
}

/**
 * Failures that share an SQLSTATE and differ only in the message: whose limit it is, and which kind of server refuses
 * connections.
 */
const NARROWER: ReadonlySet<FailureCode> = new Set(['role_limit_reached', 'database_limit_reached', 'standby_closed'])

/** SQLSTATEs after AuthenticationOk: no CONNECT privilege, `allow_connections` off, and a role without LOGIN. */
const AT_WELCOME: Readonly<Record<string, FailureCode>> = {
  '28000': 'role_not_login',
  '42501': 'connect_denied',
  '55000': 'database_disabled',
}

/**
 * SQLSTATEs in answer to a query: the statement timeout, the lock timeout, the idle timeouts; and features that every
 * PostgreSQL since 13 has and this server lacks.
 */
const AT_QUERY: Readonly<Record<string, FailureCode>> = {
  '57014': 'query_timeout',
  '55P03': 'query_timeout',
  '25P03': 'query_timeout',
  '57P05': 'query_timeout',
  '57P04': 'database_missing',
  '0A000': 'server_unknown',
  // The one error of class 42 from a PostgreSQL that understands our statements: the role may not read them.
  '42501': 'facts_unreadable',
}

/** SQLSTATE classes with which poolers answer a query if no server is available. */
const OF_POOLERS = /^(?:08|53|55|57|58|XX)/
/**
 * Classes of errors in statements. After AuthenticationOk we have sent none yet: they come from code that runs at each
 * login.
 */
const OF_STATEMENTS = /^(?:22|23|38|42|P0)/

/** The failure that an error means. `other` applies if neither the server nor our own gate gave a code. */
export function sessionError(error: unknown, at: Moment, other: FailureCode): SessionError {
  if (error instanceof SessionError) return error
  if (!(error instanceof pg.DatabaseError)) return new SessionError(other)
  const sqlstate = /^[0-9A-Z]{5}$/.test(error.code ?? '') ? error.code : undefined
  const code = meaning(sqlstate ?? '', at, String(error.message))
  const isPassedOn = code === 'password_refused' && LET_IN.has(at)
  return new SessionError(code, {
    ...(sqlstate === undefined ? {} : { sqlstate }),
    ...(isPassedOn ? { isPassedOn } : {}),
  })
}

/** Moments at which the server has accepted the password. */
const LET_IN: ReadonlySet<Moment> = new Set(['proven', 'welcome', 'query'])

function meaning(sqlstate: string, at: Moment, sentence: string): FailureCode {
  if (at === 'query') return meaningOfQuery(sqlstate, sentence)
  if (at === 'welcome') return meaningOfWelcome(sqlstate, sentence)
  // A server that asked for a password has passed its pg_hba.conf: a pooler repeats what the server behind it says.
  if (at !== 'request' && namesHba(sentence)) return 'pooler_backend_away'
  // An answer to our proof is a refused login, whatever its code, unless its message gives another reason.
  if (at === 'proof') return knownSentence(sentence) ?? (sqlstate === '28000' ? 'login_refused' : 'password_refused')
  const known = always(sqlstate, sentence) ?? knownSentence(sentence)
  if (known !== null) return known
  return sqlstate !== '28000' && at === 'proven' ? 'password_refused' : unknownRefusal(sqlstate)
}

/** Before anything was proven, and in no known words. */
function unknownRefusal(sqlstate: string): FailureCode {
  if (sqlstate === '28000') return 'login_refused'
  // Class 08 is of connections: a pooler's to its server has failed. 08004 is a server's refusal, and 08P01 PgBouncer's for all.
  if (/^080(?!04)/.test(sqlstate)) return 'pooler_backend_away'
  // Insufficient resources and an operator's doing pass by themselves, and what is not supported is no matter of names; what else
  // refuses here does not know whom we name.
  return /^(?:0A|5[37])/.test(sqlstate) ? 'server_error' : 'login_unknown'
}

/** 55000 has two causes: a database that accepts no connections, and one whose removal was interrupted. */
function meaningOfWelcome(sqlstate: string, sentence: string): FailureCode {
  const known = knownSentence(sentence)
  if (sqlstate === '55000' && known === 'database_invalid') return known
  // Without a password, the role is looked for here.
  if (sqlstate === '28000' && known === 'login_unknown') return known
  if (refusesPooler(sqlstate, known)) return 'pooler_backend_away'
  if (sqlstate === '42501' && known !== 'connect_denied' && deniesRight(sentence)) return 'login_code_refused'
  const refusal = always(sqlstate, sentence) ?? AT_WELCOME[sqlstate] ?? known
  return refusal ?? (OF_STATEMENTS.test(sqlstate) ? 'login_code_refused' : 'server_error')
}

/**
 * A pooler passes its own refused login on to a client that it has let in: PostgreSQL itself refuses nobody so late, but a role without
 * LOGIN. A wrong password stays one: some poolers pass it on unseen, and it may have been a guess.
 */
function refusesPooler(sqlstate: string, known: FailureCode | null): boolean {
  return sqlstate === '28000' && known !== null && known !== 'role_not_login'
}

function always(sqlstate: string, sentence: string): FailureCode | undefined {
  const wide = ALWAYS[sqlstate]
  const narrow = wide === undefined ? null : knownSentence(sentence)
  return narrow !== null && NARROWER.has(narrow) ? narrow : wide
}

function meaningOfQuery(sqlstate: string, sentence: string): FailureCode {
  if (sqlstate === '28000')
    return knownSentence(sentence) === 'role_not_login' ? 'role_not_login' : 'pooler_backend_away'
  if (sqlstate === '42501' && knownSentence(sentence) === 'connect_denied') return 'connect_denied'
  const known = always(sqlstate, sentence) ?? AT_QUERY[sqlstate]
  if (known !== undefined) return known
  if (sqlstate.startsWith('42')) return 'server_unknown'
  return (OF_POOLERS.test(sqlstate) ? knownSentence(sentence) : null) ?? 'server_error'
}
