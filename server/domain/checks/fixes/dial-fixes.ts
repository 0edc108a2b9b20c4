/**
 * The fix of a failed dial: a sentence for this failure at this host and, where that helps, lines to paste: SQL, or lines of
 * `pg_hba.conf`. `npm run test:fixes` pastes them into real servers.
 *
 * Only names of the caller's own connection string are put into it, quoted, and of a certificate its names, issuer and dates, which
 * are printable ASCII. Called by `dial-checks.ts`.
 */

import type { TriedLogin } from '#server/domain/checks/tried-login.ts'
import { quoteName } from '#shared/base/sql-text.ts'
import { type Failure, type FailureCode, failureSpec } from '#shared/faults/failure.ts'
import { expiredFix, nameMismatchFix, untrustedFix } from './certificate-fixes.ts'
import { type Fix, lines } from './fix-text.ts'
import {
  catalogFix,
  clientCertificateFix,
  databaseFix,
  iterationsFix,
  limitFix,
  loginFix,
  passwordFix,
  scram,
} from './login-fixes.ts'
import { firewallFix, ipv6Fix, loginAddressFix } from './network-fixes.ts'
import { placeFix } from './place-fixes.ts'
import { loginUnknownFix } from './provider-words.ts'

const table = (code: FailureCode) => failureSpec(code).fix
const AS_SUPERUSER = 'As a superuser:'
const RELOAD = 'select pg_catalog.pg_reload_conf();'

const FIXES: Readonly<Partial<Record<FailureCode, Fix>>> = {
  host_refused: ({ host }) => placeFix('host_refused', host),
  host_private: ({ host }) => placeFix('host_private', host),
  password_refused: passwordFix,
  login_refused: loginFix,
  address_refused: loginAddressFix,
  client_certificate_asked: clientCertificateFix,
  login_unknown: loginUnknownFix,
  role_not_login: ({ login }) => lines(table('role_not_login'), `alter role ${quoteName(login)} login;`),
  database_missing: databaseFix,
  database_disabled: ({ database }) =>
    lines(table('database_disabled'), `alter database ${quoteName(database)} allow_connections true;`),
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
  tls_not_offered: () => lines(table('tls_not_offered'), AS_SUPERUSER, 'alter system set ssl = on;', RELOAD),
  tls_handshake_failed: () =>
    lines(table('tls_handshake_failed'), AS_SUPERUSER, "alter system set ssl_max_protocol_version = '';", RELOAD),
  connection_refused: firewallFix,
  connection_lost: firewallFix,
  connection_timeout: firewallFix,
  network_unreachable: tried => (tried.isIpv6Only ? ipv6Fix(tried) : firewallFix(tried)),
  certificate_untrusted: untrustedFix,
  certificate_expired: expiredFix,
  certificate_name_mismatch: nameMismatchFix,
}

/** The fix of a failure. SQL, where there is any, stands in lines of its own below the sentence. */
export function dialFix(failure: Failure, tried: TriedLogin): string {
  return FIXES[failure.code]?.(tried, failure) ?? table(failure.code)
}
