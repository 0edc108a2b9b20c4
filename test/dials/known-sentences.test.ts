/**
 * The messages of servers, poolers and proxies that say more than their SQLSTATE, with the failure that each means.
 * `test/field/pooler-refusals.test.ts` sends such messages through a whole login.
 */
import { describe, expect, it } from 'vitest'
import { deniesRight, knownSentence, namesHba } from '#server/domain/checks/known-sentences.ts'
import { SENTENCES } from '#server/domain/checks/refusal-sentences.ts'
import type { FailureCode } from '#shared/faults/failure.ts'

describe('A message', () => {
  it.each<[string, FailureCode | null]>([
    // PostgreSQL
    ['too many connections for role "app"', 'role_limit_reached'],
    ['too many connections for database "shop"', 'database_limit_reached'],
    ['sorry, too many clients already', 'too_many_connections'],
    ['remaining connection slots are reserved for roles with the SUPERUSER attribute', 'too_many_connections'],
    ['permission denied for database "shop"', 'connect_denied'],
    ['cannot connect to invalid database "shop"', 'database_invalid'],
    ['database "shop" does not exist', 'database_missing'],
    ['database "shop" is not currently accepting connections', 'database_disabled'],
    ['role "app" does not exist', 'login_unknown'],
    ['role "app" is not permitted to log in', 'role_not_login'],
    ['the database system is starting up', 'server_starting'],
    ['the database system is not accepting connections', 'standby_closed'],
    ['no pg_hba.conf entry for host "203.0.113.9", user "app", database "shop"', 'address_refused'],
    ['no pg_hba.conf entry for host "203.0.113.9", user "app", database "shop", no encryption', 'tls_demanded'],
    ['Ident authentication failed for user "app"', 'authentication_method'],
    ['connection requires a valid client certificate', 'client_certificate_asked'],
    ['could not find digest for NID UNDEF', 'channel_binding_unusable'],
    // PgBouncer, pgcat, Supavisor, Neon and RDS Proxy
    ['no such user: app', 'login_unknown'],
    ['no such database: shop', 'database_missing'],
    ['database shop is disabled', 'database_disabled'],
    ['login rejected', 'address_refused'],
    ['no more connections allowed (max_client_conn)', 'too_many_connections'],
    ["invalid command 'SELECT 1', use SHOW HELP;", 'pooler_console'],
    ['AllServersDown', 'pooler_backend_away'],
    ['Tenant or user not found', 'login_unknown'],
    ['Address not in tenant allow_list: {203, 0, 113, 9}', 'address_refused'],
    ['The endpoint has been disabled. Enable it using Neon API and retry.', 'database_disabled'],
    ['Your account or project has exceeded the compute time quota.', 'quota_spent'],
    ['(ECIRCUITBREAKER) too many authentication failures', 'login_blocked'],
    ['This RDS Proxy has no credentials for the role app.', 'login_unknown'],
    ['PAM authentication failed for user "app"', 'password_refused'],
    ['unsupported startup parameter: options', 'server_error'],
    // Words that are in no list
    ['something that nobody has heard of', null],
    ['', null],
    ['database "shop"', null],
    ['relation "shop" does not exist', null],
    ['role "app"', null],
    ['the endpoint is disabled', 'database_disabled'],
    ['this feature is disabled', null],
    ['a database', null],
  ])('%j means %j', (text, code) => expect(knownSentence(text)).toBe(code))

  it('has its meaning in any case', () => {
    expect(knownSentence('LOGIN REJECTED')).toBe('address_refused')
  })

  it('has the same meaning as a message with more around it', () => {
    const relayed = ['server login has been failing', 'server login failed', 'failed to connect to remote server']
    for (const [code, sentences] of SENTENCES)
      for (const sentence of sentences.filter(one => !relayed.includes(one)))
        expect(knownSentence(`FATAL: x ${sentence.toUpperCase()} y`), sentence).toBe(code)
  })

  it('is examined in its first 400 characters', () => {
    expect(knownSentence(`${'x'.repeat(400 - 'login rejected'.length)}login rejected`)).toBe('address_refused')
    expect(knownSentence(`${'x'.repeat(401 - 'login rejected'.length)}login rejected`)).toBeNull()
  })

  it('about a missing database is not mistaken for one about a role, nor the reverse', () => {
    expect(knownSentence('database "shop", role "app" does not exist')).toBe('login_unknown')
    expect(knownSentence('role "app": database "shop" does not exist')).toBe('database_missing')
    expect(knownSentence('" does not exist: database "shop')).toBeNull()
  })
})

describe('A refusal that a pooler relays from its server', () => {
  const PREFIXES = [
    'server login failed: FATAL ',
    'server login has been failing, cached error: ',
    'cached error: ',
    'failed to connect to remote server: ',
  ]

  it.each<[string, FailureCode]>([
    ['password authentication failed for user "pool"', 'pooler_backend_away'],
    ['role "pool" does not exist', 'pooler_backend_away'],
    ['no pg_hba.conf entry for host "10.0.0.2"', 'pooler_backend_away'],
    ['connection requires a valid client certificate', 'pooler_backend_away'],
    ['too many connections for role "pool"', 'role_limit_reached'],
    ['too many connections for database "shop"', 'database_limit_reached'],
    ['sorry, too many clients already', 'too_many_connections'],
    ['your project exceeded the compute time quota', 'quota_spent'],
    ['permission denied for database "shop"', 'connect_denied'],
    ['database "shop" does not exist', 'database_missing'],
    ['database "shop" is not currently accepting connections', 'database_disabled'],
    ['cannot connect to invalid database "shop"', 'database_invalid'],
    ['the database system is not accepting connections', 'standby_closed'],
    ['the database system is starting up', 'server_starting'],
    ['the database system is shutting down', 'server_starting'],
    ['the database system is in recovery mode', 'server_starting'],
    ['the database system is not yet accepting connections', 'server_starting'],
  ])('concerns the login of the pooler, unless it holds for everyone: %j', (text, code) => {
    for (const prefix of PREFIXES) expect(knownSentence(`${prefix}${text}`), prefix).toBe(code)
  })
})

describe('A message about the configuration of the server', () => {
  it('names pg_hba.conf or a privilege, in any case and in its first 400 characters', () => {
    expect(namesHba('no PG_HBA.conf entry for host')).toBe(true)
    expect(namesHba('no entry for host')).toBe(false)
    expect(namesHba(`${'x'.repeat(400)}pg_hba.conf`)).toBe(false)
    expect(deniesRight('Permission denied for schema x')).toBe(true)
    expect(deniesRight('permission denied')).toBe(false)
    expect(deniesRight(`${'x'.repeat(400)}permission denied for schema x`)).toBe(false)
  })
})
