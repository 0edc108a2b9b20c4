/**
 * The sentences of a checklist: for each situation, the line that a customer reads, and the advice beside it.
 */
import { describe, expect, it } from 'vitest'
import type { Probe } from '#server/domain/checks/probe.ts'
import { otherSchema, refusedString, verifyUndialled } from '#server/domain/checks/undialled.ts'
import { type VerificationRequest, verifyProbe } from '#server/domain/checks/verification.ts'
import type { Failure, Stage } from '#shared/faults/failure.ts'
import { GOOD_PROBE } from '#test/support/checks/good-probe.ts'
import { PLAIN_ROLE } from '#test/support/checks/role-facts.ts'

const TARGET: VerificationRequest['target'] = {
  host: 'db.example.com',
  port: 5433,
  database: 'shop',
  user: 'app',
  tlsMode: 'require',
  channelBinding: 'prefer',
}
const ASKED: VerificationRequest = { schema: 'app', rolePolicy: 'enforce', dbType: 'postgresql', target: TARGET }

interface Situation {
  readonly probe?: Partial<Probe>
  readonly target?: Partial<VerificationRequest['target']>
  readonly asked?: Partial<VerificationRequest>
}
const verdictOf = ({ probe, target, asked }: Situation) =>
  verifyProbe({ ...GOOD_PROBE, ...probe }, { ...ASKED, ...asked, target: { ...TARGET, ...target } })
const lineOf = (situation: Situation, item: string) => verdictOf(situation).checks.find(one => one.item === item)
const failedAt = (failure: Failure, passed: Stage | null): Situation => ({
  probe: { failure, passed, facts: null, schemaUsable: null },
})
const version = (serverVersionNum: number): Situation => ({ probe: { facts: { ...PLAIN_ROLE, serverVersionNum } } })
const clear: Partial<Probe> = { tls: null, channelBound: false, openNetwork: true }

describe('A line of the checklist', () => {
  it.each<[string, string, Situation, string]>([
    ['one address', 'host', {}, 'db.example.com: 1 address'],
    [
      'two in a network that was opened',
      'host',
      { probe: { addresses: ['10.0.0.1', '10.0.0.2'], openNetwork: true } },
      'db.example.com: 2 addresses, in a network that this installation has opened',
    ],
    ['the port', 'connect', {}, 'port 5433'],
    ['a verified certificate', 'tls', {}, 'TLSv1.3, certificate verified'],
    [
      'an unverified certificate',
      'tls',
      { probe: { tls: { protocol: 'TLSv1.2', verified: false } } },
      'TLSv1.2, certificate not verified',
    ],
    ['a bound login', 'authenticate', {}, 'logged in, bound to the TLS channel'],
    ['an unbound login', 'authenticate', { probe: { channelBound: false } }, 'logged in'],
    ['PostgreSQL 18', 'server_version', version(180_004), 'PostgreSQL 18.4'],
    ['PostgreSQL 13, the oldest', 'server_version', version(130_000), 'PostgreSQL 13.0'],
    ['a role without a defect', 'role_superuser', {}, 'nothing found'],
  ])('of %s passes', (...[, item, situation, actual]) => {
    expect(lineOf(situation, item)).toEqual({ item, outcome: 'pass', actual })
  })

  it.each<[string, string, Situation, string]>([
    [
      'TLS that an opened network need not have',
      'tls',
      { probe: clear, target: { tlsMode: 'disable' } },
      'not encrypted, as sslmode=disable allows',
    ],
    ['roles, if the policy is off', 'role_superuser', { asked: { rolePolicy: 'off' } }, 'the role policy is off'],
    [
      'a superuser, if the policy warns',
      'role_superuser',
      { asked: { rolePolicy: 'warn' }, probe: { facts: { ...PLAIN_ROLE, superuser: true } } },
      'a superuser; the role policy only warns',
    ],
    ['the schema, if none was named', 'schema', { asked: { schema: null } }, 'none was named'],
  ])('about %s is skipped', (...[, item, situation, actual]) => {
    expect(lineOf(situation, item)).toEqual({ item, outcome: 'skipped', actual })
  })

  it.each<[string, string, Situation, string, string]>([
    ['a version before 10', 'server_version', version(90_624), 'PostgreSQL 9.6.24', 'server_unsupported'],
    ['a version between 9 and 13', 'server_version', version(100_023), 'PostgreSQL 10.23', 'server_unsupported'],
    [
      'sslmode=disable elsewhere',
      'tls',
      { probe: { tls: null, channelBound: false }, target: { tlsMode: 'disable' } },
      'sslmode=disable',
      'tls_failed',
    ],
    [
      'a server without TLS',
      'tls',
      { probe: { tls: null, channelBound: false } },
      'the server does not offer TLS',
      'tls_failed',
    ],
    [
      'a certificate that had to be verified',
      'tls',
      { probe: { tls: { protocol: 'TLSv1.3', verified: false } }, target: { tlsMode: 'verify-full' } },
      'a certificate that no trusted CA has issued',
      'tls_failed',
    ],
    [
      'a login that had to be bound',
      'authenticate',
      { probe: { channelBound: false }, target: { channelBinding: 'require' } },
      'no channel binding',
      'authentication_unsafe',
    ],
    [
      'a pooler that passes a refusal on',
      'authenticate',
      failedAt({ code: 'password_refused', isPassedOn: true }, 'tls'),
      'the pooler accepts the password; the server behind it refuses it',
      'authentication_failed',
    ],
    [
      'too many SCRAM iterations',
      'authenticate',
      failedAt({ code: 'scram_iterations', iterations: 600_000 }, 'tls'),
      '600000 SCRAM iterations; 4,096 to 100,000 are accepted',
      'authentication_unsafe',
    ],
    [
      'a slow login',
      'database',
      failedAt({ code: 'login_timeout', seconds: 10 }, 'authenticate'),
      'reached; the login took over 10 s (a paused database may be waking)',
      'database_unreachable',
    ],
    [
      'a known product',
      'server_version',
      failedAt({ code: 'server_unknown', product: 'CockroachDB' }, 'database'),
      'CockroachDB, which is not PostgreSQL 13 or later',
      'server_unsupported',
    ],
    [
      'a slow query, whatever else is known of it',
      'role_superuser',
      failedAt({ code: 'query_timeout', seconds: 10, iterations: 1 }, 'database'),
      'a catalog query took too long',
      'database_unreachable',
    ],
    [
      'a name that does not exist',
      'host',
      failedAt({ code: 'name_not_found' }, null),
      'the name does not exist',
      'database_unreachable',
    ],
    [
      'a database that is missing',
      'database',
      failedAt({ code: 'database_missing', sqlstate: '3D000' }, 'authenticate'),
      'no such database (SQLSTATE 3D000)',
      'database_not_found',
    ],
  ])('about %s fails', (...[, item, situation, actual, reason]) => {
    expect(lineOf(situation, item)).toMatchObject({ item, outcome: 'fail', actual })
    expect(verdictOf(situation).reason).toBe(reason)
  })

  it.each(['3D000 ', ' 3D000', '3D00'])('shows no SQLSTATE of another form: %j', sqlstate => {
    const situation = failedAt({ code: 'database_missing', sqlstate }, 'authenticate')
    expect(lineOf(situation, 'database')?.actual).toBe('no such database')
  })

  it('that is skipped because an earlier one failed says nothing', () => {
    expect(lineOf(failedAt({ code: 'name_not_found' }, null), 'tls')).toStrictEqual({ item: 'tls', outcome: 'skipped' })
  })
})

describe('The advice about TLS', () => {
  const unverified: Partial<Probe> = { tls: { protocol: 'TLSv1.3', verified: false }, channelBound: false }
  const adviceOf = (situation: Situation) =>
    verdictOf(situation)
      .advisories.filter(({ item }) => item === 'tls')
      .map(({ recommendation }) => recommendation)

  it.each<[string, Situation, string[]]>([
    ['nothing for a verified certificate', {}, []],
    ['nothing for a bound channel', { probe: { ...unverified, channelBound: true } }, []],
    [
      'a certificate that proves nothing',
      { probe: unverified },
      ['The identity of the server is not verified. Use sslmode=verify-full with the CA certificate.'],
    ],
    [
      'binding, if the server offers it',
      { probe: { ...unverified, channelBindingOffered: true } },
      [
        'The identity of the server is not verified. Use sslmode=verify-full with the CA certificate, or channel_binding=require.',
      ],
    ],
    [
      'a connection in clear',
      { probe: clear, target: { tlsMode: 'disable' } },
      ['The connection is not encrypted. Use sslmode=require or stronger.'],
    ],
    ['nothing before a connection', failedAt({ code: 'connection_refused' }, 'policy'), []],
    [
      'nothing before a login',
      { probe: { ...unverified, failure: { code: 'password_refused' }, passed: 'tls', facts: null } },
      [],
    ],
    [
      'a certificate that proved nothing at a login, though nothing came after it',
      { probe: { ...unverified, failure: { code: 'connection_lost' }, passed: 'authenticate', facts: null } },
      ['The identity of the server is not verified. Use sslmode=verify-full with the CA certificate.'],
    ],
  ])('is about %s', (_, situation, wanted) => {
    expect(adviceOf(situation)).toEqual(wanted)
  })

  it('names a mode that was raised outside of opened networks', () => {
    for (const tlsMode of ['allow', 'prefer'] as const)
      expect(adviceOf({ target: { tlsMode } })).toEqual([
        `sslmode=${tlsMode} was raised to require. Write sslmode=require.`,
      ])
    expect(adviceOf({ target: { tlsMode: 'prefer' }, probe: { openNetwork: true } })).toEqual([])
  })
})

describe('The advice about a password sent as MD5', () => {
  const advised = (probe: Partial<Probe> | undefined, asked: Partial<VerificationRequest>) =>
    verdictOf({ probe: { ...probe }, asked }).advisories

  it('is given under a CA certificate of the caller alone', () => {
    expect(advised({ passwordSent: 'md5' }, { isCaNamed: true })).toEqual([
      {
        item: 'authenticate',
        recommendation:
          "The password is sent as MD5 under a CA certificate of your own; a new credential that does so is refused. Set password_encryption = 'scram-sha-256' and the role's password again.",
      },
    ])
    expect(advised({ passwordSent: 'md5' }, {})).toEqual([])
    for (const passwordSent of ['clear', null, undefined] as const)
      expect(advised({ passwordSent }, { isCaNamed: true })).toEqual([])
  })

  it('and about TLS is none where nothing was reached', () => {
    const { probe } = failedAt({ code: 'name_not_found' }, null)
    expect(advised({ ...probe, tls: null }, { isCaNamed: true })).toEqual([])
  })
})

describe('A verdict without a dial', () => {
  it('about an invalid string fails the host and leaves the rest', () => {
    const { checks, ...verdict } = verifyUndialled(
      refusedString({ code: 'host_missing', message: 'The host is missing.' }),
    )
    expect(verdict).toEqual({ advisories: [], outcome: 'refused', reason: 'invalid_body', retryable: false })
    expect(checks[0]).toEqual({
      ...{ item: 'host', outcome: 'fail' },
      ...{ actual: 'not a valid connection string (host_missing)', fix: 'The host is missing.' },
    })
    expect(checks.slice(1).every(({ outcome }) => outcome === 'skipped')).toBe(true)
  })

  it.each([
    ['sales', '"sales"'],
    [null, 'another one'],
  ])('about a sealed string with the schema %j names both schemas', (named, displayed) => {
    const { checks, reason } = verifyUndialled(otherSchema(named, 'app'))
    expect(reason).toBe('schema_conflict')
    const actual = `the schema to be registered is "app", the connection string names ${displayed}`
    const fix = expect.stringContaining('Send the schema field with the name in the sealed string')
    expect(checks.filter(({ outcome }) => outcome === 'fail')).toEqual([
      { item: 'schema', outcome: 'fail', actual, fix },
    ])
  })
})
