/** HTTP features between the two sides: conditional requests, other origins, and timeouts. */
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bodyOf, open, raw, statusOf } from '#test/support/http/raw-http.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

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
      MOORING_KEEP_ALIVE_TIMEOUT_MS: '3000',
      MOORING_CORS_ORIGINS: `${ORIGIN},https://admin.example.com`,
    },
  })
})
afterAll(async () => {
  await mooring.stop()
  await impatient.stop()
})

describe('An ETag', () => {
  const url = 'postgresql://reader:pw@127.0.0.1:1/shop'

  it('answers 304 while nothing has changed, and the object again afterwards', async () => {
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

  it('reveals nothing to a caller who may not read the object', async () => {
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

  it('comes with Cache-Control: a read is private, everything else is not stored', async () => {
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

  it('is refused unless the installation names it', async () => {
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
  it('that stays silent, or does not finish its headers, is cut off', async () => {
    for (const text of ['', `GET ${DATASOURCES} HTTP/1.1\r\nhost: a\r\nx-slow: `]) {
      const answer = await raw(text, impatient.url)
      if (text !== '') expect([statusOf(answer), bodyOf(answer).code]).toEqual([408, 'timeout'])
    }
  })

  it('that does not finish its body is cut off, and leaves nothing behind', async () => {
    const key = `authorization: Bearer ${impatient.organization.testKey}\r\n`
    const head = `POST ${DATASOURCES} HTTP/1.1\r\nhost: a\r\n${key}content-type: application/json\r\ncontent-length: 60\r\n\r\n`
    const answer = await raw(`${head}{"connectionString": "postgresql://a`, impatient.url)
    expect([statusOf(answer), bodyOf(answer).code]).toEqual([408, 'timeout'])
    expect((await impatient.call('GET', DATASOURCES)).body.data).toEqual([])
  })

  it('may idle between two requests for the promised time, longer than for its headers', async () => {
    const socket = await open(impatient.url)
    const request = 'GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n'
    socket.write(request)
    const [first] = await once(socket, 'data')
    expect(String(first)).toMatch(/Keep-Alive: timeout=3\r\n/i)
    // Idle for longer than the headers may take: the connection is still open.
    await new Promise(resolve => setTimeout(resolve, 900))
    socket.write(request)
    const [second] = await once(socket, 'data')
    expect(statusOf(String(second))).toBe(200)
    await once(socket, 'close')
  })
})
