/**
 * R7 and R10, for fixes about networks: names of private networks, names with only IPv6 addresses, providers' firewalls
 * with the addresses of this installation, and recognised standbys and poolers.
 */
import { describe, expect, it } from 'vitest'
import type { Probe } from '#server/domain/checks/probe.ts'
import { type VerificationRequest, verifyProbe } from '#server/domain/checks/verification.ts'
import { judgeHost } from '#server/domain/network/host-policy.ts'
import type { Failure, FailureCode } from '#shared/faults/failure.ts'

const TLS = { protocol: 'TLSv1.3', verified: false }
const EGRESS = ['192.0.2.7', '2001:db8::7']
const FAILED: Probe = {
  passed: 'policy',
  failure: { code: 'connection_timeout' },
  address: null,
  addresses: ['203.0.113.5'],
  openNetwork: false,
  tls: null,
  channelBound: false,
  facts: null,
  schemaUsable: null,
  tookMs: 9,
}
const ASKED: VerificationRequest = {
  schema: null,
  rolePolicy: 'enforce',
  dbType: 'postgresql',
  egressAddresses: EGRESS,
  target: {
    host: 'db.shop.example',
    port: 5432,
    database: 'shop',
    user: 'app',
    tlsMode: 'require',
    channelBinding: 'prefer',
  },
}

function lineOf(host: string, failure: Failure, probe: Partial<Probe> = {}) {
  const judged = verifyProbe({ ...FAILED, ...probe, failure }, { ...ASKED, target: { ...ASKED.target, host } })
  return judged.checks.find(({ outcome }) => outcome === 'fail') ?? { item: 'none', actual: '', fix: '' }
}

const PRIVATE = [
  'shop-db.flycast',
  'top1.nearest.of.shop-db.internal',
  'postgres.railway.internal',
  'private-dbaas-db-1234-do-user-9.b.db.ondigitalocean.com',
  'private-shop-acme.a.aivencloud.com',
  'shop.privatelink.postgres.database.azure.com',
  'shop.private.postgres.database.azure.com',
  'vpce-0a1b2c-d3e4.vpce-svc-5f6.eu-west-1.vpce.amazonaws.com',
  'dpg-abc123def-a',
  'db',
  'shop-db.default.svc.cluster.local',
  'laptop.tailnet-1234.ts.net',
  'private-a1-akamai-prod-1-default.g2a.akamaidb.net',
  '1a2b.8f7b.private.databases.appdomain.cloud',
  'eu-west.private-connect.psdb.cloud',
]
/** Such a network has no public connection string. */
const OF_OVERLAY =
  "It belongs to an overlay network such as Tailscale, or to a carrier's network. Give a public name or address."
const PUBLIC = [
  'db.shop.io',
  'private-shop.io',
  'dbaas-db-1234-do-user-9.b.db.ondigitalocean.com',
  'shop.fly.dev',
  'shop.postgres.database.azure.com',
  'dpg-abc123def-a.oregon-postgres.render.com',
  'flycast.io',
  '1a2b.8f7b.databases.appdomain.cloud',
]
const verdictOf = (host: string, openNetworks: string[] = []) =>
  judgeHost({ host, port: 5432, purpose: 'postgres' }, { openNetworks })

describe('A private name', () => {
  it.each(PRIVATE)('%s is refused as one, without a look-up', host => {
    expect(verdictOf(host)).toEqual({ verdict: 'refuse', code: 'host_private' })
    expect(verdictOf(host, ['127.0.0.0/8', '::1/128'])).toEqual({ verdict: 'refuse', code: 'host_private' })
    expect(lineOf(host, { code: 'host_private' }).fix).toContain(
      host.endsWith('.ts.net') ? OF_OVERLAY : 'Use the external connection string',
    )
  })

  it.each(PUBLIC)('%s is not one', host => expect(verdictOf(host).verdict).toBe('resolve'))

  it('is looked up if the installation has opened a network that may be its own', () => {
    expect(verdictOf('shop-db.flycast', ['fdaa::/16']).verdict).toBe('resolve')
  })
})

describe('A name that leads to an address of a private network', () => {
  it.each([
    ['shop.abc123.eu-west-1.rds.amazonaws.com', 'publicly accessible'],
    ['shop.postgres.database.azure.com', 'public access'],
    ['c-c9q1.rw.mdb.yandexcloud.net', 'external host'],
  ])('%s gets a fix that says how it becomes a public one', (host, words) => {
    const { fix } = lineOf(host, { code: 'host_refused' }, { passed: 'resolve', addresses: [] })
    expect(fix).toContain('not publicly routable')
    expect(fix).toContain(words)
  })

  it('is not what a name is that is never looked up', () => {
    expect(lineOf('metadata.goog', { code: 'host_refused' }, { passed: 'parse' }).fix).toBe(
      'Give a publicly routable host.',
    )
  })
})

const LOST: readonly FailureCode[] = [
  'connection_refused',
  'connection_timeout',
  'connection_lost',
  'network_unreachable',
]
const FIREWALLED: readonly (readonly [string, string])[] = [
  ['db.shop.io', 'open it for'],
  ['shop.postgres.database.azure.com', "Azure's portal"],
  ['shop.abc123.eu-west-1.rds.amazonaws.com', 'security group'],
  ['uid.project.region.sql.goog', 'authorized network'],
  ['db.abcdefgh.supabase.co', 'Network Restrictions'],
  ['ep-cool-1.eu-central-1.aws.neon.tech', 'IP Allow'],
  ['dbaas-db-1.b.db.ondigitalocean.com', 'Trusted sources'],
  ['pg-shop.a.aivencloud.com', 'Allowed IP addresses'],
  ['dpg-a.oregon-postgres.render.com', 'Access Control'],
]

describe('A fix about a firewall', () => {
  it.each(FIREWALLED)('of %s says where, and names every address of this installation', (host, words) => {
    const fixes = LOST.map(code => lineOf(host, { code }).fix)
    fixes.push(lineOf(host, { code: 'address_refused', sqlstate: '28000' }, { passed: 'tls', tls: TLS }).fix)
    fixes.push(lineOf(host, { code: 'login_refused', sqlstate: '28000' }, { passed: 'tls', tls: TLS }).fix)
    for (const fix of fixes) {
      for (const address of EGRESS) expect(fix).toContain(address)
      if (host !== 'db.shop.io') expect(fix).toContain(words)
      if (host !== 'db.shop.io') expect(fix).not.toContain('pg_hba.conf')
    }
  })

  it('is a line of pg_hba.conf for each address if the customer has that file', () => {
    const { fix } = lineOf('db.shop.io', { code: 'address_refused' }, { passed: 'tls', tls: TLS })
    expect(fix).toContain('hostssl "shop" "app" 192.0.2.7/32 scram-sha-256')
    expect(fix).toContain('hostssl "shop" "app" 2001:db8::7/128 scram-sha-256')
  })
})

describe('A name with only IPv6 addresses', () => {
  const addresses = ['2001:db8::5', '2001:db8::6']

  it.each(['network_unreachable', 'connection_timeout'] as const)(
    'is reported as such when the dial ends as %s',
    code => {
      expect(lineOf('db.shop.io', { code }, { addresses }).fix).toContain('IPv6 addresses only (AAAA)')
      expect(lineOf('db.abcdefgh.supabase.co', { code }, { addresses }).fix).toContain('session pooler of Supabase')
    },
  )

  it('is distinguished from a name with both', () => {
    const both = { addresses: ['203.0.113.5', ...addresses] }
    expect(lineOf('db.shop.io', { code: 'network_unreachable' }, both).fix).not.toContain('AAAA')
  })
})

it('A login that times out over a secured link counts as reached, and is retried', () => {
  const { actual } = lineOf('db.shop.io', { code: 'login_timeout', seconds: 10 }, { passed: 'tls', tls: TLS })
  expect(actual).toBe('reached; the login took over 10 s (a paused database may be waking)')
})
