/**
 * The fix of a failed dial: a sentence for this failure at this host and, where SQL helps, that SQL.
 *
 * Only names of the caller's own connection string are put into it, quoted, and of a certificate its names, issuer and dates, which
 * are printable ASCII. Called by `dial-checks.ts`.
 */

import { newPasswordSql } from '#server/domain/checks/role/role-sql.ts'
import { quoteName } from '#shared/base/sql-text.ts'
import { type Failure, type FailureCode, failureSpec } from '#shared/faults/failure.ts'
import { firewallFix, ipv6Fix, loginAddressFix } from './network-fixes.ts'
import type { Provider } from './provider.ts'
import { loginUnknownFix } from './provider-words.ts'
import type { TriedLogin } from './tried-login.ts'

type Fix = (tried: TriedLogin, failure: Failure) => string

/** The most that is accepted, and the least: what of both is asked for is no weaker than need be. */
const MAX_ITERATIONS = 100_000
const MIN_ITERATIONS = 4096

const lines = (...texts: readonly string[]) => texts.filter(text => text !== '').join('\n')
const table = (code: FailureCode) => failureSpec(code).fix

const newPassword = ({ login }: TriedLogin) => newPasswordSql(login)
// A password is hashed when it is set: it has to be set once more after the method has changed.
const scramPassword = (tried: TriedLogin) => lines("set password_encryption = 'scram-sha-256';", newPassword(tried))
const scram =
  (code: FailureCode): Fix =>
  tried =>
    lines(table(code), scramPassword(tried))

const FIXES: Readonly<Partial<Record<FailureCode, Fix>>> = {
  password_refused: tried =>
    lines(
      table('password_refused'),
      tried.isPasswordAscii
        ? ''
        : 'The password holds characters beyond ASCII, which clients and poolers encode differently: choose one of ASCII alone.',
      `alter role ${quoteName(tried.login)} valid until 'infinity';`,
      newPassword(tried),
    ),
  login_refused: loginAddressFix,
  address_refused: loginAddressFix,
  login_unknown: tried => loginUnknownFix(tried),
  role_not_login: ({ login }) => lines(table('role_not_login'), `alter role ${quoteName(login)} login;`),
  database_disabled: ({ database }) =>
    lines(table('database_disabled'), `alter database ${quoteName(database)} allow_connections true;`),
  connect_denied: ({ login, database }) => `grant connect on database ${quoteName(database)} to ${quoteName(login)};`,
  password_exposed: scram('password_exposed'),
  server_unverified: scram('server_unverified'),
  password_under_named_ca: scram('password_under_named_ca'),
  server_not_proven: scram('server_not_proven'),
  authentication_method: scram('authentication_method'),
  scram_iterations: (tried, { iterations = 0 }) => {
    const wanted = iterations > MAX_ITERATIONS ? MAX_ITERATIONS : MIN_ITERATIONS
    return lines(
      `Set scram_iterations to ${wanted}${wanted === MAX_ITERATIONS ? ', the most that is accepted,' : ''} and the role's password anew.`,
      `set scram_iterations = ${wanted};`,
      scramPassword(tried),
    )
  },
  connection_refused: firewallFix,
  connection_lost: firewallFix,
  connection_timeout: firewallFix,
  network_unreachable: tried => (tried.isIpv6Only ? ipv6Fix(tried) : firewallFix(tried)),
  certificate_untrusted: untrustedFix,
  certificate_expired: ({ isCaNamed }, { certificate, code }) =>
    certificate?.isAuthority === true && isCaNamed
      ? `The given CA certificate, of ${certificate.issuer}, is outside its dates (${dates(certificate)}): give the one that is in force.`
      : lines(table(code), certificate === undefined ? '' : `It holds from ${dates(certificate)}.`),
  certificate_name_mismatch: (_, { certificate, code }) =>
    certificate === undefined || certificate.names.length === 0
      ? table(code)
      : `The certificate is for ${certificate.names.join(', ')}. Use one of these names, or sslmode=verify-ca.`,
}

function dates({ validFrom, validTo }: { validFrom: string; validTo: string }): string {
  return `${validFrom.slice(0, 10)} to ${validTo.slice(0, 10)}`
}

function untrustedFix(tried: TriedLogin, { certificate, code }: Failure): string {
  const issuer = certificate === undefined || certificate.issuer === '' ? '' : `It was issued by ${certificate.issuer}.`
  if (tried.isCaNamed) {
    return lines(
      'The given CA certificate did not issue it, or the server sends no intermediate certificate. Give the CA that issued it.',
      issuer,
      caPage(tried.provider),
    )
  }
  return lines(table(code), issuer, caPage(tried.provider))
}

/** Where a provider publishes its roots. */
const CA_PAGES: Readonly<Partial<Record<Provider, string>>> = {
  rds: 'Amazon publishes the certificates of each region at https://truststore.pki.rds.amazonaws.com/ (one region, not the global bundle).',
  supabase: 'Supabase shows its CA certificate in the project: Database, Settings, SSL Configuration.',
  cloudsql: 'Google Cloud shows the CA certificate of the instance: Connections, Security.',
  azure:
    'Azure lists the roots of its servers at https://learn.microsoft.com/azure/postgresql/flexible-server/concepts-networking-ssl-tls.',
}

function caPage(provider: Provider): string {
  return CA_PAGES[provider] ?? ''
}

/** The fix of a failure. SQL, where there is any, stands in lines of its own below the sentence. */
export function dialFix(failure: Failure, tried: TriedLogin): string {
  return FIXES[failure.code]?.(tried, failure) ?? table(failure.code)
}
