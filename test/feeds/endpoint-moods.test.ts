/** A real HTTPS server as the customer, with every behaviour that a stranger can have. */
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { parseFeedPage } from '#server/domain/feeds/feed-page.ts'
import { checkSignature } from '#server/net/endpoint/signature.ts'
import { failureSpec } from '#shared/faults/failure.ts'
import { selfSigned } from '#test/support/dials/certificates.ts'
import { KEY, type Mood, type Stranger, startStranger } from '#test/support/feeds/stranger.ts'
import { readVectors } from '#test/support/house/vector-file.ts'

let stranger: Stranger

beforeAll(async () => {
  stranger = await startStranger()
})
afterAll(() => stranger.close())
afterEach(async () => {
  // However a request ends, it leaves no connection behind.
  await stranger.isAlone()
  stranger.be(response => response.end('{"events":[]}'))
})

const EVENT = { id: 'e1', model: 'task', entityId: '7', type: 'CREATE', data: { title: 'é✓' } }
const MARK = 'text of the stranger'

/** Sends one request to a behaviour and returns the finding, with the memory and time that it took. */
async function meet(mood: Mood, request: Parameters<Stranger['ask']>[0] = {}, signal?: AbortSignal) {
  stranger.be(mood)
  const before = { ms: performance.now(), rss: process.memoryUsage().rss }
  const answer = await stranger.ask(request, signal === undefined ? {} : { signal })
  const grownMiB = (process.memoryUsage().rss - before.rss) / (1 << 20)
  return { ...answer, code: answer.failure?.code ?? null, elapsedMs: performance.now() - before.ms, grownMiB }
}

/** A behaviour that writes raw bytes and leaves the connection open, or closes it afterwards. */
const raw = Object.assign(
  (...parts: readonly (string | Buffer)[]): Mood =>
    response => {
      for (const part of parts) response.socket?.write(part)
    },
  {
    end:
      (text = ''): Mood =>
      response =>
        response.socket?.end(text),
  },
)
const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n'

describe('A signed request', () => {
  it('is a POST of the exact body to the path as registered, with a signature by the key', async () => {
    const url = `https://api.acme.io:${stranger.port}/source?tenant=a%2Fb`
    const answer = await meet(response => response.end(JSON.stringify({ events: [EVENT], nextCursor: 'c1' })), { url })
    expect(answer).toMatchObject({ status: 200, failure: null, passed: 'protocol', addresses: ['127.0.0.1'] })
    expect(answer.tls).toEqual({ protocol: 'TLSv1.3', verified: true })
    expect(parseFeedPage(answer.body ?? '')).toEqual({
      events: [{ id: 'e1', occurredAtMs: null, json: JSON.stringify(EVENT) }],
      nextCursor: 'c1',
    })

    const { method, path, headers, body, servername } = stranger.received.at(-1)!
    expect({ method, path, servername }).toEqual({
      method: 'POST',
      path: '/source?tenant=a%2Fb',
      servername: 'api.acme.io',
    })
    expect(body).toBe('{"type":"events","limit":100}')
    expect(headers).toMatchObject({
      host: `api.acme.io:${stranger.port}`,
      'content-type': 'application/json',
      'accept-encoding': 'identity',
      'content-length': String(body.length),
    })
    const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = headers
    const signed = { id: String(id), timestamp: String(timestamp), signature: String(signature) }
    const against = { keys: [KEY], nowSeconds: Date.now() / 1_000 }
    expect(checkSignature(signed, Buffer.from(body), against)).toBe('valid')
  })

  it('carries both signatures during a rotation, and a wrong one when it tests whether signatures are checked', async () => {
    await stranger.ask({ keys: ['the new key', KEY] })
    await stranger.ask({ breakSignature: true })
    const [both, broken] = stranger.received.slice(-2).map(one => String(one.headers['webhook-signature']))
    expect(both).toMatch(/^v1,[\w+/]{43}= v1,[\w+/]{43}=$/)
    expect(broken).toMatch(/^v1,[\w+/]{43}=$/)
    const { headers, body } = stranger.received.at(-1)!
    const signed = { id: 'msg_1', timestamp: String(headers['webhook-timestamp']), signature: String(broken) }
    const against = { keys: [KEY], nowSeconds: Date.now() / 1_000 }
    expect(checkSignature(signed, Buffer.from(body), against)).toBe('mismatch')
  })

  it('waits for a slow answer until its deadline', async () => {
    const slow: Mood = response => setTimeout(() => response.end('{"events":[]}'), 300)
    expect(await meet(slow)).toMatchObject({ status: 200, failure: null })
  })

  it('reads an answer in chunks, and one that ends with the connection', async () => {
    const chunked = `${HEAD}transfer-encoding: chunked\r\n\r\n5\r\n{"eve\r\n8\r\nnts":[]}\r\n0\r\n\r\n`
    expect(await meet(raw(chunked))).toMatchObject({ failure: null, body: '{"events":[]}' })
    expect(await meet(raw.end(`${HEAD}\r\n{"events":[]}`))).toMatchObject({ failure: null, body: '{"events":[]}' })
  })
})

describe('An endpoint that closes the connection', () => {
  it('as soon as it has answered has its whole answer read', async () => {
    const body = `{"events":[]${' '.repeat(900_000)}}`
    const length = `content-length: ${body.length}\r\n`
    for (const head of [`${HEAD}${length}\r\n`, `${HEAD}\r\n`]) {
      const answers = await Promise.all(Array.from({ length: 10 }, () => meet(raw.end(head + body))))
      expect(answers.map(answer => [answer.code, answer.body?.length])).toEqual(Array(10).fill([null, body.length]))
    }
  })
})

describe('An aborted request', () => {
  it('ends at once, and sends nothing if it has not begun', async () => {
    const controller = new AbortController()
    const before = stranger.received.length
    const answer = await meet(() => controller.abort(), { deadlineMs: 20_000 }, controller.signal)
    expect(answer).toMatchObject({ code: 'connection_timeout', passed: 'tls', body: null })
    expect(answer.elapsedMs).toBeLessThan(10_000)
    const second = await meet(() => {}, {}, controller.signal)
    expect(second).toMatchObject({ failure: expect.anything(), status: null, tls: null })
    expect(stranger.received.length - before).toBe(1)
  })
})

describe('An endpoint that stalls', () => {
  const patience = { deadlineMs: 2_000 }
  const drip: Mood = response => {
    response.socket?.write(`${HEAD}content-length: 1000\r\n\r\n`)
    const timer = setInterval(() => response.socket?.write(' '), 20)
    response.socket?.on('close', () => clearInterval(timer))
  }

  it.each<[string, Mood]>([
    ['never answers', () => {}],
    ['hangs in the middle of the head', raw('HTTP/1.1 200 OK\r\ncontent-')],
    ['hangs in the middle of the body', raw(`${HEAD}content-length: 1000\r\n\r\n{"events":[`)],
    ['drips a byte at a time', drip],
    ['hangs in the middle of a chunk', raw(`${HEAD}transfer-encoding: chunked\r\n\r\nff\r\n{"ev`)],
  ])('%s: is left when the time is over', async (_, mood) => {
    const answer = await meet(mood, patience)
    expect(answer).toMatchObject({ code: 'connection_timeout', body: null, passed: 'tls' })
    expect(answer.elapsedMs).toBeLessThan(patience.deadlineMs + 10_000)
  })

  it('by endless interim answers is left before the time is over', async () => {
    const answer = await meet(raw('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(50)))
    expect(answer).toMatchObject({ code: 'endpoint_answer', body: null })
  })

  it.each<[string, Mood]>([
    ['before the answer', response => response.socket?.destroy()],
    ['in the middle of the body', raw.end(`${HEAD}content-length: 99\r\n\r\n{"events":[]}`)],
    ['in a chunk', raw.end(`${HEAD}transfer-encoding: chunked\r\n\r\nff\r\n{"events":[]}`)],
  ])('for good and closes %s is a lost connection', async (_, mood) => {
    expect(await meet(mood)).toMatchObject({ code: 'connection_lost', body: null })
  })
})

describe('An answer other than 200', () => {
  it.each([
    [500, 'endpoint_failing'],
    [503, 'endpoint_failing'],
    [429, 'endpoint_failing'],
    [408, 'endpoint_failing'],
    [401, 'signature_refused'],
    [400, 'endpoint_status'],
    [403, 'endpoint_status'],
    [404, 'endpoint_status'],
    [405, 'endpoint_status'],
    [204, 'endpoint_status'],
    [206, 'endpoint_status'],
  ] as const)('%i is %s, and nothing of the stranger’s text is kept', async (status, code) => {
    const answer = await meet(response => {
      response.writeHead(status, MARK, { 'x-text': MARK, 'content-type': MARK })
      response.end(status === 204 ? undefined : MARK)
    })
    expect(answer).toMatchObject({ status, code, body: null, passed: 'tls' })
    expect(JSON.stringify(answer)).not.toContain(MARK)
  })

  it.each([
    ['source_timestamp_expired', 'endpoint_clock'],
    ['source_signature_invalid', 'endpoint_key_differs'],
    ['source_api_key_missing', 'endpoint_keyless'],
    ['source_something_else', 'signature_refused'],
    [MARK, 'signature_refused'],
  ] as const)('401 with the code %s is %s, and nothing else of its body is kept', async (error, code) => {
    const answer = await meet(response => {
      response.writeHead(401, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ error, message: MARK }))
    })
    expect(answer).toMatchObject({ status: 401, code, body: null, passed: 'tls' })
    expect(JSON.stringify(answer)).not.toContain(MARK)
  })

  it.each([
    [
      'long',
      (response: Parameters<Mood>[0]) =>
        response.end(`{"error":"source_api_key_missing","message":"${'x'.repeat(5_000)}"}`),
    ],
    [
      'deep',
      (response: Parameters<Mood>[0]) =>
        response.end(`{"error":"source_api_key_missing","x":${'['.repeat(20)}${']'.repeat(20)}}`),
    ],
    ['a list', (response: Parameters<Mood>[0]) => response.end('["source_api_key_missing"]')],
    ['cut off', (response: Parameters<Mood>[0]) => response.end('{"error":"source_api_key_missing"')],
  ] as const)('401 whose body is %s is signature_refused', async (_, end) => {
    const answer = await meet(response => {
      response.writeHead(401)
      end(response)
    })
    expect(answer).toMatchObject({ status: 401, code: 'signature_refused', body: null })
  })

  it.each([
    ['a number of seconds', () => '7', 7],
    ['the longest that it can be', () => '999999999', 999_999_999],
    ['a date to come', () => new Date(Date.now() + 90_000).toUTCString(), 90],
    ['a date gone by', () => new Date(Date.now() - 90_000).toUTCString(), 0],
  ])('reports its Retry-After, by %s', async (_, value, seconds) => {
    const answer = await meet(response => response.writeHead(429, { 'retry-after': value() }).end())
    expect(Math.abs((answer.retryAfterSeconds ?? -99) - seconds)).toBeLessThanOrEqual(5)
  })

  it('reports none for a Retry-After that is neither a number nor a date', async () => {
    for (const value of ['soon', '-5', '1e3', '99999999999999999999', '2026-11-21T10:00:00Z', '']) {
      const answer = await meet(response => response.writeHead(503, { 'retry-after': value }).end())
      expect(answer).toMatchObject({ code: 'endpoint_failing', retryAfterSeconds: null })
    }
  })

  const redirects = readVectors('host-policy.tsv').filter(row => row['kind'] === 'https-redirect')

  it.each(redirects)('is refused unfollowed: $reason', async ({ fixture = '{}' }) => {
    const { status, location } = JSON.parse(fixture)
    const seen = { connections: stranger.connections(), requests: stranger.received.length }
    // Including the same host on the same server: a followed redirect would be recorded here.
    for (const target of [location, `https://api.acme.io:${stranger.port}/`, '/elsewhere']) {
      const answer = await meet(response => response.writeHead(status, { location: target }).end())
      expect(answer).toMatchObject({ status: 302, code: 'redirect_refused', body: null })
    }
    expect(stranger.connections() - seen.connections).toBe(3)
    expect(stranger.received.length - seen.requests).toBe(3)
  })

  it('has four redirects in the vectors', () => expect(redirects).toHaveLength(4))
})

describe('An answer that is too much', () => {
  it('is cut off at the limit, however long it continues', async () => {
    let written = 0
    const flood: Mood = response => {
      const block = Buffer.alloc(1 << 20, ' ')
      const push = () => {
        while (!response.destroyed && response.write(block)) written += block.length
        written += block.length
      }
      response.writeHead(200).on('drain', push)
      push()
    }
    const answer = await meet(flood)
    expect(answer).toMatchObject({ code: 'endpoint_too_large', body: null })
    expect(answer.grownMiB).toBeLessThan(64)
    expect(written).toBeLessThan(64 << 20)
  })

  it('is not read at all when it declares 10 GB', async () => {
    const answer = await meet(response =>
      response.writeHead(200, { 'content-length': String(10 ** 10) }).flushHeaders(),
    )
    expect(answer).toMatchObject({ code: 'endpoint_too_large', body: null })
  })

  it('is accepted up to the last byte of the limit', async () => {
    const body = `{"events":[]}${' '.repeat(1_000)}`
    const answer = await meet(response => response.end(body), { maxBytes: body.length })
    expect(answer).toMatchObject({ failure: null, body })
    expect(await meet(raw(`${HEAD}\r\n${body}`), { maxBytes: body.length - 1 })).toMatchObject({
      code: 'endpoint_too_large',
    })
  })

  it.each<[string, Mood]>([
    ['one header of 64 KiB', response => response.writeHead(200, { 'x-long': 'x'.repeat(65_536) }).end()],
    ['ten thousand headers', raw(HEAD, 'x: y\r\n'.repeat(10_000), '\r\n{}')],
    ['a head without end', raw(HEAD, ...Array.from({ length: 64 }, () => `x: ${'y'.repeat(16_000)}\r\n`))],
    ['a chunk extension of 64 KiB', raw(`${HEAD}transfer-encoding: chunked\r\n\r\n1;`, 'x'.repeat(65_536))],
  ])('is refused with %s', async (_, mood) => {
    expect(await meet(mood)).toMatchObject({ code: 'endpoint_too_large', body: null })
  })

  it('is not inflated: a gzip bomb is refused at its headers', async () => {
    const bomb = gzipSync(Buffer.alloc(64 << 20, ' '))
    const answer = await meet(response => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb))
    expect(answer).toMatchObject({ code: 'endpoint_compressed', body: null })
    expect(answer.grownMiB).toBeLessThan(32)
    expect(await meet(response => response.end(bomb))).toMatchObject({ code: 'endpoint_answer', body: null })
  })

  it('is refused when it is nested a hundred thousand deep', async () => {
    const deep = `{"events":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
    expect(await meet(response => response.end(deep))).toMatchObject({ code: 'endpoint_answer', body: null })
  })
})

describe('An answer that is not valid HTTP', () => {
  it.each<[string, Mood]>([
    ['another transfer coding', raw(`${HEAD}transfer-encoding: xchunked\r\n\r\n{"events":[]}`)],
    ['two framings at once', raw(`${HEAD}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`)],
    ['two lengths', raw(`${HEAD}content-length: 2\r\ncontent-length: 13\r\n\r\n{}`)],
    ['an SSH banner', raw('SSH-2.0-OpenSSH_9.6\r\n')],
    ['a PostgreSQL error', raw('E\0\0\0\x10SFATAL\0')],
    ['a bare LF for CRLF in its chunks', raw(`${HEAD}transfer-encoding: chunked\r\n\r\nd\n{"events":[]}\n0\n\n`)],
    ['an upgrade', raw('HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n')],
  ])('is refused: %s', async (_, mood) => {
    expect(await meet(mood)).toMatchObject({ code: 'endpoint_answer', body: null })
  })

  it('is refused in an encoding other than UTF-8', async () => {
    const latin1 = Buffer.from('{"events":[],"x":"é"}', 'latin1')
    expect(await meet(response => response.end(latin1))).toMatchObject({ code: 'endpoint_answer', body: null })
  })
})

describe('TLS to an endpoint', () => {
  it.each([
    ['certificate_name_mismatch', { names: ['other.acme.io'], addresses: ['127.0.0.1'] }],
    ['certificate_expired', { names: ['api.acme.io'], fromDays: -9, toDays: -1 }],
    ['certificate_expired', { names: ['api.acme.io'], fromDays: 1, toDays: 9 }],
  ] as const)('is refused with %s, and no request is sent', async (code, options) => {
    const other = await startStranger({ certificate: authority => authority.issue(options) })
    expect(await other.ask()).toMatchObject({ failure: { code }, status: null, passed: 'connect', tls: null })
    expect(other.received).toEqual([])
    await other.close()
  })

  it('is refused with a certificate of an unknown issuer, and no request is sent', async () => {
    const before = stranger.received.length
    expect(await stranger.ask({ caCertificate: null })).toMatchObject({ failure: { code: 'certificate_untrusted' } })
    const other = await startStranger({ certificate: () => selfSigned({ names: ['api.acme.io'] }) })
    expect(await other.ask()).toMatchObject({ failure: { code: 'certificate_untrusted' } })
    expect([other.received, stranger.received.length]).toEqual([[], before])
    await other.close()
  })
})

describe('The network', () => {
  it('is not reached outside the networks that the installation has opened', async () => {
    const before = stranger.connections()
    for (const url of [`https://api.acme.io:${stranger.port}/`, 'https://127.0.0.1/', 'http://127.0.0.1/']) {
      const answer = await stranger.ask({ url }, { openNetworks: [] })
      expect(failureSpec(answer.failure!.code).stage).toBe('policy')
      expect(answer).toMatchObject({ status: null, tls: null, body: null })
    }
    expect(stranger.connections()).toBe(before)
  })

  it('carries http without TLS only in an opened network', async () => {
    const plain = await startStranger({ certificate: null })
    const url = `http://api.acme.io:${plain.port}/source`
    expect(await plain.ask({ url })).toMatchObject({ status: 200, failure: null, tls: null })
    expect(await plain.ask({ url }, { openNetworks: ['10.0.0.0/8'] })).toMatchObject({
      failure: { code: 'host_refused' },
    })
    expect(plain.received).toHaveLength(1)
    await plain.close()
  })

  it.each(['ftp://api.acme.io/', 'https://user:pw@api.acme.io/', 'https://api.acme.io/#top', 'api.acme.io', ''])(
    'is not reached for the URL %j',
    async url => {
      expect(await stranger.ask({ url })).toMatchObject({ failure: { code: 'endpoint_url_refused' }, passed: null })
    },
  )

  it('distinguishes a closed port from an unknown name', async () => {
    const gone = await startStranger()
    await gone.close()
    const closed = await stranger.ask({ url: `https://api.acme.io:${gone.port}/` })
    expect(closed).toMatchObject({
      failure: { code: 'connection_refused' },
      passed: 'policy',
      addresses: ['127.0.0.1'],
    })
    const unknown = await stranger.ask({ url: `https://nowhere.acme.io:${stranger.port}/` })
    expect(unknown).toMatchObject({ failure: { code: 'name_not_found' }, addresses: [] })
  })
})
