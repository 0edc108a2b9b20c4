/**
 * The rows of the failure table for logins: who refuses, and why, between the TLS session and the first query.
 *
 * Poolers and providers' proxies refuse with SQLSTATEs of their own; `server/net/postgres/sqlstate.ts` maps them to
 * these rows. They are part of `FAILURES` in `failure.ts`, which checks their shape; other code reads them only from
 * there.
 */

const refused = { stage: 'authenticate', fault: 'authentication_failed', retryable: false } as const
const away = { stage: 'database', fault: 'database_unreachable', retryable: true } as const

/** Failures of a login, by code. */
export const LOGIN_FAILURES = {
  password_refused: {
    ...refused,
    observed: 'user name or password refused',
    fix: 'Check user name and password. A role past its VALID UNTIL is refused in the same words.',
  },
  login_refused: {
    ...refused,
    observed: 'the server refuses this role, database and client address',
    fix: 'Add a line for them to pg_hba.conf, and give the role LOGIN.',
  },
  login_unknown: {
    ...refused,
    observed:
      'refused before a password was asked for: the server or pooler does not know the user, tenant or database',
    fix: 'Check user name and database name as the provider shows them for this host and port.',
  },
  client_certificate_asked: {
    ...refused,
    observed: 'the server asks for a client certificate, which this installation has none of',
    fix: 'Let the role log in by its password from the address of this installation.',
  },
  role_not_login: { ...refused, observed: 'the role has no LOGIN', fix: 'Give the role LOGIN.' },
  login_code_refused: {
    ...refused,
    stage: 'database',
    observed: 'code that the server runs at each login, such as a login event trigger, refuses it or fails',
    fix: 'Let that code accept the role. This lists login event triggers (17 and later), in the database:',
  },
  address_refused: {
    ...refused,
    observed: 'the server does not accept logins from the address of this installation',
    fix: 'Add a line for the role, the database and the address to pg_hba.conf, and reload it.',
  },
  database_missing: {
    stage: 'database',
    fault: 'database_not_found',
    retryable: false,
    observed: 'no such database',
    fix: 'Check the database name.',
  },
  database_disabled: {
    stage: 'database',
    fault: 'database_not_found',
    retryable: false,
    observed: 'the database takes no connections at present',
    fix: 'Let the database take connections. In another database:',
  },
  database_invalid: {
    stage: 'database',
    fault: 'database_not_found',
    retryable: false,
    observed: 'the database is invalid: dropping it was broken off',
    fix: 'Drop the database for good, and restore or make it anew; an invalid one takes no connections again. In another database:',
  },
  connect_denied: {
    stage: 'database',
    fault: 'database_not_found',
    retryable: false,
    observed: 'the role may not connect to the database',
    fix: 'grant connect on database … to …;',
  },
  pooler_console: {
    stage: 'database',
    fault: 'database_not_found',
    retryable: false,
    observed: 'the console of a pooler, which is no database',
    fix: 'Give the name of a database behind the pooler: this one is where the pooler is administered.',
  },
  role_limit_reached: {
    ...away,
    observed: "the role's own connection limit is reached",
    fix: 'Close connections of the role, or take its limit away. It is tried again.',
  },
  database_limit_reached: {
    ...away,
    observed: "the database's own connection limit is reached",
    fix: 'Close connections to the database, or take its limit away, in another database. It is tried again.',
  },
  too_many_connections: {
    ...away,
    observed: 'no free connection',
    fix: 'Close connections, or raise max_connections of the server, which is then restarted, or the limits of the pooler (max_client_conn of PgBouncer). It is tried again.',
  },
  pooler_backend_away: {
    ...away,
    observed: 'the pooler answers; the server behind it does not, or refuses the pooler',
    fix: "Check that the server behind the pooler runs and lets the pooler in: the pooler's own password, address and TLS there. It is tried again.",
  },
  quota_spent: {
    ...away,
    observed: "a quota of the provider's plan is used up",
    fix: 'Raise the limit at the provider, or wait for the next period. It is tried again.',
  },
  login_blocked: {
    ...away,
    observed: 'the pooler or provider takes no logins for a while, after too many that failed',
    fix: 'Correct the password wherever a former one is in use, and wait some minutes. It is tried again.',
  },
  login_timeout: {
    ...away,
    stage: 'authenticate',
    observed: 'reached; the login took longer than the limit',
    fix: 'Nothing has to be done where a paused database is waking: it is tried again. Of a pooler, check that it can log in to the server behind it.',
  },
  standby_closed: {
    ...away,
    observed: 'the server is a standby that takes no connections',
    fix: 'Set hot_standby = on at the standby and restart it, or use the host of the primary. It is tried again.',
  },
  server_starting: { ...away, observed: 'the server is starting or stopping', fix: 'Wait; it is tried again.' },
  server_error: {
    ...away,
    observed: 'the server answered with an error',
    fix: "Look at the server's log for the SQLSTATE.",
  },
} as const

/** Failures that count as a refused login. */
export const REFUSED_LOGINS: ReadonlySet<string> = new Set([
  'password_refused',
  'login_refused',
  'login_unknown',
  'role_not_login',
  'address_refused',
  'client_certificate_asked',
])
