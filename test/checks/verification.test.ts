/**
 * The verdict: every outcome of a dial has one line, one fault and one next status, and no outcome passes unnoticed.
 */
import { describe, expect, it } from 'vitest'
import type { Probe, RoleFacts } from '#server/domain/checks/probe.ts'
import { recogniseProvider, roleOfUser } from '#server/domain/checks/provider.ts'
import { newPasswordSql } from '#server/domain/checks/role/role-sql.ts'
import { type Verification, type VerificationRequest, verifyProbe } from '#server/domain/checks/verification.ts'
import { DIRECT_ITEMS } from '#shared/checks/items.ts'
import { FAILURES, type Failure, type FailureCode, type Stage } from '#shared/faults/failure.ts'
import type { FaultCode } from '#shared/faults/fault.ts'
import { GOOD_PROBE } from '#test/support/checks/good-probe.ts'
import { PLAIN_ROLE } from '#test/support/checks/role-facts.ts'

const ASKED: VerificationRequest = {
  schema: 'app',
  rolePolicy: 'enforce',
  dbType: 'postgresql',
  target: {
    host: 'db.example.com',
    port: 5432,
    database: 'shop',
    user: 'app',
    tlsMode: 'require',
    channelBinding: 'prefer',
  },
}

const judged = (probe: Partial<Probe> = {}, asked: Partial<VerificationRequest> = {}) =>
  verifyProbe({ ...GOOD_PROBE, ...probe }, { ...ASKED, ...asked })
const withFacts = (facts: Partial<RoleFacts>, asked: Partial<VerificationRequest> = {}) =>
  judged({ facts: { ...PLAIN_ROLE, ...facts } }, asked)
const aimed = (target: Partial<VerificationRequest['target']>) => ({ target: { ...ASKED.target, ...target } })
const outcomes = ({ checks }: Verification) => Object.fromEntries(checks.map(({ item, outcome }) => [item, outcome]))
const failingLine = ({ checks }: Verification) => checks.find(({ outcome }) => outcome === 'fail')
const ended = (code: FailureCode, passed: Stage | null) =>
  judged({ failure: { code }, passed, facts: null, schemaUsable: null })

describe('a checklist', () => {
  it('passes in all lines when nothing is wrong', () => {
    const verdict = judged()
    expect(verdict).toMatchObject({ outcome: 'passed', reason: null, retryable: false, advisories: [] })
    expect(verdict.checks.map(({ item }) => item)).toEqual([...DIRECT_ITEMS])
    expect(verdict.checks.every(({ outcome, fix }) => outcome === 'pass' && fix === undefined)).toBe(true)
  })

  it('passes the lines before a failure, fails one, and skips those not reached', () => {
    expect(outcomes(ended('password_refused', 'tls'))).toMatchObject({
      host: 'pass',
      connect: 'pass',
      authenticate: 'fail',
      database: 'skipped',
      server_version: 'skipped',
      role_superuser: 'skipped',
      schema: 'skipped',
    })
  })

  it('passes no line that the dial has not reached, though the failure belongs to a later one', () => {
    expect(outcomes(ended('too_many_connections', 'tls'))).toMatchObject({
      ...{ host: 'pass', connect: 'pass', tls: 'pass' },
      ...{ authenticate: 'skipped', database: 'fail', server_version: 'skipped' },
    })
  })

  it.each<[FailureCode, Stage | null, string]>([
    ['string_refused', null, 'host'],
    ['name_not_found', null, 'host'],
    ['host_refused', 'resolve', 'host'],
    ['port_refused', null, 'host'],
    ['budget_exhausted', null, 'connect'],
    ['connection_refused', 'policy', 'connect'],
    ['not_postgres', 'connect', 'connect'],
    ['tls_required', 'policy', 'tls'],
    ['certificate_expired', 'connect', 'tls'],
    ['connection_timeout', 'connect', 'tls'],
    ['connection_timeout', 'tls', 'authenticate'],
    ['server_not_proven', 'tls', 'authenticate'],
    ['too_many_connections', 'tls', 'database'],
    ['database_missing', 'authenticate', 'database'],
    ['password_refused', 'database', 'database'],
    ['login_refused', 'database', 'database'],
    ['server_starting', 'database', 'database'],
    ['standby_closed', 'database', 'database'],
    ['database_invalid', 'database', 'database'],
    ['connection_lost', 'database', 'role_superuser'],
    ['facts_unreadable', 'database', 'role_superuser'],
    ['protocol_violation', 'database', 'role_superuser'],
    ['dialler_died', null, 'connect'],
  ])('puts %s after %s on the line %s', (code, passed, item) => {
    expect(failingLine(ended(code, passed))?.item).toBe(item)
  })

  it.each(Object.keys(FAILURES) as FailureCode[])('has one failing line with a fix for %s', code => {
    const verdict = ended(code, 'connect')
    const { fault, retryable, observed } = FAILURES[code]
    expect(verdict.checks.filter(({ outcome }) => outcome === 'fail')).toHaveLength(1)
    expect(failingLine(verdict)).toMatchObject({ actual: observed, fix: expect.stringMatching(/\S/) })
    expect(verdict).toMatchObject({ reason: fault, retryable, outcome: retryable ? 'unreachable' : 'refused' })
  })

  it('shows an SQLSTATE of five characters and no other text of the server', () => {
    const displayed = (sqlstate: string) => {
      const failure = { code: 'password_refused', sqlstate } as const
      return failingLine(judged({ failure, passed: 'tls', facts: null }))?.actual
    }
    expect(displayed('28P01')).toBe('user name or password refused (SQLSTATE 28P01)')
    expect(displayed('hunter2')).toBe('user name or password refused')
  })

  it('skips the schema when none is named, and fails it when it was not seen', () => {
    expect(outcomes(judged({ schemaUsable: null }, { schema: null }))).toMatchObject({ schema: 'skipped' })
    for (const schemaUsable of [false, null]) {
      const verdict = judged({ schemaUsable }, { schema: 'my "app"' })
      expect(verdict).toMatchObject({ outcome: 'refused', reason: 'schema_not_found' })
      const fix = 'grant usage on schema "my ""app""" to "app";'
      expect(failingLine(verdict)).toMatchObject({ item: 'schema', fix })
    }
  })

  it('refuses a server older than 13', () => {
    const verdict = withFacts({ serverVersionNum: 120_022 })
    expect(verdict).toMatchObject({ outcome: 'refused', reason: 'server_unsupported' })
    expect(failingLine(verdict)).toMatchObject({
      ...{ item: 'server_version', actual: 'PostgreSQL 12.22' },
      fix: 'Upgrade the server to PostgreSQL 13 or later.',
    })
  })
})

describe('a verdict fails closed', () => {
  const unverified = { protocol: 'TLSv1.3', verified: false }
  const off = { rolePolicy: 'off' } as const
  it.each<[string, Partial<Probe>, { asked?: Partial<VerificationRequest>; reason: FaultCode }]>([
    ['without facts', { facts: null }, { reason: 'byo_role_unreadable' }],
    ['without facts under a role policy that is off', { facts: null }, { asked: off, reason: 'byo_role_unreadable' }],
    ['after a failure behind the facts', { failure: { code: 'connection_lost' } }, { reason: 'database_unreachable' }],
    ['without TLS', { tls: null }, { reason: 'tls_failed' }],
    [
      'without the TLS that was asked for in an opened network',
      { tls: null, openNetwork: true },
      { reason: 'tls_failed' },
    ],
    ['without TLS outside', { tls: null }, { asked: aimed({ tlsMode: 'disable' }), reason: 'tls_failed' }],
    ['without the chain', { tls: unverified }, { asked: aimed({ tlsMode: 'verify-ca' }), reason: 'tls_failed' }],
    [
      'without the channel binding',
      { channelBound: false },
      { asked: aimed({ channelBinding: 'require' }), reason: 'authentication_unsafe' },
    ],
  ])('%s', (_, probe, { asked, reason }) => {
    const verdict = judged(probe, asked)
    expect(verdict.reason).toBe(reason)
    expect(verdict.outcome).not.toBe('passed')
  })

  it('and a refused role is not excused by a link that breaks afterwards', () => {
    const verdict = judged({ facts: { ...PLAIN_ROLE, superuser: true }, failure: { code: 'connection_lost' } })
    expect(verdict).toMatchObject({ outcome: 'refused', reason: 'byo_role_cannot_enforce_rls' })
  })
})

describe('the role policy', () => {
  const facts = { bypassRls: true, createDb: true }

  it('refuses under enforce', () => {
    const verdict = withFacts(facts)
    expect(verdict).toMatchObject({ outcome: 'refused', reason: 'byo_role_cannot_enforce_rls', retryable: false })
    expect(failingLine(verdict)).toMatchObject({
      item: 'role_bypassrls',
      actual: 'has BYPASSRLS',
      fix: expect.stringMatching(/^set role none;\n(-- .+\n)+alter role "app" nobypassrls;$/),
    })
    expect(verdict.advisories.map(({ item }) => item)).toEqual(['role_createdb'])
  })

  it('advises under warn', () => {
    const verdict = withFacts(facts, { rolePolicy: 'warn' })
    expect(verdict).toMatchObject({ outcome: 'passed', reason: null })
    expect(outcomes(verdict)).toMatchObject({ role_bypassrls: 'skipped', role_superuser: 'pass' })
    expect(verdict.advisories).toContainEqual({
      item: 'role_bypassrls',
      recommendation: expect.stringMatching(
        /^The role: has BYPASSRLS\.\nset role none;\n(-- .+\n)+alter role "app" nobypassrls;$/,
      ),
    })
  })

  it('omits the role under off', () => {
    const verdict = withFacts(facts, { rolePolicy: 'off' })
    expect(verdict).toMatchObject({ outcome: 'passed', reason: null, advisories: [] })
    expect(outcomes(verdict)).toMatchObject({ role_bypassrls: 'skipped', schema: 'pass' })
  })

  it.each(['warn', 'off'] as const)('never excuses host, TLS or login under %s', rolePolicy => {
    for (const code of ['host_refused', 'certificate_untrusted', 'password_refused'] as const) {
      const verdict = judged({ failure: { code }, passed: null, facts: null }, { rolePolicy })
      expect(verdict.outcome).toBe('refused')
    }
  })
})

describe('a fix', () => {
  it('quotes the names of the string and keeps its password out by never having it', () => {
    const target = aimed({ user: 'a"; drop table t; --', database: 'my shop' })
    const fixOf = (probe: Partial<Probe>) => failingLine(judged({ facts: null, ...probe }, target))?.fix
    const fix = fixOf({ failure: { code: 'password_refused' }, passed: 'tls' })
    expect(fix).toMatch(/^Check the user name and password\. A role past its VALID UNTIL gets the same message\.\ndo /)
    expect(fix).toContain(`where r.rolname = 'a"; drop table t; --' and r.rolvaliduntil <= pg_catalog.now()`)
    expect(fix).toContain(`alter role "a""; drop table t; --" valid until 'infinity';`)
    expect(fix).toContain(newPasswordSql('a"; drop table t; --'))
    expect(fixOf({ failure: { code: 'connect_denied' }, passed: 'authenticate' })).toBe(
      'grant connect on database "my shop" to "a""; drop table t; --";',
    )
  })

  it('lists the objects that the role reaches, five at most', () => {
    const superuserVia = ['a', 'b"', 'c', 'd', 'e', 'f', 'g']
    expect(failingLine(withFacts({ superuserVia, bypassRlsVia: ['seer'] }))).toMatchObject({
      item: 'role_membership',
      actual: 'can become or act as "a", "b""", "c", "d", "e" and 2 more, a superuser; "seer", with BYPASSRLS',
      fix: expect.stringContaining('create role "mooring_reader_shop" login'),
    })
  })

  it('grants the schema that was named, or public, and none that does not exist', () => {
    const grants = (probe: Partial<Probe>, schema: string | null) =>
      failingLine(judged({ facts: { ...PLAIN_ROLE, superuser: true }, ...probe }, { schema }))?.fix?.match(
        /grant usage on schema .+ to "mooring_reader_shop";/g,
      ) ?? null
    const schemas = { isThere: true, usable: [] }
    expect(grants({ schemas }, 'app')).toEqual(['grant usage on schema "app" to "mooring_reader_shop";'])
    expect(grants({}, null)).toEqual(['grant usage on schema "public" to "mooring_reader_shop";'])
    expect(grants({ schemas: { isThere: false, usable: [] } }, 'app')).toBeNull()
  })

  it('follows the circumstances of the login, which are the usual ones where nothing is said', () => {
    const fixOf = (failure: Failure, probe: Partial<Probe> = {}, asked: Partial<VerificationRequest> = {}) =>
      failingLine(judged({ failure, facts: null, passed: 'connect', ...probe }, asked))?.fix
    const refused = { code: 'address_refused' } as const
    expect(fixOf(refused)).toMatch(/hostssl .*<the address of this installation>/)
    expect(fixOf(refused, { tls: null })).toMatch(/host .*<the address of this installation>/)
    expect(fixOf(refused, {}, { egressAddresses: ['192.0.2.7'] })).toMatch(/hostssl .*192\.0\.2\.7/)
    const names = { names: [], subject: 'db', issuer: 'Example CA', validFrom: '', validTo: '' }
    const untrusted = { code: 'certificate_untrusted', certificate: { owner: 'server', ...names } } as const
    expect(fixOf(untrusted)).toBe(fixOf(untrusted, {}, { isCaNamed: false }))
    expect(fixOf(untrusted)).not.toBe(fixOf(untrusted, {}, { isCaNamed: true }))
    const away = (...addresses: string[]) => fixOf({ code: 'network_unreachable' }, { addresses })
    expect(away('2001:db8::1', '2001:db8::2')).toContain('IPv6 addresses only')
    for (const fix of [away(), away('203.0.113.5'), away('2001:db8::1', '203.0.113.5')])
      expect(fix).not.toContain('IPv6')
  })

  it('creates another role than the refused one', () => {
    const verdict = withFacts({ superuser: true }, aimed({ user: 'mooring_reader_shop' }))
    expect(failingLine(verdict)?.fix).toContain('create role "mooring_reader_shop_2" login')
  })

  it.each([
    ['db.abcdefgh.supabase.co', 'postgresql', "Supabase's SQL editor"],
    ['ep-cool-darkness-123456.eu-central-1.aws.neon.tech', 'postgresql', "Neon's SQL editor"],
    ['shop.abc123.eu-west-1.rds.amazonaws.com', 'postgresql', 'rds_superuser'],
    ['203.0.113.9', 'postgres_gcp', 'cloudsqlsuperuser'],
    ['shop.postgres.database.azure.com', 'postgresql', 'azure_pg_admin'],
    ['db.example.com', 'postgresql', 'as a superuser'],
  ])('follows the provider of %s (%s)', (host, dbType, words) => {
    const verdict = withFacts({ superuser: true }, { dbType, ...aimed({ host }) })
    expect(failingLine(verdict)?.fix).toContain(words)
    expect(failingLine(verdict)?.fix).toContain('grant connect on database "shop" to "mooring_reader_shop";')
  })

  it('removes an attribute only where the customer has a superuser', () => {
    const host = 'shop.abc123.eu-west-1.rds.amazonaws.com'
    expect(failingLine(withFacts({ replication: true }))?.fix).toMatch(/\nalter role "app" noreplication;$/)
    expect(failingLine(withFacts({ replication: true }, aimed({ host })))?.fix).toContain('create role')
  })

  it('never forces row security on an owner, says what that would cost, and creates a role', () => {
    const tables = { owned: 30, ownedRlsNotForced: 21 }
    const line = failingLine(withFacts({ tables, ownerBypassTables: ['"app"."t"'] }))
    expect(line?.actual).toBe('owns 21 tables whose row security does not bind the owner: "app"."t" and 20 more')
    expect(line?.fix).toMatch(/^set role none;\n-- Forcing row security/)
    expect(line?.fix?.split('\n').filter(text => text.includes('force row level') && !text.startsWith('--'))).toEqual(
      [],
    )
    expect(line?.fix).toContain('create role "mooring_reader_shop" login')
  })
})

describe('a provider', () => {
  it.each([
    ['aws-0-eu.pooler.supabase.com', 'supabase'],
    ['SHOP.POSTGRES.DATABASE.AZURE.COM', 'azure'],
    ['shop.abc.rds.cn-north-1.amazonaws.com.cn', 'rds'],
    ['uid.project.region.sql.goog', 'cloudsql'],
    ['evil-supabase.co', 'plain'],
    ['db.supabase.co.example.com', 'plain'],
    ['rds.amazonaws.com.example.com', 'plain'],
  ])('of %s is %s', (host, provider) => expect(recogniseProvider(host, 'postgresql')).toBe(provider))

  it('is known by the host before the type, and by no inherited property', () => {
    expect(recogniseProvider('x.neon.tech', 'supabase')).toBe('neon')
    expect(recogniseProvider('203.0.113.9', 'supabase')).toBe('supabase')
    expect(recogniseProvider('203.0.113.9', 'constructor')).toBe('plain')
  })

  it("removes the project from a user name only at Supabase's pooler", () => {
    expect(roleOfUser('my.role.abcdefgh', 'aws-0-eu.pooler.supabase.com')).toBe('my.role')
    expect(roleOfUser('my.role', 'db.abcdefgh.supabase.co')).toBe('my.role')
    expect(roleOfUser('app', 'aws-0-eu.pooler.supabase.com')).toBe('app')
    expect(roleOfUser('.abcdefgh', 'aws-0-eu.pooler.supabase.com')).toBe('.abcdefgh')
  })
})

describe('advice about the link', () => {
  const unbound = { channelBound: false, tls: { protocol: 'TLSv1.3', verified: false } }
  const tlsAdvice = (probe: Partial<Probe>, asked: Partial<VerificationRequest> = {}) =>
    judged(probe, asked).advisories.map(({ item, recommendation }) => `${item}: ${recommendation}`)

  it('appears when nothing proves the server’s identity', () => {
    expect(tlsAdvice(unbound)).toEqual([expect.stringContaining('tls: The identity of the server is not verified.')])
    expect(tlsAdvice({ ...unbound, channelBound: true })).toEqual([])
  })

  it('appears for a weak mode that was raised, and for a link without encryption', () => {
    expect(tlsAdvice({}, aimed({ tlsMode: 'prefer' }))).toEqual([expect.stringContaining('raised to require')])
    const clear = { tls: null, channelBound: false, openNetwork: true }
    expect(tlsAdvice(clear, aimed({ tlsMode: 'disable' }))).toEqual([expect.stringContaining('not encrypted')])
    expect(judged(clear, aimed({ tlsMode: 'disable' })).outcome).toBe('passed')
  })
})
