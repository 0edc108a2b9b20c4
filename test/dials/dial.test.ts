/** The dialler: the addresses that it connects to, its choice among several, and that a failure leaves nothing open. */
import { once } from 'node:events'
import net from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Connect, connectToNumber } from '#server/net/socket/connect-first.ts'
import { DialError, type DialRequest, dial } from '#server/net/socket/dial.ts'
import { createResolver } from '#server/net/socket/resolver.ts'
import { type DnsServer, startDnsServer } from '#test/support/dials/dns-server.ts'
import { portOf, type RecordedConnect, startRecordedConnect } from '#test/support/dials/recorded-connect.ts'

let dns: DnsServer
let recorded: RecordedConnect
let hanging: net.Socket[] = []

beforeAll(async () => {
  dns = await startDnsServer()
  recorded = await startRecordedConnect()
})
afterEach(() => {
  recorded.numbers.length = 0
  hanging = []
})
afterAll(() => Promise.all([dns.close(), recorded.close()]))

const loopback = { openNetworks: ['127.0.0.0/8', '::1/128'] }

function request(over: Partial<DialRequest>): DialRequest {
  return {
    host: 'db.acme.io',
    port: 5432,
    purpose: 'postgres',
    policy: { openNetworks: [] },
    resolver: createResolver({ servers: [dns.address], timeoutMs: 2000 }),
    signal: AbortSignal.timeout(10_000),
    connectTimeoutMs: 5000,
    connect: recorded.connect,
    ...over,
  }
}

async function failure(over: Partial<DialRequest>) {
  const error = await dial(request(over)).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof DialError)) throw new Error('no DialError was thrown', { cause: error })
  return { code: error.failure.code, passed: error.passed, addresses: error.addresses, message: error.message }
}

/** Like `recorded.connect`, but connections to these addresses never complete. */
function hangOn(...addresses: string[]): Connect {
  return (address, port) => {
    const socket = recorded.connect(addresses.includes(address) ? `${address} hangs` : address, port)
    if (!addresses.includes(address)) return socket
    socket.destroy()
    const stuck = new net.Socket()
    hanging.push(stuck)
    return stuck
  }
}

/** Like `recorded.connect`, but connections to these addresses fail with the kernel's code. */
function failOn(codes: Record<string, string>): Connect {
  return (address, port) => {
    const socket = recorded.connect(address, port)
    const code = codes[address]
    if (code !== undefined) socket.destroy(Object.assign(new Error('connect'), { code }))
    return socket
  }
}

const canIpv6 = await new Promise<boolean>(resolve => {
  const probe = net.createServer()
  probe.once('error', () => resolve(false))
  probe.listen(0, '::1', () => probe.close(() => resolve(true)))
})

async function listen(host: string) {
  // The dialler closes without reading: the server then sees a reset, which it ignores.
  const server = net.createServer(socket => socket.on('error', () => socket.destroy()).end('hello'))
  server.listen(0, host)
  await once(server, 'listening')
  return server
}

describe('a dial', () => {
  it('connects to the judged address, whatever the name resolves to later', async () => {
    dns.answer('db.acme.io', { addresses: ['52.95.110.1'] }, { addresses: ['127.0.0.1'] })
    const dialled = await dial(request({}))
    expect(dialled).toMatchObject({ address: '52.95.110.1', addresses: ['52.95.110.1'], open: false })
    expect(recorded.numbers).toEqual(['52.95.110.1 5432'])
    expect(dns.asked.filter(line => line.endsWith(' db.acme.io')).length).toBe(2)
    dialled.socket.destroy()
    expect(await failure({})).toMatchObject({ code: 'host_refused', passed: 'resolve', addresses: [] })
    expect(recorded.numbers).toHaveLength(1)
  })

  it('returns a real, connected socket that survives an unhandled error', async () => {
    const server = await listen('127.0.0.1')
    const { connect: _, ...real } = request({ host: '127.0.0.1', port: portOf(server), policy: loopback })
    const { socket, open } = await dial(real)
    expect(open).toBe(true)
    const [bytes] = await once(socket, 'data')
    expect(`${bytes}`).toBe('hello')
    const closed = new Promise(resolve => socket.once('close', resolve))
    socket.destroy(new Error('as when the peer resets the connection'))
    await closed
    server.close()
  })

  it('reaches localhost by its address in an opened network', async () => {
    const server = await listen('127.0.0.1')
    const { connect: _, ...real } = request({ host: 'localhost', port: portOf(server), policy: loopback })
    const { socket, address } = await dial(real)
    expect(address).toBe('127.0.0.1')
    socket.destroy()
    server.close()
  })

  it.runIf(canIpv6)('reaches a host that listens on one family only, for either family', async () => {
    for (const host of ['127.0.0.1', '::1']) {
      const server = await listen(host)
      dns.answer('two.acme.io', { addresses: ['127.0.0.1', '::1'] })
      const { connect: _, ...real } = request({ host: 'two.acme.io', port: portOf(server), policy: loopback })
      const { socket, address, addresses } = await dial(real)
      expect(address).toBe(host)
      expect(addresses).toEqual(['127.0.0.1', '::1'])
      socket.destroy()
      server.close()
    }
  })
})

describe('several addresses', () => {
  it('are tried in turn by family, the next one beside a hanging one, and the losers are closed', async () => {
    dns.answer('slow.acme.io', { addresses: ['52.95.110.1', '52.95.110.2', '2600:1f18::1'] })
    const start = performance.now()
    const dialled = await dial(request({ host: 'slow.acme.io', connect: hangOn('52.95.110.1', '2600:1f18::1') }))
    expect(dialled.address).toBe('52.95.110.2')
    expect(recorded.numbers).toEqual(['52.95.110.1 hangs 5432', '2600:1f18::1 hangs 5432', '52.95.110.2 5432'])
    expect(performance.now() - start).toBeGreaterThan(450)
    expect(hanging.map(socket => socket.destroyed)).toEqual([true, true])
    dialled.socket.destroy()
  })

  it('are tried at once after an immediate failure', async () => {
    const dead = Array.from({ length: 15 }, (_, at) => `52.95.110.${at + 1}`)
    dns.answer('dead.acme.io', { addresses: [...dead, '52.95.110.99'] })
    const start = performance.now()
    const connect = failOn(Object.fromEntries(dead.map(address => [address, 'ENETUNREACH'])))
    const dialled = await dial(request({ host: 'dead.acme.io', connect }))
    expect(dialled.address).toBe('52.95.110.99')
    // One after the other, as for hanging ones, would take 250 ms each.
    expect(performance.now() - start).toBeLessThan(3_000)
    dialled.socket.destroy()
  })

  it('that all fail report the failure of the one that got furthest', async () => {
    dns.answer('none.acme.io', { addresses: ['52.95.110.1', '2600:1f18::1'] })
    const ends = [
      ['ENETUNREACH', 'ECONNREFUSED', 'connection_refused'],
      ['EHOSTUNREACH', 'ECONNRESET', 'connection_lost'],
      ['ETIMEDOUT', 'ENETUNREACH', 'connection_timeout'],
      ['ENETUNREACH', 'EADDRNOTAVAIL', 'network_unreachable'],
    ] as const
    for (const [four, six, code] of ends) {
      const connect = failOn({ '52.95.110.1': four, '2600:1f18::1': six })
      expect(await failure({ host: 'none.acme.io', connect })).toMatchObject({
        code,
        passed: 'policy',
        addresses: ['52.95.110.1', '2600:1f18::1'],
      })
    }
  })
})

describe('a dial that fails', () => {
  it('for its name, its address or its port connects to nothing', async () => {
    dns.answer('broken.acme.io', 'servfail')
    dns.answer('inside.acme.io', { addresses: ['52.95.110.1', '10.0.0.1'] })
    dns.answer('opened.acme.io', { addresses: ['52.95.110.1'] })
    const asked = dns.asked.length
    expect(await failure({ host: '10.0.0.1' })).toMatchObject({ code: 'host_refused', passed: 'parse' })
    expect(await failure({ host: 'metadata.google.internal' })).toMatchObject({ code: 'host_private', passed: 'parse' })
    expect(await failure({ port: 22 })).toMatchObject({ code: 'port_refused', passed: 'parse' })
    expect(dns.asked).toHaveLength(asked)
    expect(await failure({ host: 'missing.acme.io' })).toMatchObject({ code: 'name_not_found', passed: 'parse' })
    expect(await failure({ host: 'broken.acme.io' })).toMatchObject({ code: 'resolver_failed', passed: 'parse' })
    expect(await failure({ host: 'inside.acme.io' })).toMatchObject({ code: 'host_refused', passed: 'resolve' })
    expect(await failure({ host: 'opened.acme.io', port: 22, policy: loopback })).toMatchObject({
      code: 'port_refused',
      passed: 'resolve',
    })
    expect(recorded.numbers).toEqual([])
  })

  it('because nothing listens reports that', async () => {
    const server = await listen('127.0.0.1')
    const port = portOf(server)
    server.close()
    await once(server, 'close')
    const { connect: _, ...real } = request({ host: '127.0.0.1', port, policy: loopback })
    await expect(dial(real)).rejects.toMatchObject({ failure: { code: 'connection_refused' }, passed: 'policy' })
  })

  it('to connect ends within its time and closes every attempt', async () => {
    dns.answer('stuck.acme.io', { addresses: ['52.95.110.1', '52.95.110.2'] })
    const connect = hangOn('52.95.110.1', '52.95.110.2')
    const start = performance.now()
    expect(await failure({ host: 'stuck.acme.io', connect, connectTimeoutMs: 400 })).toMatchObject({
      code: 'connection_timeout',
      passed: 'policy',
    })
    expect(performance.now() - start).toBeLessThan(4_500)
    expect(hanging.map(socket => socket.destroyed)).toEqual([true, true])
  })

  it('ends as soon as the overall deadline passes, at any step', async () => {
    dns.answer('silent.acme.io', 'silence')
    const start = performance.now()
    expect((await failure({ host: 'silent.acme.io', signal: AbortSignal.timeout(200) })).code).toBe('resolver_failed')
    const connect = hangOn('52.95.110.1')
    expect((await failure({ host: '52.95.110.1', connect, signal: AbortSignal.timeout(200) })).code).toBe(
      'connection_timeout',
    )
    expect((await failure({ host: '52.95.110.1', signal: AbortSignal.abort() })).code).toBe('connection_timeout')
    expect(performance.now() - start).toBeLessThan(4_500)
    expect(hanging.map(socket => socket.destroyed)).toEqual([true])
  })

  it('prefers failure to a second look-up between judging and connecting', async () => {
    for (const name of ['localhost', '0x7f.1', '2130706433']) {
      const socket = connectToNumber(name, 5432)
      const [error] = await once(socket, 'error').catch((thrown: unknown) => [thrown])
      expect(error).toMatchObject({ message: 'names are not dialled' })
    }
  })

  it('because a resolver throws or lies is refused with one of our sentences', async () => {
    const throwing = { resolve: () => Promise.reject(new Error('hunter2')) }
    expect(await failure({ resolver: throwing })).toMatchObject({
      code: 'resolver_failed',
      message: 'the name could not be resolved',
    })
    const lying = { resolve: () => Promise.resolve({ ok: true as const, addresses: ['0x7f.1'] }) }
    expect((await failure({ resolver: lying })).code).toBe('host_refused')
    expect(recorded.numbers).toEqual([])
  })
})
