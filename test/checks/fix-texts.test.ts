/**
 * The fix of each failed dial, word for word, for each circumstance that changes it: what a customer reads and pastes.
 * `test/vectors/checks/fixes.txt` is reviewed like code; `npm run -s vitest -- test/checks/fix-texts.test.ts -u` rewrites it.
 */
import { describe, expect, it } from 'vitest'
import { dialFix } from '#server/domain/checks/fixes/dial-fixes.ts'
import { placeFix } from '#server/domain/checks/fixes/place-fixes.ts'
import { schemaFinding } from '#server/domain/checks/fixes/schema-fixes.ts'
import { recogniseProvider } from '#server/domain/checks/provider.ts'
import type { TriedLogin } from '#server/domain/checks/tried-login.ts'
import { FAILURES, type Failure, type FailureCode, type PresentedCertificate } from '#shared/faults/failure.ts'

const TRIED: TriedLogin = {
  ...{ login: 'app', user: 'app', database: 'shop', host: 'db.example.com', port: 5432, provider: 'plain' },
  ...{ egressAddresses: [], isPasswordAscii: true, isCaNamed: false, isEncrypted: true, isResolved: true },
  isIpv6Only: false,
}
/** A host with its provider, as a verification recognises it. */
const at = (host: string): Partial<TriedLogin> => ({ host, provider: recogniseProvider(host, 'postgresql') })
const fixOf = (tried: Partial<TriedLogin>, failure: Failure) => dialFix(failure, { ...TRIED, ...tried })
const CERTIFICATE: PresentedCertificate = {
  ...{ owner: 'server', subject: 'db.example.com', issuer: 'Example CA', names: ['db.example.com', 'db2.example.com'] },
  ...{ validFrom: '2025-01-02T03:04:05Z', validTo: '2026-01-02T03:04:05Z' },
}
const EGRESS = { egressAddresses: ['203.0.113.9', '2001:db8::9', '198.51.100.0/28'] }
const HOSTILE = { login: `a"b'c\\d%e`, database: 'f"g\u202eh' }

const SUPABASE = 'db.abcdefghijklmnopqrst.supabase.co'
const RDS = 'shop.abc123.eu-central-1.rds.amazonaws.com'
const AZURE = 'shop.postgres.database.azure.com'
const CLOUD_SQL = 'x.y.europe-west1.sql.goog'
const NEON = 'ep-a.eu-central-1.aws.neon.tech'
/** A host of each provider whose places we know by the host alone. */
const HOSTS = [
  ...['a.b.ondigitalocean.com', 'a.aivencloud.com', 'a.frankfurt-postgres.render.com', 'a.tsdb.cloud.timescale.com'],
  ...['a.timescaledb.cloud', 'p.a.postgresbridge.com', 'a.pg.rdb.fr-par.scw.cloud', 'a.scaleway.com'],
  ...['a.database.cloud.ovh.net', 'a.ovh.com', 'aws.connect.psdb.cloud', 'a.pg.rds.aliyuncs.com'],
  ...['a.aws-eu-central-1.cockroachlabs.cloud', 'A.AIVENCLOUD.COM', 'a.aivencloud.com.example.net'],
]
/** Hosts that say by themselves where they are, and the nearest ones that do not. */
const PLACES = [
  ...['127.0.0.1', '::1', 'localhost', '0.0.0.0', '::', 'LOCALHOST', '128.0.0.1', 'localhost.example.com', '::2'],
  ...['host.docker.internal', 'gateway.docker.internal', 'a.host.docker.internal'],
  ...['100.63.0.1', '100.64.0.1', '100.79.0.1', '100.100.0.1', '100.119.0.1', '100.127.0.1', '100.128.0.1'],
  ...['db.tailnet.ts.net', 'ts.net.example.com', 'fd7a:115c:a1e0::1', '169.254.1.1', 'fe80::1', 'feb0::1', 'fec0::1'],
  ...['10.0.0.1', '110.0.0.1', '192.168.0.1', '192.169.0.1', '172.15.0.1', '172.16.0.1', '172.29.0.1', '172.31.0.1'],
  ...['172.32.0.1', 'fc00::1', 'fd12:3456::1', 'fe00::1', 'postgres', 'db.example.com', '2001:db8::1'],
]

const sections = (entries: readonly (readonly [string, string])[]) =>
  `${entries.map(([title, text]) => `## ${title}\n${text}\n`).join('\n')}`
const file = (name: string) => `../vectors/checks/${name}.txt`

describe('The fix of a failed dial', () => {
  it('is written for each failure, at a server of the customer’s own and at a provider', async () => {
    const codes = Object.keys(FAILURES) as FailureCode[]
    const of = (code: FailureCode, tried: Partial<TriedLogin> = {}) => fixOf(tried, { code })
    const entries = codes.flatMap(code => {
      const [own, hosted] = [of(code), of(code, at(NEON))]
      return [[code, own] as const, ...(hosted === own ? [] : [[`${code}, at Neon`, hosted] as const])]
    })
    await expect(sections(entries)).toMatchFileSnapshot(file('fixes-of-failures'))
  })

  it('names the place at each provider where addresses are allowed', async () => {
    const hosts = [SUPABASE, RDS, AZURE, CLOUD_SQL, NEON, ...HOSTS, 'db.example.com']
    const entries = hosts.flatMap(host => [
      [`${host} refuses`, fixOf({ ...at(host), ...EGRESS }, { code: 'connection_timeout' })] as const,
      [`${host} refuses this login`, fixOf(at(host), { code: 'address_refused' })] as const,
      [`${host} has a certificate of its own CA`, fixOf(at(host), { code: 'certificate_untrusted' })] as const,
    ])
    await expect(sections(entries)).toMatchFileSnapshot(file('fixes-at-providers'))
  })

  it('says of a host that cannot be dialled where it is', async () => {
    const named = PLACES.map(host => [host, placeFix('host_private', host)] as const)
    const resolved = [SUPABASE, RDS, AZURE, CLOUD_SQL, NEON, 'db.example.com', '10.0.0.1'].map(
      host => [`${host}, resolved`, fixOf(at(host), { code: 'host_refused' })] as const,
    )
    const unresolved = [
      ['10.0.0.1, as given', fixOf({ ...at('10.0.0.1'), isResolved: false }, { code: 'host_refused' })],
      ['a port', placeFix('port_refused', '10.0.0.1')],
    ] as const
    await expect(sections([...named, ...resolved, ...unresolved])).toMatchFileSnapshot(file('fixes-of-places'))
  })

  it.each<[string, Partial<TriedLogin>, Failure, string]>([
    [
      'an unknown login at Supabase’s pooler',
      at('aws-0-eu-central-1.pooler.supabase.com'),
      { code: 'login_unknown' },
      'Through this pooler the user name is role.project-ref, such as app.abcdefghijklmnopqrst: take it from Connect in the dashboard of Supabase. A paused project is not known either.',
    ],
    [
      'an unknown login at Cockroach Labs',
      at('A.aws-eu-central-1.cockroachlabs.cloud'),
      { code: 'login_unknown' },
      'Give the host that the console shows for this cluster.',
    ],
    [
      'an unknown login at an RDS proxy',
      at('shop.proxy-abc123.eu-central-1.rds.amazonaws.com'),
      { code: 'login_unknown' },
      "Add the role's credentials to the secrets of the RDS proxy, with the password of the database.",
    ],
    [
      'an IPv6 address',
      { host: '2001:db8::1', isIpv6Only: true },
      { code: 'network_unreachable' },
      'This is an IPv6 address: if this installation has no IPv6, give a name or an IPv4 address.',
    ],
    [
      'a name with IPv6 addresses only',
      { isIpv6Only: true },
      { code: 'network_unreachable' },
      'The name has IPv6 addresses only (AAAA), and this installation has no IPv6. Give the server an IPv4 address, or use the IPv4 host or pooler that the provider offers.',
    ],
    [
      'a certificate for two other names',
      {},
      { code: 'certificate_name_mismatch', certificate: CERTIFICATE },
      'The certificate is for db.example.com, db2.example.com. Use one of these names, or sslmode=verify-ca.',
    ],
    [
      'a disabled database, behind a pooler',
      {},
      { code: 'database_disabled', sqlstate: '08P01' },
      'Resume or enable the database in the dashboard of its provider. For PgBouncer, its administrator enables it in its console.',
    ],
    [
      'a disabled database, at a provider',
      {},
      { code: 'database_disabled', sqlstate: 'XX000' },
      'Resume or enable the database in the dashboard of its provider.',
    ],
  ])('is one sentence for %s', (...[, tried, failure, wanted]) => {
    expect(fixOf(tried, failure)).toBe(wanted)
  })

  it('follows each circumstance of the login', async () => {
    const untrusted = (change: Partial<PresentedCertificate>): Failure => ({
      code: 'certificate_untrusted',
      certificate: { ...CERTIFICATE, ...change },
    })
    const expired = (change: Partial<PresentedCertificate>): Failure => ({
      code: 'certificate_expired',
      certificate: { ...CERTIFICATE, ...change },
    })
    const entries: readonly (readonly [string, Partial<TriedLogin>, Failure])[] = [
      ['an unknown login at Neon', at(NEON), { code: 'login_unknown' }],
      ['an unknown login at neon.build', at('a.neon.build'), { code: 'login_unknown' }],
      ['an unknown login at Azure', at(AZURE), { code: 'login_unknown' }],
      ['an unknown login at Azure in China', at('a.postgres.database.chinacloudapi.cn'), { code: 'login_unknown' }],
      ['no IPv4 at Supabase', { ...at(SUPABASE), isIpv6Only: true }, { code: 'network_unreachable' }],
      ['no route, with IPv4', {}, { code: 'network_unreachable' }],
      ['a timeout of a name without IPv4', { isIpv6Only: true }, { code: 'connection_timeout' }],
      ['a refused address, with ours', EGRESS, { code: 'address_refused' }],
      ['a refused address, in clear', { isEncrypted: false }, { code: 'address_refused' }],
      ['a refused address, with hostile names', HOSTILE, { code: 'address_refused' }],
      ['a refused address of a login with a quote', { login: 'a"b' }, { code: 'address_refused' }],
      ['a refused address, with a slash', { database: '/shop' }, { code: 'address_refused' }],
      ['a refused login', {}, { code: 'login_refused' }],
      ['a refused login at RDS', at(RDS), { code: 'login_refused' }],
      ['a client certificate at Cloud SQL', at(CLOUD_SQL), { code: 'client_certificate_asked' }],
      ['a client certificate at RDS', at(RDS), { code: 'client_certificate_asked' }],
      ['a refused password at RDS', at(RDS), { code: 'password_refused' }],
      ['a refused password, not ASCII', { isPasswordAscii: false }, { code: 'password_refused' }],
      ['a refused password of PgBouncer', {}, { code: 'password_refused', sqlstate: '08P01' }],
      ['a refused password of the server behind it', {}, { code: 'password_refused', isPassedOn: true }],
      ['a refused password, with hostile names', HOSTILE, { code: 'password_refused' }],
      ['an exposed password at RDS', at(RDS), { code: 'password_exposed' }],
      ['too many iterations', {}, { code: 'scram_iterations', iterations: 100_001 }],
      ['too few iterations', {}, { code: 'scram_iterations', iterations: 100_000 }],
      ['an unknown number of iterations', {}, { code: 'scram_iterations' }],
      ['a missing database behind PgBouncer', {}, { code: 'database_missing', sqlstate: '08P01' }],
      ['a missing database of a bad name', HOSTILE, { code: 'database_missing', sqlstate: '08P01' }],
      ['a disabled database', HOSTILE, { code: 'database_disabled', sqlstate: '55000' }],
      ['the limit of a role', HOSTILE, { code: 'role_limit_reached' }],
      ['the limit of a database', HOSTILE, { code: 'database_limit_reached' }],
      ['a catalog that cannot be read', HOSTILE, { code: 'facts_unreadable' }],
      ['no TLS', {}, { code: 'tls_not_offered' }],
      ['an unknown CA', {}, untrusted({})],
      ['an unknown CA without a name', {}, untrusted({ issuer: '' })],
      ['another CA than the given one', { isCaNamed: true }, untrusted({})],
      ['an expired certificate', {}, expired({})],
      ['an expired certificate, unread', {}, { code: 'certificate_expired' }],
      ['an expired certificate of unreadable dates', {}, expired({ validFrom: '', validTo: '' })],
      ['an expired intermediate certificate', {}, expired({ owner: 'sent' })],
      ['an expired CA that was given', {}, expired({ owner: 'given' })],
      ['an expired CA without a name', {}, expired({ owner: 'given', subject: '' })],
      [
        'a certificate without names',
        {},
        { code: 'certificate_name_mismatch', certificate: { ...CERTIFICATE, names: [] } },
      ],
    ]
    const texts = entries.map(([title, tried, failure]) => [title, fixOf(tried, failure)] as const)
    await expect(sections(texts)).toMatchFileSnapshot(file('fixes-of-logins'))
  })
})

describe('A schema that cannot be used', () => {
  const LISTING = "select nspname from pg_catalog.pg_namespace where nspname !~ '^pg_' order by nspname;"
  const grant = 'grant usage on schema "a""b" to "app";'
  it.each([
    ['was not looked up', undefined, '"a""b" does not exist, or the role has no USAGE on it', grant],
    ['exists', { isThere: true, usable: ['x'] }, 'the role has no USAGE on "a""b"', grant],
    [
      'is missing beside others',
      { isThere: false, usable: ['x', 'Y'] },
      '"a""b" does not exist',
      'Give the name of a schema that exists. The role may use "x", "Y".',
    ],
    [
      'is missing',
      { isThere: false, usable: [] },
      '"a""b" does not exist',
      `Give the name of a schema that exists. This lists them:\n${LISTING}`,
    ],
  ])('because it %s has its finding and its fix', (...[, schemas, actual, fix]) => {
    expect(schemaFinding('a"b', 'app', schemas)).toEqual({ actual, fix })
  })
})
