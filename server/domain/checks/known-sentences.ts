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

// Plain substrings in lower case, the narrower before the wider. No pattern can be slow on a stranger's text.
const SENTENCES: readonly (readonly [FailureCode, readonly string[]])[] = [
  ['role_limit_reached', ['too many connections for role']],
  ['database_limit_reached', ['too many connections for database']],
  ['database_invalid', ['cannot connect to invalid database']],
  [
    'client_certificate_asked',
    ['valid client certificate', 'client certificate required', 'certificate authentication failed'],
  ],
  [
    'tls_demanded',
    [
      'no encryption',
      'ssl off',
      'ssl required',
      'ssl is required',
      'ssl connection is required',
      'ssl connection required',
      'connection is insecure',
      'requires tls',
      'tls required',
      'tls is required',
      'only with ssl',
    ],
  ],
  [
    'authentication_method',
    [
      'ident authentication failed',
      'peer authentication failed',
      'gssapi authentication failed',
      'sspi authentication failed',
    ],
  ],
  ['channel_binding_unusable', ['could not find digest for nid']],
  ['standby_closed', ['database system is not accepting connections']],
  [
    'login_blocked',
    [
      'circuit breaker',
      'circuitbreaker',
      'too many authentication failures',
      'too many failed login',
      'temporarily blocked',
      'authentication rate limit',
    ],
  ],
  // Reported for a pool that is not full but has no server.
  ['pooler_backend_away', ['allserversdown', 'all servers are down', 'servers are banned', 'no available target']],
  [
    'too_many_connections',
    [
      'no more connections allowed',
      'client connections exceeded',
      'max client connections',
      'maxclients',
      'max clients reached',
      'too many clients',
      'too many connections',
      'too many tcp connections',
      'too many database connection attempts',
      'failed to acquire permit to connect',
      'remaining connection slots',
      'connection limit exceeded',
      'could not get connection from the pool',
      'unable to check out process from the pool',
      'unable to check out connection from the pool',
      'waiting to acquire database connection',
      'query_wait_timeout',
      'too many active',
    ],
  ],
  [
    'quota_spent',
    [
      'time quota',
      'transfer quota',
      'exceeded the quota',
      'quota exceeded',
      'quota has been exceeded',
      'exceeded your',
      'billing',
      'spending limit',
    ],
  ],
  [
    'address_refused',
    [
      'not in tenant allow',
      'ip address',
      'blocked network',
      'no pg_hba.conf entry',
      'pg_hba.conf rejects',
      'login rejected',
      'not allowed to connect',
    ],
  ],
  [
    'database_disabled',
    [
      'not currently accepting connections',
      'does not allow connections',
      'endpoint has been disabled',
      'endpoint is disabled',
      'is suspended',
      'has been suspended',
      'is paused',
      'has been paused',
      'is stopped',
    ],
  ],
  ['database_missing', ['no such database', 'is not a recognized database', 'database not found']],
  // PgBouncer's message for a database disabled in its configuration, with the quoted name in the middle.
  [
    'pooler_backend_away',
    [
      'server login has been failing',
      'server login failed',
      'client_login_timeout',
      'server_login_retry',
      'cannot connect to server',
      "couldn't connect to compute",
      'could not connect to compute',
      'failed to connect to remote server',
      'all backend nodes are down',
      'all servers down',
      'backend authentication failed',
      'failed to authenticate with backend',
      'server conn crashed',
      'server connection closed',
      'connect failed',
      'connect timeout',
      'control plane request failed',
      'dbhandler exited',
      'connection to database not available',
      'failed to connect to database',
      'failed to connect to the database',
      'unable to connect to server',
      'error connecting to pool',
      'bouncer config error',
      'no authentication method is found',
      'auth_query',
      'auth query',
      'authentication query failed',
      'authentication database',
      'failed to retrieve',
      'console request failed',
    ],
  ],
  [
    'server_starting',
    [
      'database system is starting up',
      'database system is shutting down',
      'database system is in recovery mode',
      'database system is not yet accepting',
      'due to administrator command',
      'pgbouncer is shutting down',
      'pooler is shutting down',
      'server shutting down',
      'could not be started',
      'being resumed',
      'is resuming',
      'pooler is shut down',
    ],
  ],
  ['role_not_login', ['is not permitted to log in']],
  // Messages about a login whose password was sent, and checked outside PostgreSQL's own catalog.
  [
    'password_refused',
    [
      'pam authentication failed',
      'ldap authentication failed',
      'radius authentication failed',
      'iam authentication failed',
      'incorrect password',
      'invalid password',
      'wrong password',
      'that was provided for the role',
    ],
  ],
  ['server_error', ['unsupported startup parameter', "doesn't support command-line options"]],
  [
    'login_unknown',
    [
      'tenant or user not found',
      'tenant/user',
      'no such user',
      'no pool configured',
      'endpoint id is not specified',
      'requested endpoint could not be found',
      'proxy has no credentials',
      'missing cluster identifier',
      'there is no user',
      'inconsistent project name',
      'malformed endpoint',
      'invalid format for user',
      'invalid username specified',
      'incorrect user',
      'route for',
    ],
  ],
]
/** Causes that concern everybody who logs in through that pooler. */
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
  const looked = text.slice(0, MAX_LOOKED_AT).toLowerCase()
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
