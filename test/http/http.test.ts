/**
 * HTTP requirements on every answer: ids, methods, limits, the shape of a refusal. Raw sockets replace a client that
 * would hide them.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bodyOf, raw, statusOf } from '#test/support/http/raw-http.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

const CONNECTIONS = '/api/v1/connections'
const DATASOURCES = '/v1/datasources'

let mooring: Mooring
beforeAll(async () => {
  mooring = await startMooring({ worker: false })
})
afterAll(() => mooring.stop())

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
    const answer = await raw(
      `GET /healthz HTTP/1.1\r\nhost: a\r\nx-request-id: ${id}\r\nconnection: close\r\n\r\n`,
      mooring.url,
    )
    expect(answer).toMatch(/x-request-id: req_[0-9a-f]{32}\r\n/i)
  })
})

describe('A refusal before Express', () => {
  it.each([
    ['a method of nobody’s', 'FOO /v1/datasources HTTP/1.1\r\nhost: a\r\n\r\n', [400, 'invalid_request']],
    ['no HTTP', 'hello\r\n\r\n', [400, 'invalid_request']],
    [
      'a header over 16 KiB',
      `GET / HTTP/1.1\r\nhost: a\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`,
      [431, 'payload_too_large'],
    ],
    [
      'two lengths of the body',
      'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
      [400, 'invalid_request'],
    ],
  ] as const)('is answered in a shape that can be read, with an id: %s', async (_what, text, expected) => {
    const answer = await raw(text, mooring.url)
    const body = bodyOf(answer)
    expect([statusOf(answer), body.code, body.type]).toEqual([...expected, 'AbloValidationError'])
    expect(answer).toContain(`x-request-id: ${body.request_id}\r\n`)
    expect(answer).toContain('Connection: close')
  })
})

describe('The shape of a refusal', () => {
  const malformed = ['%', '%zz', '%E0%A4%A', '%00', '%2e%2e']

  it.each(malformed)('follows the path, also when that cannot be decoded: %s', async text => {
    const [trpc, connection, datasource] = [
      await mooring.call('GET', `/trpc/x${text}`),
      await mooring.call('GET', `${CONNECTIONS}/x${text}`),
      await mooring.call('GET', `${DATASOURCES}/x${text}`),
    ]
    expect([trpc.status, trpc.body.error.data.fault]).toEqual([404, 'route_not_found'])
    expect([connection.status, connection.body.detail[0].type]).toEqual([422, 'uuid_parsing'])
    expect([datasource.status, datasource.body.code]).toEqual([404, 'entity_not_found'])
  })

  it('is never a 404 for a missing key', async () => {
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

  it('covers HTTP/1.1 without a Host; HTTP/1.0 needs none', async () => {
    const modern = await raw(`GET ${DATASOURCES} HTTP/1.1\r\n${auth()}connection: close\r\n\r\n`, mooring.url)
    expect([statusOf(modern), bodyOf(modern).param]).toEqual([400, 'Host'])
    const old = await raw(`GET ${DATASOURCES} HTTP/1.0\r\n${auth()}\r\n`, mooring.url)
    expect([statusOf(old), bodyOf(old).object]).toEqual([200, 'list'])
  })

  it('does not apply to an unknown expectation or a query that cannot be decoded', async () => {
    const head = `host: a\r\n${auth()}connection: close\r\n`
    expect(
      statusOf(await raw(`GET ${CONNECTIONS}?a=%zz HTTP/1.1\r\n${head}expect: miracles\r\n\r\n`, mooring.url)),
    ).toBe(200)
    expect(statusOf(await raw(`GET http://[/v1/datasources HTTP/1.1\r\n${head}\r\n`, mooring.url))).toBeLessThan(500)
  })
})

describe('A method', () => {
  it.each([
    ['PROPFIND', DATASOURCES, 'POST, GET, DELETE, HEAD'],
    ['OPTIONS', CONNECTIONS, 'POST, GET, HEAD'],
    ['DELETE', '/trpc/datasources.list', 'GET, HEAD, POST'],
    ['OPTIONS', '/trpc/datasources.list', 'GET, HEAD, POST'],
    ['POST', '/healthz', 'GET, HEAD'],
    ['OPTIONS', '/healthz', 'GET, HEAD'],
    ['POST', '/readyz', 'GET, HEAD'],
    ['POST', '/openapi.json', 'GET, HEAD'],
    ['POST', '/docs', 'GET, HEAD'],
    ['DELETE', '/docs/', 'GET, HEAD'],
    ['PUT', '/docs/faults', 'GET, HEAD'],
    ['POST', '/docs/page.css', 'GET, HEAD'],
  ])('that a path does not support is 405 with the supported ones: %s %s', async (method, path, allow) => {
    for (const key of [mooring.organization.testKey, null]) {
      const answer = await mooring.call(method, path, { key })
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, allow])
    }
  })

  it.each(['/healthz', '/readyz', '/openapi.json', '/docs'])(
    'is refused in the house’s envelope on paths of neither dialect: %s',
    async path => {
      const { body } = await mooring.call('POST', path)
      expect(body).toMatchObject({ code: 'method_not_allowed', type: 'AbloError' })
    },
  )

  it('HEAD answers as GET does, without the body', async () => {
    for (const path of [CONNECTIONS, DATASOURCES, '/v1/sealing_key', '/openapi.json', '/nowhere']) {
      const [head, get] = [await mooring.call('HEAD', path), await mooring.call('GET', path)]
      expect([head.status, head.text]).toEqual([get.status, ''])
      for (const name of ['etag', 'content-type', 'content-length', 'cache-control'])
        expect(head.headers.get(name)).toBe(get.headers.get(name))
    }
  })
})
