/**
 * Messages of servers, poolers and providers' proxies that distinguish refusals when their SQLSTATE does not: PgBouncer
 * uses 08P01 for nearly everything, Supavisor and Neon's proxy XX000, pgcat 58000.
 *
 * A message is compared and then dropped: it selects one of our own codes, and no part of it is ever stored, displayed
 * or logged, since a hostile server can put the password that it was just sent into it. Called only by `sqlstate.ts`.
 */
import type { FailureCode } from '#shared/faults/failure.ts'
import { SENTENCES } from './refusal-sentences.ts'

/** Only the beginning is examined, so that the work on a stranger's text is bounded. */
const MAX_LOOKED_AT = 400

/** Prefixes with which a pooler relays the refusal of its server, which concerns the pooler's login and not ours. */
const RELAYED = [
  'server login failed',
  'server login has been failing',
  'cached error',
  'failed to connect to remote server',
]
/** These hold for everyone who logs in through that pooler, too. */
const SHARED: ReadonlySet<FailureCode | null> = new Set([
  'role_limit_reached',
  'database_limit_reached',
  'too_many_connections',
  'quota_spent',
  'connect_denied',
  'database_missing',
  'database_disabled',
  'database_invalid',
  'server_starting',
  'standby_closed',
])

/** The failure that a known message means; null for any other message. */
export function knownSentence(text: string): FailureCode | null {
  const looked = lookedAt(text)
  const code = meaningOf(looked)
  return RELAYED.some(one => looked.includes(one)) && !SHARED.has(code) ? 'pooler_backend_away' : code
}

/** True for a message about a line of `pg_hba.conf`, which PostgreSQL evaluates before it asks for a password. */
export function namesHba(text: string): boolean {
  return lookedAt(text).includes('pg_hba.conf')
}

/** True for a message about a missing privilege. */
export function deniesRight(text: string): boolean {
  return lookedAt(text).includes('permission denied for ')
}

const lookedAt = (text: string) => text.slice(0, MAX_LOOKED_AT).toLowerCase()

function meaningOf(looked: string): FailureCode | null {
  // A pooler may append it to its own words about the login.
  const missing = namesMissingDatabase(looked)
  if (missing !== null) return missing
  for (const [code, sentences] of SENTENCES) if (sentences.some(one => looked.includes(one))) return code
  return namesDisabledDatabase(looked) ?? namesMissingRole(looked)
}

/** `database "…" does not exist`, as PostgreSQL words it and poolers repeat it with another SQLSTATE. */
function namesMissingDatabase(text: string): FailureCode | null {
  const at = text.indexOf('database "')
  return at >= 0 && text.includes('" does not exist', at) && !text.includes('role "', at) ? 'database_missing' : null
}

/** `role "…" does not exist`, PostgreSQL's message if it asks for no password. */
function namesMissingRole(text: string): FailureCode | null {
  return text.includes('role "') && text.includes('" does not exist') ? 'login_unknown' : null
}

/** `database "…" is disabled`, as PgBouncer words it. */
function namesDisabledDatabase(text: string): FailureCode | null {
  return text.includes('database ') && text.includes(' is disabled') ? 'database_disabled' : null
}
