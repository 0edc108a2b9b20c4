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
    fix: 'Check the user name and password. A role past its VALID UNTIL gets the same message.',
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
    fix: 'Check the user name and database name that the provider shows for this host and port.',
  },
  client_certificate_asked: {
    ...refused,
    observed: 'the server requires a client certificate, and this installation has none',
    fix: 'Allow the role to log in with its password from the address of this installation.',
  },
  role_not_login: { ...refused, observed: 'the role has no LOGIN', fix: 'Give the role LOGIN.' },
  login_code_refused: {
    ...refused,
    stage: 'database',
    observed: 'code that the server runs at each login, such as a login event trigger, refuses the role or fails',
    fix: 'Make that code accept the role. This lists the login event triggers of the database (17 and later):',
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
    observed: 'the database does not accept connections at present',
    fix: 'Allow connections to the database. In another database:',
  },
  database_invalid: {
    stage: 'database',
    fault: 'database_not_found',
    retryable: false,
    observed: 'the database is invalid: dropping it was interrupted',
    fix: 'Drop the database, and restore or create it again; an invalid one never accepts connections again. In another database:',
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
    observed: 'the console of a pooler, which is not a database',
    fix: 'Give the name of a database behind the pooler: this name is for administering the pooler.',
  },
  role_limit_reached: {
    ...away,
    observed: "the role's own connection limit is reached",
    fix: 'Close connections of the role, or remove its limit. It is retried automatically.',
  },
  database_limit_reached: {
    ...away,
    observed: "the database's own connection limit is reached",
    fix: 'Close connections to the database, or remove its limit, in another database. It is retried automatically.',
  },
  too_many_connections: {
    ...away,
    observed: 'no free connection',
    fix: 'Close connections, or raise max_connections on the server and restart it, or raise the limits of the pooler (max_client_conn in PgBouncer). It is retried automatically.',
  },
  pooler_backend_away: {
    ...away,
    observed: 'the pooler answers; the server behind it does not, or refuses the pooler',
    fix: 'Check that the server behind the pooler runs and accepts the pooler: its password, address and TLS. It is retried automatically.',
  },
  quota_spent: {
    ...away,
    observed: "a quota of the provider's plan is used up",
    fix: 'Raise the limit at the provider, or wait for the next period. It is retried automatically.',
  },
  login_blocked: {
    ...away,
    observed: 'the pooler or provider refuses logins for a while, after too many failed ones',
    fix: 'Correct the password wherever an old one is in use, and wait a few minutes. It is retried automatically.',
  },
  login_timeout: {
    ...away,
    stage: 'authenticate',
    observed: 'reached; the login took longer than the limit',
    fix: 'If a paused database is waking up, you need not do anything: it is retried automatically. For a pooler, check that it can log in to the server behind it.',
  },
  standby_closed: {
    ...away,
    observed: 'the server is a standby that does not accept connections',
    fix: 'Set hot_standby = on on the standby and restart it, or use the host of the primary. It is retried automatically.',
  },
  server_starting: {
    ...away,
    observed: 'the server is starting or stopping',
    fix: 'Wait; it is retried automatically.',
  },
  server_error: {
    ...away,
    observed: 'the server answered with an error',
    fix: "Look up the SQLSTATE in the server's log.",
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
