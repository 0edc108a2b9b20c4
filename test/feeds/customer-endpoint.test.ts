/**
 * The endpoint that a customer hosts with `client/endpoint.ts`, on each kind of server, over real HTTP and with our own
 * requests.
 */
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { Readable } from 'node:stream'
import express from 'express'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { EventSource } from '#client/endpoint/endpoint-answer.ts'
import { createEndpoint, createListener } from '#client/endpoint.ts'
import type { EndpointRequest } from '#server/domain/feeds/endpoint.ts'
import { eventsRequest } from '#server/domain/feeds/feed-page.ts'
import { requestEndpoint } from '#server/net/endpoint/endpoint.ts'
import { sign } from '#server/net/endpoint/signature.ts'
import { createResolver } from '#server/net/socket/resolver.ts'
import { portOf } from '#test/support/dials/recorded-connect.ts'

const KEY = 'clé whsec_of the customer'
const NOW = 1_800_000_000
const EVENT = { id: 'e1', model: 'task', entityId: '7', type: 'CREATE' as const, data: { title: 'é✓' }, occurredAt: 1 }

/** The requests to the source, in order. A refused request must not reach it. */
const asked: { cursor: string | null; limit: number }[] = []
const errors: unknown[] = []
const given: { events: EventSource } = { events: async () => ({ events: [] }) }
const options = {
  signingKey: KEY,
  events: (after: { cursor: string | null; limit: number }) => {
    asked.push(after)
    return given.events(after)
  },
  nowSeconds: () => NOW,
  onError: (error: unknown) => errors.push(error),
}

const fetching: RequestListener = async (request, response) => {
  const hasBody = request.method !== 'GET' && request.method !== 'HEAD'
  const body = hasBody ? (Readable.toWeb(request) as ReadableStream<Uint8Array>) : null
  const headers = Object.entries(request.headers).map(([name, value]): [string, string] => [name, String(value)])
  const method = request.method ?? 'GET'
  const answer = await createEndpoint(options)(new Request('http://x/', { method, headers, body, duplex: 'half' }))
  response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text())
}

const SERVERS: Record<string, RequestListener> = {
  'node:http': createListener(options),
  Express: express().all('/mooring', createListener(options)),
  'Express behind express.raw()': express()
    .use(express.raw({ type: '*/*' }))
    .all('/mooring', createListener(options)),
  fetch: fetching,
}

async function listen(listener: RequestListener): Promise<Server> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
}

function ask(port: number, request: Partial<EndpointRequest> = {}) {
  return requestEndpoint(
    {
      url: `http://127.0.0.1:${port}/mooring`,
      keys: [KEY],
      body: eventsRequest(null, 10),
      messageId: 'msg_1',
      timestampSeconds: NOW,
      caCertificate: null,
      deadlineMs: 5_000,
      maxBytes: 1 << 20,
      ...request,
    },
    {
      policy: { openNetworks: ['127.0.0.0/8'] },
      resolver: createResolver({ servers: [], timeoutMs: 1_000 }),
      signal: new AbortController().signal,
    },
  )
}

describe.each(Object.entries(SERVERS))('An endpoint on %s', (name, listener) => {
  let server: Server
  let port: number

  beforeAll(async () => {
    server = await listen(listener)
    port = portOf(server)
  })
  afterAll(() => close(server))
  afterEach(() => {
    asked.length = 0
    errors.length = 0
    given.events = async () => ({ events: [] })
  })

  /** A caller's request, correctly signed unless headers or key override that. */
  async function send(body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}, method = 'POST') {
    const timestamp = headers['webhook-timestamp'] ?? String(NOW)
    const signed = {
      'webhook-id': 'msg_1',
      'webhook-timestamp': timestamp,
      'webhook-signature': sign({ id: 'msg_1', timestamp, body }, [KEY]),
    }
    const given = Object.entries({ ...signed, ...headers }).filter(([, value]) => value !== '')
    const bare = method === 'GET' || method === 'HEAD'
    const url = `http://127.0.0.1:${port}/mooring`
    const response = await fetch(url, { method, headers: Object.fromEntries(given), ...(bare ? {} : { body }) })
    const text = await response.text()
    return {
      status: response.status,
      allow: response.headers.get('allow'),
      answer: text === '' ? null : JSON.parse(text),
    }
  }
  const refusal = (status: number, error: string) => ({ status, answer: { error, message: expect.any(String) } })

  it('answers our signed request with its events', async () => {
    given.events = async () => ({ events: [EVENT], nextCursor: 'c1' })
    const found = await ask(port, { body: eventsRequest('c0', 3) })
    expect(found).toMatchObject({ status: 200, failure: null })
    expect(JSON.parse(found.body ?? '')).toEqual({ events: [EVENT], nextCursor: 'c1' })
    expect(asked).toEqual([{ cursor: 'c0', limit: 3 }])
  })

  it('accepts either key of a rotation, and only its own keys', async () => {
    expect(await ask(port, { keys: ['new', KEY] })).toMatchObject({ status: 200 })
    expect(await ask(port, { keys: ['new'] })).toMatchObject({ status: 401, failure: { code: 'endpoint_key_differs' } })
    expect(await ask(port, { breakSignature: true })).toMatchObject({ status: 401 })
    expect(asked).toHaveLength(1)
  })

  it('begins at the beginning without a cursor and returns at most the requested 1,000 events', async () => {
    await send('{"type":"events"}')
    await send('{"type":"events","limit":100000}')
    expect(asked).toEqual([
      { cursor: null, limit: 1_000 },
      { cursor: null, limit: 1_000 },
    ])
  })

  it('answers 405 to every method but POST, signed or not', async () => {
    for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const { status, allow } = await send('{"type":"events"}', {}, method)
      expect([method, status, allow]).toEqual([method, 405, 'POST'])
    }
    expect(asked).toEqual([])
  })

  it('answers 400 to a body that is not JSON, before it checks the signature', async () => {
    const unsigned = { 'webhook-signature': '' }
    for (const body of ['', '{', '{"type":"events"} x', 'undefined', Uint8Array.of(0x22, 0xff, 0x22)]) {
      expect(await send(body, unsigned)).toMatchObject(refusal(400, 'source_invalid_json'))
    }
    expect(asked).toEqual([])
  })

  it.each([
    ['source_signature_missing', { 'webhook-signature': '' }],
    ['source_signature_missing', { 'webhook-id': '' }],
    ['source_signature_invalid', { 'webhook-id': 'msg_2' }],
    ['source_signature_invalid', { 'webhook-signature': 'v1,AAAA' }],
    ['source_signature_invalid', { 'webhook-signature': 'v2,AAAA v1a,AAAA' }],
    ['source_timestamp_invalid', { 'webhook-timestamp': 'soon' }],
    ['source_timestamp_expired', { 'webhook-timestamp': String(NOW - 301) }],
    ['source_timestamp_expired', { 'webhook-timestamp': String(NOW + 301) }],
  ])('answers 401 %s to %j', async (code, headers) => {
    expect(await send('{"type":"events"}', headers)).toMatchObject(refusal(401, code))
    expect(asked).toEqual([])
  })

  it('allows 300 s of clock difference either way', async () => {
    for (const seconds of [-300, 300]) {
      expect(await ask(port, { timestampSeconds: NOW + seconds })).toMatchObject({ status: 200 })
    }
  })

  it('accepts any matching v1 entry and ignores other schemes', async () => {
    const body = '{"type":"events"}'
    const right = sign({ id: 'msg_1', timestamp: String(NOW), body }, [KEY])
    const wrong = sign({ id: 'msg_1', timestamp: String(NOW), body }, ['x'])
    const headers = { 'webhook-signature': `v1a,AAAA ${wrong} ${right}` }
    expect(await send(body, headers)).toMatchObject({ status: 200 })
  })

  it.each([
    ['source_type_unsupported', '{"type":"list"}'],
    ['source_type_unsupported', '{}'],
    ['source_type_unsupported', 'null'],
    ['source_type_unsupported', '[1]'],
    ['source_limit_invalid', '{"type":"events","limit":0}'],
    ['source_limit_invalid', '{"type":"events","limit":1.5}'],
    ['source_limit_invalid', '{"type":"events","limit":"5"}'],
    ['source_cursor_invalid', '{"type":"events","cursor":5}'],
  ])('answers 400 %s to %s', async (code, body) => {
    expect(await send(body)).toMatchObject(refusal(400, code))
    expect(asked).toEqual([])
  })

  it('answers 400 to a cursor that its source never issued', async () => {
    given.events = async () => null
    expect(await send('{"type":"events","cursor":"x"}')).toMatchObject(refusal(400, 'source_cursor_invalid'))
  })

  it('answers 500 without any text of its source’s error, and reports that to its owner', async () => {
    const thrown = new Error('password authentication failed for user "acme"')
    given.events = () => Promise.reject(thrown)
    expect(await send('{"type":"events"}')).toEqual({
      ...refusal(500, 'source_failed'),
      allow: null,
      answer: { error: 'source_failed', message: 'The events could not be read.' },
    })
    expect(errors).toEqual([thrown])
  })

  // express.raw() has its own limit, with its own answer.
  if (!name.includes('raw'))
    it('answers 413 to a body that declares more than 1 MiB, unread', async () => {
      const body = `{"type":"events","x":"${'x'.repeat(1 << 20)}"}`
      expect(await send(body)).toMatchObject(refusal(413, 'source_body_too_large'))
      expect(asked).toEqual([])
    })
})

describe('An endpoint', () => {
  it('behind a body parser reports that to its owner, and answers 500', async () => {
    const server = await listen(express().use(express.json()).all('/mooring', createListener(options)))
    expect(await ask(portOf(server))).toMatchObject({ status: 500 })
    expect(String(errors.pop())).toContain('mount the endpoint before the parser')
    expect(asked).toEqual([])
    await close(server)
  })

  it('cannot be created with an empty key, with which everybody could sign', () => {
    expect(() => createEndpoint({ ...options, signingKey: '' })).toThrow(TypeError)
    expect(() => createListener({ ...options, signingKey: '' })).toThrow(TypeError)
  })

  it('does not read more than 1 MiB of a body without a declared length', async () => {
    let read = 0
    const block = new Uint8Array(65_536).fill(32)
    const body = new ReadableStream<Uint8Array>({
      pull: stream => {
        read += block.length
        stream.enqueue(block)
      },
    })
    const endless = new Request('http://x/', { method: 'POST', body, duplex: 'half' })
    expect((await createEndpoint(options)(endless)).status).toBe(413)
    expect(read).toBeLessThan(2 << 20)
  })
})
