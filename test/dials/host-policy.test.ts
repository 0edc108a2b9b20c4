/**
 * Every line of `vectors/host-policy.tsv`, through the real parser, policy, resolver and dialler, with a real DNS
 * server on loopback. A recorder takes the place of the dialled hosts.
 */
import { isIP } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { judgeTarget, judgeUrl, type Purpose } from '#server/domain/network/host-policy.ts'
import { DialError, dial } from '#server/net/socket/dial.ts'
import { createResolver } from '#server/net/socket/resolver.ts'
import { parseConnectionString } from '#shared/connection-string/connection-string.ts'
import { parseEndpointUrl } from '#shared/connection-string/endpoint-url.ts'
import { type DnsServer, startDnsServer } from '#test/support/dials/dns-server.ts'
import { type RecordedConnect, startRecordedConnect } from '#test/support/dials/recorded-connect.ts'
import { readVectors, unescapeVector } from '#test/support/house/vector-file.ts'

/** The default DNS answer for a name that the line does not give one. */
const PUBLIC = '52.95.110.1'
const policy = { openNetworks: [] }
let dns: DnsServer
let recorded: RecordedConnect

beforeAll(async () => {
  dns = await startDnsServer()
  recorded = await startRecordedConnect()
})
afterEach(() => {
  recorded.numbers.length = 0
})
afterAll(() => Promise.all([dns.close(), recorded.close()]))

interface Place {
  readonly host: string
  readonly port: number
  readonly purpose: Purpose
}

/** Parses and judges as the web process does; null when it refuses. */
function placeOf(input: string, kind: string): Place | null {
  if (kind === 'https-url') {
    const parsed = parseEndpointUrl(input)
    if (!parsed.ok || judgeUrl(parsed.url, policy) !== null) return null
    return { host: parsed.url.host, port: parsed.url.port, purpose: 'https' }
  }
  const parsed = parseConnectionString(input)
  if (!parsed.ok || judgeTarget(parsed.target, policy) !== null) return null
  return { host: parsed.target.host, port: parsed.target.port, purpose: 'postgres' }
}

/** Dials and hangs up; returns the addresses that were connected to, or the code of the refusal. */
async function dialAndHangUp(place: Place): Promise<string[] | string> {
  recorded.numbers.length = 0
  try {
    const dialled = await dial({
      ...place,
      policy,
      resolver: createResolver({ servers: [dns.address], timeoutMs: 2000 }),
      signal: AbortSignal.timeout(5000),
      connectTimeoutMs: 2000,
      connect: recorded.connect,
    })
    dialled.socket.destroy()
    return [...recorded.numbers]
  } catch (error) {
    if (!(error instanceof DialError)) throw error
    expect(recorded.numbers).toEqual([])
    return error.failure.code
  }
}

const lines = readVectors('host-policy.tsv')
  .map((line, at) => ({
    ...line,
    at: at + 3,
    input: line['input'] ?? '',
    kind: line['kind'] ?? '',
    ...fixtureOf(line),
  }))
  // The tests of the endpoint client cover redirects.
  .filter(line => line.kind !== 'https-redirect')

function fixtureOf(line: Record<string, string>) {
  // The fixtures are this repository's own JSON; this is their shape.
  const fixture = (line['fixture'] ? JSON.parse(line['fixture']) : {}) as {
    answers?: string[]
    cname?: string[]
    then?: string[]
  }
  return { fixture, expected: line['expected'], reason: line['reason'] }
}

describe('the default host policy', () => {
  it.for(lines)('line $at: $expected – $reason', async line => {
    const { answers, cname, then } = line.fixture
    const place = placeOf(unescapeVector(line.input), line.kind)
    if (line.kind === 'postgres-url' || line.kind === 'https-url') {
      if (line.expected === 'reject') return expect(place).toBeNull()
    }
    if (place === null) throw new Error('refused before it could be dialled')
    const name = place.host
    const later = then === undefined ? [] : [{ addresses: then }]
    dns.answer(name, { addresses: answers ?? [PUBLIC], ...(cname ? { cname } : {}) }, ...later)

    const first = await dialAndHangUp(place)
    if (line.expected === 'accept' || line.kind === 'dns-rebind') {
      expect(first).toEqual([`${isIP(name) ? name : (answers?.[0] ?? PUBLIC)} ${place.port}`])
    } else {
      expect(first).toBe(answers && answers.length > 16 ? 'addresses_too_many' : 'host_refused')
    }
    if (then === undefined) return
    const second = await dialAndHangUp(place)
    expect(second).toEqual(line.expected === 'accept' ? [`${then[0]} ${place.port}`] : 'host_refused')
  })

  it('has every kind of line that the file has', () => {
    expect(new Set(lines.map(line => line.kind))).toEqual(new Set(['postgres-url', 'https-url', 'dns', 'dns-rebind']))
    expect(lines.length).toBeGreaterThan(180)
  })
})

describe('the ports of the default policy', () => {
  it.for([5432, 6543, 443, 1024, 65_535])('permit PostgreSQL to be dialled on %i', port => {
    expect(placeOf(`postgres://u:p@db.acme.io:${port}/app`, 'postgres-url')).not.toBeNull()
    expect(placeOf(`postgres://u:p@52.95.110.1:${port}/app`, 'postgres-url')).not.toBeNull()
  })

  it.for([1, 22, 25, 80, 444, 1023, 2375, 2376, 2379, 2380, 3306, 6379, 8500, 9200, 9300, 10_250, 11_211, 27_017])(
    'refuse PostgreSQL on %i',
    port => {
      expect(placeOf(`postgres://u:p@db.acme.io:${port}/app`, 'postgres-url')).toBeNull()
      expect(placeOf(`postgres://u:p@52.95.110.1:${port}/app`, 'postgres-url')).toBeNull()
    },
  )

  it.for([80, 444, 5432, 8080, 8444])('refuse HTTPS endpoints on %i', port => {
    expect(placeOf(`https://api.acme.io:${port}/`, 'https-url')).toBeNull()
    expect(placeOf(`https://52.95.110.1:${port}/`, 'https-url')).toBeNull()
  })
})
