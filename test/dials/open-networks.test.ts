/** The networks that `MOORING_ALLOWED_NETWORKS` opens, and those that it can never open. */
import { describe, expect, it } from 'vitest'
import { judgeAddresses, judgeHost, judgeTarget, parseNetworks } from '#server/domain/network/host-policy.ts'
import { parseConnectionString } from '#shared/connection-string/connection-string.ts'
import { fc } from '#test/support/house/properties.ts'
import { readVectors } from '#test/support/house/vector-file.ts'

const postgres = (host: string, port = 5432) => ({ host, port, purpose: 'postgres' as const })
const loopback = { openNetworks: ['127.0.0.0/8', '::1/128'] }
const everything = { openNetworks: ['0.0.0.0/0', '::/0'] }
const nothing = { openNetworks: [] }

function verdictOn(text: string, policy: { openNetworks: string[] }) {
  const parsed = parseConnectionString(text)
  if (!parsed.ok) throw new Error(`refused: ${parsed.code}`)
  return judgeTarget(parsed.target, policy)
}

describe('the setting', () => {
  it('opens nothing when it is empty', () => {
    expect(parseNetworks('')).toEqual({ ok: true, networks: [] })
    expect(parseNetworks('  ')).toEqual({ ok: true, networks: [] })
  })

  it('accepts networks of both families and single addresses, in one canonical form', () => {
    expect(parseNetworks('10.0.0.0/8, FD00:0:0::/8,127.0.0.1,::1')).toEqual({
      ok: true,
      networks: ['10.0.0.0/8', 'fd00::/8', '127.0.0.1/32', '::1/128'],
    })
    expect(parseNetworks('0.0.0.0/0,::/0')).toEqual({ ok: true, networks: ['0.0.0.0/0', '::/0'] })
  })

  it.for([
    ...['10.0.0.0/33', '10.0.0.1/8', '10.0.0.0/08', '10/8', '010.0.0.0/8', '10.0.0.0/-1', '10.0.0.0/', '10.0.0.0/8/8'],
    ...[
      '::/129',
      'fd00::1/8',
      'localhost',
      '10.0.0.0/8,',
      ',',
      '10.0.0.0/8 fd00::/8',
      '10.0.0.0/255.0.0.0',
      '*',
      'fe80::%lo/64',
    ],
  ])('is refused as a whole for %j', text => {
    expect(parseNetworks(text)).toEqual({ ok: false, message: expect.any(String) })
  })
})

describe('an opened network', () => {
  it('permits dialling its addresses on any port, in clear text where the string asks for that', () => {
    for (const port of [22, 2375, 5432]) {
      expect(judgeHost(postgres('127.0.0.1', port), loopback)).toEqual({
        verdict: 'address',
        address: '127.0.0.1',
        open: true,
      })
    }
    expect(judgeHost({ host: '::1', port: 80, purpose: 'https' }, loopback)).toMatchObject({ open: true })
    expect(verdictOn('postgres://u:p@127.0.0.1:22/app?sslmode=disable', loopback)).toBeNull()
  })

  it('opens nothing else: not the next network, not public ports, not clear text to public addresses', () => {
    expect(judgeHost(postgres('10.0.0.1'), loopback)).toEqual({ verdict: 'refuse', code: 'host_refused' })
    expect(judgeHost(postgres('52.95.110.1', 22), loopback)).toEqual({ verdict: 'refuse', code: 'port_refused' })
    expect(judgeHost(postgres('52.95.110.1'), loopback)).toMatchObject({ verdict: 'address', open: false })
    expect(verdictOn('postgres://u:p@52.95.110.1/app?sslmode=disable', loopback)).toBe('tls_required')
    expect(verdictOn('postgres://u:p@db.acme.io/app?sslmode=disable', nothing)).toBe('tls_required')
  })

  it('leaves the verdict on the port and on TLS of a name to the look-up', () => {
    expect(judgeHost(postgres('db.acme.io', 22), loopback)).toEqual({ verdict: 'resolve', name: 'db.acme.io' })
    expect(verdictOn('postgres://u:p@db.acme.io:22/app?sslmode=disable', loopback)).toBeNull()
    expect(judgeAddresses(['127.0.0.1'], postgres('db.acme.io', 22), loopback)).toMatchObject({ open: true })
    expect(judgeAddresses(['52.95.110.1'], postgres('db.acme.io', 22), loopback)).toEqual({
      verdict: 'refuse',
      code: 'port_refused',
    })
  })

  it('does not count as opened when it holds only some of the addresses', () => {
    expect(judgeAddresses(['127.0.0.1', '52.95.110.1'], postgres('db.acme.io'), loopback)).toEqual({
      verdict: 'pass',
      addresses: ['127.0.0.1', '52.95.110.1'],
      open: false,
    })
    expect(judgeAddresses(['127.0.0.1', '10.0.0.1'], postgres('db.acme.io'), loopback).verdict).toBe('refuse')
  })

  it('of translated addresses is judged by the IPv4 address that each represents', () => {
    const translated = { openNetworks: ['64:ff9b::/96', '10.0.0.0/8'] }
    expect(judgeHost(postgres('64:ff9b::10.0.0.1', 22), translated)).toMatchObject({ open: true })
    expect(judgeHost(postgres('64:ff9b::52.95.110.1'), translated)).toMatchObject({ verdict: 'address', open: false })
    expect(judgeHost(postgres('64:ff9b::192.168.0.1'), translated)).toMatchObject({ verdict: 'refuse' })
    expect(judgeHost(postgres('::ffff:10.0.0.1'), translated)).toMatchObject({ verdict: 'refuse' })
  })
})

describe('no setting', () => {
  const metadata = readVectors('special-blocks.tsv').filter(line =>
    /metadata|WireServer|credentials|Pod Identity/.test(line['name'] ?? ''),
  )

  it.for(metadata.map(line => [line['block']?.split('/')[0] ?? '', line['name'] ?? ''] as const))(
    'opens %s: %s',
    ([address]) => {
      const own = { openNetworks: [...everything.openNetworks, `${address}/${address.includes(':') ? 128 : 32}`] }
      expect(judgeHost(postgres(address), own)).toEqual({ verdict: 'refuse', code: 'host_refused' })
      expect(judgeAddresses([address], postgres('db.acme.io'), own).verdict).toBe('refuse')
    },
  )

  it('opens a metadata address behind a translation', () => {
    for (const host of [
      ...['::ffff:169.254.169.254', '::169.254.169.254', '::ffff:0:169.254.169.254', '64:ff9b::169.254.169.254'],
      ...['2002:a9fe:a9fe::1', '64:ff9b:1:a9fe:a9:fe00::', '64:ff9b:1::a9fe:a9fe', '2001:0:5ef5:79fb:0:0:5601:5601'],
      ...['64:ff9b::168.63.129.16', '::ffff:100.100.100.200'],
    ]) {
      expect(judgeHost(postgres(host), everything), host).toEqual({ verdict: 'refuse', code: 'host_refused' })
    }
  })

  it('opens a special name other than localhost', () => {
    // Names of private networks are distinguished, so that the fix can say what to use instead.
    for (const host of [
      ...['metadata', 'db', 'ip6-localhost', 'localhost.localdomain', 'db.internal', 'db.local', 'db.corp', 'db.lan'],
      ...['metadata.google.internal', 'db.default.svc'],
    ])
      expect(judgeHost(postgres(host), everything), host).toEqual({ verdict: 'refuse', code: 'host_private' })
    for (const host of [
      ...['foo.localhost', 'metadata.goog', 'x.metadata.goog', 'db.home.arpa', 'db.test', '1.0.0.127.in-addr.arpa'],
      ...['db.onion', 'localhost.', '127.0.0.1.', '0x7f.1', '', '*', 'a b'],
    ])
      expect(judgeHost(postgres(host), everything), host).toEqual({ verdict: 'refuse', code: 'host_refused' })
  })

  it('accepts an invalid port', () => {
    for (const port of [0, -1, 65_536, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(judgeHost(postgres('db.acme.io', port), everything).verdict).toBe('refuse')
      expect(judgeAddresses(['127.0.0.1'], postgres('db.acme.io', port), everything).verdict).toBe('refuse')
    }
  })
})

describe('localhost', () => {
  it('is refused without a look-up while no network is open', () => {
    expect(judgeHost(postgres('localhost'), nothing)).toEqual({ verdict: 'refuse', code: 'host_refused' })
  })

  it('passes when each of its addresses is in an opened network', () => {
    expect(judgeHost(postgres('LocalHost'), loopback)).toEqual({ verdict: 'resolve', name: 'localhost' })
    expect(judgeAddresses(['127.0.0.1', '::1'], postgres('localhost'), loopback)).toMatchObject({ open: true })
    expect(judgeAddresses(['127.0.0.1'], postgres('localhost'), { openNetworks: ['127.0.0.0/8'] })).toMatchObject({
      open: true,
    })
  })

  it.for([[['127.0.0.1', '::1']], [['52.95.110.1']], [['127.0.0.1', '52.95.110.1']], [[]]] as const)(
    'is refused when one is not: %j',
    ([addresses]) => {
      const policy = { openNetworks: ['127.0.0.0/8'] }
      expect(judgeAddresses(addresses, postgres('localhost'), policy)).toEqual({
        verdict: 'refuse',
        code: 'host_refused',
      })
    },
  )
})

describe('an answer', () => {
  it('without an address, with more than 16 or with an unreadable one is refused', () => {
    const many = Array.from({ length: 17 }, (_, at) => `52.95.110.${at}`)
    const check = (addresses: readonly string[]) => judgeAddresses(addresses, postgres('db.acme.io'), nothing)
    expect(check(many)).toEqual({ verdict: 'refuse', code: 'addresses_too_many' })
    expect(check(many.slice(1)).verdict).toBe('pass')
    for (const wrong of ['', 'db.acme.io', '0x7f.1', '052.95.110.1', '2600::1%eth0', '52.95.110.1/32', '１.1.1.1']) {
      expect(check(['52.95.110.1', wrong])).toEqual({ verdict: 'refuse', code: 'host_refused' })
    }
    expect(check([])).toEqual({ verdict: 'refuse', code: 'host_refused' })
  })

  it('yields each address once and in its canonical form', () => {
    const verdict = judgeAddresses(['2600:0::1', '52.95.110.1', '2600::1'], postgres('db.acme.io'), nothing)
    expect(verdict).toEqual({ verdict: 'pass', addresses: ['2600::1', '52.95.110.1'], open: false })
  })

  it('gets the same verdict in every order', () => {
    const address = fc.constantFrom('52.95.110.1', '2600::1', '127.0.0.1', '10.0.0.1', '169.254.169.254', '::1', 'x')
    fc.assert(
      fc.property(fc.array(address, { maxLength: 6 }), addresses => {
        const check = (some: readonly string[]) => judgeAddresses(some, postgres('db.acme.io'), loopback)
        const [one, other] = [check(addresses), check(addresses.toReversed())]
        expect(other.verdict).toBe(one.verdict)
      }),
    )
  })
})
