/**
 * Fixes for refused logins: SQL to paste that changes only the role and the database that were tried, and nothing of
 * anyone else's. The owner of the database or a superuser pastes it, in any database of the server unless it says
 * otherwise.
 *
 * Called by `dial-fixes.ts`.
 */
import { newPasswordSql } from '#server/domain/checks/role/role-sql.ts'
import type { TriedLogin } from '#server/domain/checks/tried-login.ts'
import { anonymousBlock, quoteName, quoteText } from '#shared/base/sql-text.ts'
import { type FailureCode, failureSpec } from '#shared/faults/failure.ts'
import { type Fix, lines } from './fix-text.ts'
import { hbaFix, loginAddressFix, whereHbaIs } from './network-fixes.ts'

/** The accepted range: a fix asks for iterations within both bounds, no weaker than necessary. */
const MAX_ITERATIONS = 100_000
const MIN_ITERATIONS = 4096

const table = (code: FailureCode) => failureSpec(code).fix
const newPassword = ({ login }: TriedLogin) => newPasswordSql(login)

// A password is hashed when it is set, so it must be set again after the method has changed.
const scramPassword = (tried: TriedLogin) => lines("set password_encryption = 'scram-sha-256';", newPassword(tried))

/** On Amazon RDS, members of this role are asked for a clear-text password and can only log in with tokens. */
const OF_RDS = 'A role that is a member of rds_iam can log in only with tokens: use one that is not.'

/**
 * The fix for a server that demands a login method other than SCRAM, or none: the role's password as SCRAM, and a
 * pg_hba.conf line.
 */
export const scram: Fix = (tried, { code }) =>
  lines(
    table(code),
    tried.provider === 'rds' ? OF_RDS : '',
    whereHbaIs(tried) ? hbaFix(tried) : '',
    scramPassword(tried),
  )

/** PgBouncer's SQLSTATE for every login that it refuses; PostgreSQL itself uses 28P01. */
export const OF_PGBOUNCER = '08P01'

/** The additional change if a pooler refused the login. */
const POOLER_USERS =
  'A pooler answered (PgBouncer): it knows only the users in its auth_file or from its auth_query. Give it the role with the same password, and reload it.'
const PASSED_ON = 'A pooler accepted the password; the server behind it did not: set the same password on both.'

/**
 * Wrong passwords, unknown roles, and roles past their `VALID UNTIL`: servers refuse all of them with the same words.
 */
export const passwordFix: Fix = (tried, { sqlstate, isPassedOn = false }) =>
  lines(
    table('password_refused'),
    isPassedOn ? PASSED_ON : sqlstate === OF_PGBOUNCER ? POOLER_USERS : '',
    tried.provider === 'rds' ? OF_RDS : '',
    tried.isPasswordAscii
      ? ''
      : 'The password contains non-ASCII characters, which clients and poolers encode differently: choose one with ASCII characters only.',
    anonymousBlock(`begin
  if exists (
    select from pg_catalog.pg_roles r
    where r.rolname = ${quoteText(tried.login)} and r.rolvaliduntil <= pg_catalog.now()
  ) then
    alter role ${quoteName(tried.login)} valid until 'infinity';
  end if;
end`),
    newPassword(tried),
  )

/** The server refuses the combination of role, database and address, in unknown words. */
export const loginFix: Fix = tried =>
  lines(loginAddressFix(tried), whereHbaIs(tried) ? `alter role ${quoteName(tried.login)} login;` : '')

/** The server demands a client certificate, and this installation has none. */
export const clientCertificateFix: Fix = tried =>
  tried.provider === 'cloudsql'
    ? 'Make the instance accept encrypted connections without client certificates: Connections, Security, SSL mode.'
    : lines(table('client_certificate_asked'), whereHbaIs(tried) ? hbaFix(tried) : '')

/** As many SCRAM iterations as are accepted. The parameter exists since 16; before, a newly set password has 4096. */
export const iterationsFix: Fix = (tried, { iterations = 0 }) => {
  const wanted = iterations > MAX_ITERATIONS ? MAX_ITERATIONS : MIN_ITERATIONS
  const most = wanted === MAX_ITERATIONS ? ', the most that is accepted,' : ''
  return lines(
    `Set scram_iterations to ${wanted}${most} and the role's password again.`,
    anonymousBlock(`begin
  if pg_catalog.current_setting('server_version_num')::pg_catalog.int4 >= 160000 then
    set scram_iterations = ${wanted};
  end if;
end`),
    scramPassword(tried),
  )
}
