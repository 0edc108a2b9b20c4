/** Look-ups of names, against a real DNS server on loopback. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createResolver } from '#server/net/socket/resolver.ts'
import { type DnsServer, startDnsServer } from '#test/support/dials/dns-server.ts'

let dns: DnsServer
beforeAll(async () => {
  dns = await startDnsServer()
})
afterAll(() => dns.close())

const resolve = (name: string, signal = AbortSignal.timeout(5000), timeoutMs = 2000) =>
  createResolver({ servers: [dns.address], timeoutMs }).resolve(name, signal)

describe('a look-up', () => {
  it('queries both families and returns all addresses', async () => {
    dns.answer('both.acme.io', { addresses: ['52.95.110.1', '52.95.110.2', '2600:1f18::1'] })
    expect(await resolve('both.acme.io')).toEqual({
      ok: true,
      addresses: ['52.95.110.1', '52.95.110.2', '2600:1f18::1'],
    })
    expect(dns.asked.filter(line => line.endsWith('both.acme.io')).sort()).toEqual([
      'A both.acme.io',
      'AAAA both.acme.io',
    ])
  })

  it('returns the one family that a name has', async () => {
    dns.answer('four.acme.io', { addresses: ['52.95.110.1'] })
    dns.answer('six.acme.io', { addresses: ['2600:1f18::1'] })
    expect(await resolve('four.acme.io')).toEqual({ ok: true, addresses: ['52.95.110.1'] })
    expect(await resolve('six.acme.io')).toEqual({ ok: true, addresses: ['2600:1f18::1'] })
  })

  it('follows a chain of aliases', async () => {
    dns.answer('alias.acme.io', { cname: ['a.acme.net', 'b.acme.org'], addresses: ['52.95.110.1'] })
    expect(await resolve('alias.acme.io')).toEqual({ ok: true, addresses: ['52.95.110.1'] })
  })

  it('reads an answer too long for a datagram over TCP, whole', async () => {
    const addresses = Array.from({ length: 200 }, (_, at) => `52.95.110.${at}`)
    dns.answer('many.acme.io', { addresses })
    const result = await resolve('many.acme.io')
    expect(result.ok && result.addresses.toSorted()).toEqual(addresses.toSorted())
  })

  it('carries nothing of one answer over to the next', async () => {
    dns.answer('moved.acme.io', { addresses: ['52.95.110.1'] }, { addresses: ['52.95.110.9'] })
    const resolver = createResolver({ servers: [dns.address], timeoutMs: 2000 })
    const signal = AbortSignal.timeout(5000)
    expect(await resolver.resolve('moved.acme.io', signal)).toEqual({ ok: true, addresses: ['52.95.110.1'] })
    expect(await resolver.resolve('moved.acme.io', signal)).toEqual({ ok: true, addresses: ['52.95.110.9'] })
  })

  it('finds localhost in the hosts file and queries no server', async () => {
    const before = dns.asked.length
    const result = await resolve('localhost')
    expect(result.ok && result.addresses.every(address => ['127.0.0.1', '::1'].includes(address))).toBe(true)
    expect(dns.asked).toHaveLength(before)
  })
})

describe('a look-up without a result', () => {
  it('distinguishes a name that does not exist, or has no address, from a failure', async () => {
    dns.answer('empty.acme.io', { addresses: [] })
    dns.answer('nowhere.acme.io', { addresses: [], cname: ['gone.acme.net'] })
    for (const name of ['missing.acme.io', 'empty.acme.io', 'nowhere.acme.io']) {
      expect(await resolve(name)).toEqual({ ok: false, code: 'name_not_found' })
    }
  })

  it('is a failure when the server fails, for one family as for both', async () => {
    dns.answer('broken.acme.io', 'servfail')
    dns.answer('half.acme.io', { addresses: ['52.95.110.1', '2600:1f18::1'], failsFor: 'A' })
    dns.answer('other.acme.io', { addresses: ['52.95.110.1', '2600:1f18::1'], failsFor: 'AAAA' })
    for (const name of ['broken.acme.io', 'half.acme.io', 'other.acme.io']) {
      expect(await resolve(name)).toEqual({ ok: false, code: 'resolver_failed' })
    }
  })

  it('ends within its time when the server is silent', async () => {
    dns.answer('silent.acme.io', 'silence')
    const start = performance.now()
    expect(await resolve('silent.acme.io', AbortSignal.timeout(5000), 300)).toEqual({
      ok: false,
      code: 'resolver_failed',
    })
    expect(performance.now() - start).toBeLessThan(1300)
  })

  it('ends when the caller aborts', async () => {
    dns.answer('abandoned.acme.io', 'silence')
    const caller = new AbortController()
    const asked = resolve('abandoned.acme.io', caller.signal, 60_000)
    caller.abort()
    expect(await asked).toEqual({ ok: false, code: 'resolver_failed' })
    expect(await resolve('abandoned.acme.io', caller.signal)).toEqual({ ok: false, code: 'resolver_failed' })
    expect(await resolve('localhost', caller.signal)).toEqual({ ok: false, code: 'resolver_failed' })
  })

  it('is a failure without a server', async () => {
    const gone = await startDnsServer()
    await gone.close()
    const resolver = createResolver({ servers: [gone.address], timeoutMs: 500 })
    expect(await resolver.resolve('db.acme.io', AbortSignal.timeout(5000))).toEqual({
      ok: false,
      code: 'resolver_failed',
    })
  })

  it('is refused at the start for a server that is not an address', () => {
    expect(() => createResolver({ servers: ['dns.acme.io'], timeoutMs: 500 })).toThrow()
  })
})
