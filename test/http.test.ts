/** What HTTP asks of every answer: ids, methods, negotiation, limits, patience. Raw sockets where a client would hide it. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Mooring, startMooring } from '#test/support/mooring.ts'

const ORIGIN = 'https://app.example.com'
const CONNECTIONS = '/api/v1/connections'
const DATASOURCES = '/v1/datasources'

let mooring: Mooring
let impatient: Mooring
beforeAll(async () => {
  mooring = await startMooring({ worker: false })
  impatient = await startMooring({
    worker: false,
    env: {
      MOORING_HEADERS_TIMEOUT_MS: '400',
      MOORING_REQUEST_TIMEOUT_MS: '800',
      MOORING_KEEP_ALIVE_TIMEOUT_MS: '1500',
      MOORING_CORS_ORIGINS: `${ORIGIN},https://admin.example.com`,
    },
  })
})
afterAll(async () => {
  await mooring.stop()
  await impatient.stop()
})

async function open(to: Mooring): Promise<Socket> {
  const socket = connect(Number(new URL(to.url).port), '127.0.0.1')
  await once(socket, 'connect')
  return socket
}

/** Everything that comes back until the server closes. */
async function whole(socket: Socket): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** One request as it is written, the connection closed after it. */
async function raw(text: string, to = mooring): Promise<string> {
  const socket = await open(to)
  socket.write(text)
  return whole(socket)
}

const statusOf = (answer: string) => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1])
const bodyOf = (answer: string) => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4))
const auth = () => `authorization: Bearer ${mooring.organization.testKey}\r\n`

describe('A request id', () => {
  it.each([
    ['GET', '/healthz', {}],
    ['GET', CONNECTIONS, {}],
    ['GET', `${DATASOURCES}/%zz`, {}],
    ['GET', '/nowhere', {}],
    ['PUT', DATASOURCES, {}],
    ['GET', '/trpc/datasources.list', {}],
    ['GET', '/trpc/nothing.here', {}],
    ['GET', '/trpc/%zz', {}],
    ['PUT', '/trpc/datasources.list', {}],
    ['POST', '/trpc/datasources.register', { body: 'x=1', headers: { 'content-type': 'text/plain' } }],
    ['POST', '/trpc/datasources.register', { body: `{"json": "${'x'.repeat(70_000)}"}` }],
    ['POST', '/trpc/datasources.register', { body: '{' }],
    ['POST', DATASOURCES, { body: `{"json": "${'x'.repeat(70_000)}"}` }],
    ['GET', `/${'x'.repeat(9_000)}`, {}],
    ['GET', '/openapi.json', {}],
    ['GET', '/docs', {}],
  ] as const)('that was sent is on the answer: %s %s', async (method, path, options) => {
    const headers = { ...('headers' in options ? options.headers : {}), 'x-request-id': 'checkout-7f3a:1.2_3' }
    const answer = await mooring.call(method, path, { ...options, headers })
    expect(answer.headers.get('x-request-id')).toBe('checkout-7f3a:1.2_3')
    expect(answer.headers.get('x-powered-by')).toBeNull()
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect(answer.headers.get('strict-transport-security')).not.toBeNull()
  })

  it.each(['has spaces', 'x'.repeat(129), 'naïve', '<script>'])('that is not acceptable is replaced: %s', async id => {
    const answer = await raw(`GET /healthz HTTP/1.1\r\nhost: a\r\nx-request-id: ${id}\r\nconnection: close\r\n\r\n`)
    expect(answer).toMatch(/x-request-id: req_[0-9a-f]{32}\r\n/i)
  })
})

describe('What Express never sees', () => {
  it.each([
    ['a method of nobody’s', 'FOO /v1/datasources HTTP/1.1\r\nhost: a\r\n\r\n', 400, 'invalid_request'],
    ['no HTTP', 'hello\r\n\r\n', 400, 'invalid_request'],
    ['a header over 16 KiB', `GET / HTTP/1.1\r\nhost: a\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'payload_too_large'],
    [
      'two lengths of the body',
      'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
      400,
      'invalid_request',
    ],
  ])('is answered in a shape that can be read, with an id: %s', async (_what, text, status, code) => {
    const answer = await raw(text)
    expect(statusOf(answer)).toBe(status)
    expect(bodyOf(answer)).toMatchObject({ type: 'invalid_request_error', code, request_id: expect.any(String) })
    expect(answer).toContain(`x-request-id: ${bodyOf(answer).request_id}`)
    expect(answer).toContain('Connection: close')
  })
})

describe('The shape of a refusal', () => {
  const malformed = ['%', '%zz', '%E0%A4%A', '%00', '%2e%2e']

  it.each(malformed)('follows the path, also where that cannot be decoded: %s', async text => {
    const [trpc, connection, datasource] = [
      await mooring.call('GET', `/trpc/x${text}`),
      await mooring.call('GET', `${CONNECTIONS}/x${text}`),
      await mooring.call('GET', `${DATASOURCES}/x${text}`),
    ]
    expect([trpc.status, trpc.body.error.data.fault]).toEqual([404, 'route_not_found'])
    expect([connection.status, connection.body.detail[0].type]).toEqual([422, 'uuid_parsing'])
    expect([datasource.status, datasource.body.code]).toEqual([404, 'entity_not_found'])
  })

  it('is never a 404 for want of a key', async () => {
    for (const path of [`${DATASOURCES}/%zz`, `${CONNECTIONS}/%zz`, `/api${DATASOURCES}/shop`])
      expect((await mooring.call('GET', path, { key: null })).status).toBe(401)
  })

  it('of a URL over 8 KiB is 414', async () => {
    const long = 'x'.repeat(9_000)
    const [trpc, connection, other] = [
      await mooring.call('GET', `/trpc/datasources.list?input=${long}`),
      await mooring.call('GET', `${CONNECTIONS}?a=${long}`),
      await mooring.call('GET', `/?a=${long}`),
    ]
    expect([trpc.status, trpc.body.error.data.httpStatus]).toEqual([414, 414])
    expect([connection.status, connection.body.error.code]).toEqual([414, 'PAYLOAD_TOO_LARGE'])
    expect([other.status, other.body.code]).toEqual([414, 'payload_too_large'])
  })

  it('of a key in a URL of tRPC is tRPC’s, and does not repeat it', async () => {
    const key = mooring.organization.testKey
    const answer = await mooring.call('GET', `/trpc/datasources.list?key=${key}`)
    expect([answer.status, answer.body.error.data.fault]).toEqual([400, 'invalid_request'])
    expect(answer.text).not.toContain(key)
    expect(mooring.logLines.join('')).not.toContain(key)
  })

  it('of HTTP/1.1 without a Host is one; HTTP/1.0 needs none', async () => {
    const modern = await raw(`GET ${DATASOURCES} HTTP/1.1\r\n${auth()}connection: close\r\n\r\n`)
    expect([statusOf(modern), bodyOf(modern).param]).toEqual([400, 'Host'])
    const old = await raw(`GET ${DATASOURCES} HTTP/1.0\r\n${auth()}\r\n`)
    expect([statusOf(old), bodyOf(old).object]).toEqual([200, 'list'])
  })

  it('leaves an unknown expectation and a query that cannot be decoded alone', async () => {
    const head = `host: a\r\n${auth()}connection: close\r\n`
    expect(statusOf(await raw(`GET ${CONNECTIONS}?a=%zz HTTP/1.1\r\n${head}expect: miracles\r\n\r\n`))).toBe(200)
    expect(statusOf(await raw(`GET http://[/v1/datasources HTTP/1.1\r\n${head}\r\n`))).toBeLessThan(500)
  })
})

describe('A method', () => {
  it.each([
    ['PROPFIND', DATASOURCES, 'POST, GET, HEAD'],
    ['OPTIONS', CONNECTIONS, 'POST, GET, HEAD'],
    ['DELETE', '/trpc/datasources.list', 'GET, HEAD, POST'],
    ['OPTIONS', '/trpc/datasources.list', 'GET, HEAD, POST'],
  ])('that a path does not take is 405 with those that it takes: %s %s', async (method, path, allow) => {
    for (const key of [mooring.organization.testKey, null]) {
      const answer = await mooring.call(method, path, { key })
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, allow])
    }
  })

  it('HEAD answers as GET does, without the body', async () => {
    for (const path of [CONNECTIONS, DATASOURCES, '/v1/sealing_key', '/openapi.json', '/nowhere']) {
      const [head, get] = [await mooring.call('HEAD', path), await mooring.call('GET', path)]
      expect([head.status, head.text]).toEqual([get.status, ''])
      for (const name of ['etag', 'content-type', 'content-length', 'cache-control'])
        expect(head.headers.get(name)).toBe(get.headers.get(name))
    }
  })
})

describe('An ETag', () => {
  const url = 'postgresql://reader:pw@127.0.0.1:1/shop'

  it('answers 304 while nothing has changed, and the object again once it has', async () => {
    const made = await mooring.call('POST', DATASOURCES, { body: { connectionString: url } })
    const path = `${DATASOURCES}/${made.body.id}`
    const first = await mooring.call('GET', path)
    const tag = first.headers.get('etag') ?? ''
    expect(tag).toMatch(/^"[\w-]{22}"$/)
    expect(made.headers.get('etag')).toBeNull()
    for (const sent of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
      const again = await mooring.call('GET', path, { headers: { 'if-none-match': sent } })
      expect([again.status, again.text, again.headers.get('etag')]).toEqual([304, '', tag])
      expect(again.headers.get('x-request-id')).not.toBeNull()
    }
    const patch = { id: made.body.id, metadata: { a: 'b' } }
    await mooring.call('POST', '/trpc/datasources.update', { body: patch })
    const after = await mooring.call('GET', path, { headers: { 'if-none-match': tag } })
    expect([after.status, after.body.metadata]).toEqual([200, { a: 'b' }])
  })

  it('says nothing to a caller who may not read the object', async () => {
    const made = await mooring.call('POST', DATASOURCES, { body: { connectionString: `${url}2` } })
    const path = `${DATASOURCES}/${made.body.id}`
    const tag = (await mooring.call('GET', path)).headers.get('etag') ?? ''
    const stranger = await mooring.newOrganization('Stranger')
    for (const [key, status] of [
      [null, 401],
      [stranger.testKey, 404],
    ] as const) {
      const answer = await mooring.call('GET', path, { key, headers: { 'if-none-match': tag } })
      expect([answer.status, answer.headers.get('etag')]).toEqual([status, null])
    }
  })

  it('comes with a word to caches: what was read is private, everything else is not kept', async () => {
    const cached = async (method: string, path: string) =>
      (await mooring.call(method, path)).headers.get('cache-control')
    expect(await cached('GET', DATASOURCES)).toBe('private, no-cache')
    for (const [method, path] of [
      ['POST', DATASOURCES],
      ['GET', '/nowhere'],
      ['GET', '/trpc/datasources.list'],
      ['GET', `${CONNECTIONS}/x`],
    ] as const)
      expect(await cached(method, path)).toBe('no-store')
  })
})

describe('Another origin', () => {
  const preflight = (to: Mooring, origin: string) =>
    to.call('OPTIONS', DATASOURCES, {
      key: null,
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
    })

  it('is not let in unless the installation names it', async () => {
    for (const [to, origin] of [
      [mooring, ORIGIN],
      [impatient, 'https://evil.example.com'],
      [impatient, 'null'],
      [impatient, `${ORIGIN}.evil.com`],
    ] as const) {
      const asked = await preflight(to, origin)
      expect([asked.status, asked.headers.get('access-control-allow-origin')]).toEqual([405, null])
      const read = await to.call('GET', DATASOURCES, { headers: { origin } })
      expect([read.status, read.headers.get('access-control-allow-origin')]).toEqual([200, null])
    }
  })

  it('that is named may call and read the answers’ headers, without cookies', async () => {
    const asked = await preflight(impatient, ORIGIN)
    expect([asked.status, asked.text]).toEqual([204, ''])
    expect(asked.headers.get('access-control-allow-origin')).toBe(ORIGIN)
    expect(asked.headers.get('access-control-allow-headers')).toContain('X-API-Key')
    expect(asked.headers.get('access-control-allow-credentials')).toBeNull()
    const refused = await impatient.call('GET', DATASOURCES, { key: null, headers: { origin: ORIGIN } })
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([401, ORIGIN])
    expect(refused.headers.get('access-control-expose-headers')).toContain('X-Request-Id')
    expect(refused.headers.get('vary')).toContain('Origin')
  })
})

describe('A slow client', () => {
  it('is cut off that says nothing, or does not finish its headers', async () => {
    for (const text of ['', `GET ${DATASOURCES} HTTP/1.1\r\nhost: a\r\nx-slow: `]) {
      const answer = await raw(text, impatient)
      if (text !== '') expect([statusOf(answer), bodyOf(answer).code]).toEqual([408, 'timeout'])
    }
  })

  it('is cut off that does not finish its body, and leaves nothing behind', async () => {
    const key = `authorization: Bearer ${impatient.organization.testKey}\r\n`
    const head = `POST ${DATASOURCES} HTTP/1.1\r\nhost: a\r\n${key}content-type: application/json\r\ncontent-length: 60\r\n\r\n`
    const answer = await raw(`${head}{"connectionString": "postgresql://a`, impatient)
    expect([statusOf(answer), bodyOf(answer).code]).toEqual([408, 'timeout'])
    expect((await impatient.call('GET', DATASOURCES)).body.data).toEqual([])
  })

  it('is waited for between two requests as long as was promised, longer than for its headers', async () => {
    const socket = await open(impatient)
    const request = 'GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n'
    socket.write(request)
    const [first] = await once(socket, 'data')
    expect(String(first)).toMatch(/Keep-Alive: timeout=1\r\n/i)
    // Idle for longer than the headers may take: the connection is still good.
    await new Promise(resolve => setTimeout(resolve, 900))
    socket.write(request)
    const [second] = await once(socket, 'data')
    expect(statusOf(String(second))).toBe(200)
    await once(socket, 'close')
  })
})
