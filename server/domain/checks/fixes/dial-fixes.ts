/**
 * The fix of a failed dial: a sentence for this failure at this host and, if that helps, lines to paste: SQL, or lines
 * of `pg_hba.conf`. `npm run test:fixes` pastes them into real servers.
 *
 * They only contain names from the caller's own connection string, quoted, and a certificate's names, issuer and dates,
 * which are printable ASCII. Called by `dial-checks.ts`.
 */

import type { TriedLogin } from '#server/domain/checks/tried-login.ts'
import { quoteName } from '#shared/base/sql-text.ts'
import { type Failure, type FailureCode, failureSpec } from '#shared/faults/failure.ts'
import { expiredFix, nameMismatchFix, untrustedFix } from './certificate-fixes.ts'
import { catalogFix, databaseFix, disabledFix, limitFix } from './database-fixes.ts'
import { type Fix, lines } from './fix-text.ts'
import { clientCertificateFix, iterationsFix, loginFix, passwordFix, scram } from './login-fixes.ts'
import { firewallFix, ipv6Fix, loginAddressFix, whereHbaIs } from './network-fixes.ts'
import { placeFix, resolvedFix } from './place-fixes.ts'
import { loginUnknownFix } from './provider-words.ts'

const table = (code: FailureCode) => failureSpec(code).fix
const AS_SUPERUSER = 'As a superuser:'
const RELOAD = 'select pg_catalog.pg_reload_conf();'

const LOGIN_TRIGGERS =
  "select evtname, evtfoid::pg_catalog.regprocedure from pg_catalog.pg_event_trigger where evtevent = 'login' and evtenabled <> 'D';"

/** A change of the server's settings, for providers that give their customers a superuser. */
const ofServer = (tried: TriedLogin, code: FailureCode, sql: string) =>
  whereHbaIs(tried) ? lines(table(code), AS_SUPERUSER, sql, RELOAD) : table(code)

const FIXES: Readonly<Partial<Record<FailureCode, Fix>>> = {
  host_refused: tried => (tried.isResolved ? resolvedFix(tried) : placeFix('host_refused', tried.host)),
  host_private: ({ host }) => placeFix('host_private', host),
  password_refused: passwordFix,
  login_refused: loginFix,
  address_refused: loginAddressFix,
  client_certificate_asked: clientCertificateFix,
  login_unknown: loginUnknownFix,
  role_not_login: ({ login }) => lines(table('role_not_login'), `alter role ${quoteName(login)} login;`),
  database_missing: databaseFix,
  database_disabled: disabledFix,
  login_code_refused: () => lines(table('login_code_refused'), LOGIN_TRIGGERS),
  database_invalid: ({ database }) => lines(table('database_invalid'), `drop database ${quoteName(database)};`),
  connect_denied: ({ login, database }) => `grant connect on database ${quoteName(database)} to ${quoteName(login)};`,
  role_limit_reached: limitFix,
  database_limit_reached: limitFix,
  password_exposed: scram,
  server_unverified: scram,
  password_under_named_ca: scram,
  server_not_proven: scram,
  authentication_method: scram,
  scram_iterations: iterationsFix,
  facts_unreadable: catalogFix,
  tls_not_offered: tried => ofServer(tried, 'tls_not_offered', 'alter system set ssl = on;'),
  tls_handshake_failed: tried =>
    ofServer(tried, 'tls_handshake_failed', "alter system set ssl_max_protocol_version = '';"),
  connection_refused: firewallFix,
  connection_lost: firewallFix,
  connection_timeout: firewallFix,
  network_unreachable: tried => (tried.isIpv6Only ? ipv6Fix(tried) : firewallFix(tried)),
  certificate_untrusted: untrustedFix,
  certificate_expired: expiredFix,
  certificate_name_mismatch: nameMismatchFix,
}

/** The fix of a failure. SQL, if any, is on separate lines below the sentence. */
export function dialFix(failure: Failure, tried: TriedLogin): string {
  return FIXES[failure.code]?.(tried, failure) ?? table(failure.code)
}
