/**
 * Attack: a stranger pushes events to an endpoint, enumerates endpoints, or keeps the worker busy. A push without a key
 * is authenticated by its signature alone, and every other push gets one and the same refusal, in answer and in time.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { KeylessGate, MAX_WAITING_PUSHES } from '#server/api/caller/keyless-gate.ts'
import { MAX_KEYLESS_BYTES } from '#server/api/feeds/keyless-push.ts'
import { sign } from '#server/net/endpoint/signature.ts'
import { PUSHES_PER_SECOND } from '#server/wiring-web.ts'
import { query } from '#test/support/database/postgres.ts'
import { effects } from '#test/support/database/rows.ts'
import { event, type Followed, hosted, startFollowed } from '#test/support/feeds/followed.ts'
import { KEY } from '#test/support/feeds/stranger.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'

let followed: Followed
let id: string
let address = 0
beforeAll(async () => {
  followed = await startFollowed({ env: { MOORING_TRUST_PROXY: '1' } })
  followed.stranger.be(hosted())
  id = (await followed.register('/keyless')).id
})
afterAll(() => followed.stop())

/** Every push comes from its own network, unless a test is about the network. */
const elsewhere = () => ({ 'x-forwarded-for': `198.51.${Math.floor(++address / 250)}.${1 + (address % 250)}` })

const body = (number: number) => JSON.stringify({ events: [event(number)] })

function headersOf(text: string, { key = KEY, at = Date.now() / 1_000, name = `msg_${++address}` } = {}) {
  const timestamp = String(Math.floor(at))
  const signature = sign({ id: name, timestamp, body: text }, [key])
  return { 'webhook-id': name, 'webhook-timestamp': timestamp, 'webhook-signature': signature }
}

const push = (to: string, text: string, headers: Record<string, string>) =>
  followed.mooring.call('POST', `/v1/datasources/${to}/events`, {
    key: null,
    body: text,
    headers: { ...elsewhere(), ...headers },
  })

/** Waits until the per-second limits of a datasource are free again. */
const second = () => new Promise(resolve => setTimeout(resolve, 1_100))

/** Every trace that a stranger could leave; the worker keeps polling and checking meanwhile. */
async function left() {
  const {
    'public.audit_events': audit = [],
    'public.feed_events': stored = [],
    'public.feed_pushes': pushes = [],
  } = await effects(followed.mooring.databaseUrl)
  const tasks = await query(followed.mooring.databaseUrl, `select id from tasks where kind = 'push'`)
  return { audit: audit.filter(row => row.includes('feed.pushed')), stored, pushes, tasks }
}

describe('A push without a key', () => {
  it('is stored once when its signature is valid, and recorded with its source address', async () => {
    const text = body(1)
    const headers = {
      ...headersOf(text, { name: 'msg_one' }),
      'x-forwarded-for': '203.0.113.9',
      'x-request-id': 'from-acme',
    }
    const answer = await push(id, text, headers)
    expect([answer.status, answer.body]).toEqual([200, { object: 'event_push', received: 1, stored: 1 }])
    const again = await push(id, text, headersOf(text, { name: 'msg_one' }))
    expect([again.status, again.body]).toEqual([200, answer.body])
    expect(await followed.stored(id)).toEqual([event(1).id])
    const [row] = await query(
      followed.mooring.databaseUrl,
      `select principal_kind, principal_id, request_id, address, outcome from audit_events
         where action = 'feed.pushed' and request_id = 'from-acme'`,
    )
    expect(row).toEqual({
      principal_kind: 'worker',
      principal_id: null,
      request_id: 'from-acme',
      address: '203.0.113.9',
      outcome: 'ok',
    })
    expect((await left()).tasks).toEqual([])
  })

  it('gets errors about its events only after its signature is verified', async () => {
    await second()
    const text = '{"events":[{}]}'
    expect(await push(id, text, headersOf(text))).toMatchObject({ status: 400, body: { code: 'invalid_body' } })
    expect(await push(id, text, headersOf(text, { key: 'another' }))).toMatchObject({ status: 401 })
  })

  it('gets one and the same refusal for every error, after the same time, and leaves no row', async () => {
    await second()
    const direct = await followed.mooring.call('POST', '/v1/datasources', {
      body: { connectionString: 'postgresql://a:b@db.acme.io/x' },
    })
    const removed = (await followed.register('/removed')).id
    await followed.mooring.call('DELETE', `/v1/datasources/${removed}`)
    const keyless = (await followed.register('/shredded')).id
    await query(
      followed.mooring.databaseUrl,
      `update credentials set sealed = decode('00', 'hex') where datasource_id = '${bareUuid(keyless)}'`,
    )
    const text = body(2)
    const good = headersOf(text)
    const before = await left()
    const wrong: [string, string, Record<string, string>][] = [
      ['another key', id, headersOf(text, { key: 'another' })],
      ['other bytes', id, headersOf(body(3))],
      ['an unknown id', 'dse_0190a000000070008000000000000000', good],
      ['a malformed id', 'dse_1', good],
      ['a direct datasource', direct.body.id, good],
      ["a direct one's id as an endpoint's", `dse_${direct.body.id.slice(-32)}`, good],
      ['one that is removed', removed, good],
      ['one without a key', keyless, good],
    ]
    const answers = await Promise.all(
      wrong.map(async ([what, to, headers]) => {
        const startedAt = performance.now()
        const { status, body: said } = await push(to, text, headers)
        return { what, status, said: { ...said, request_id: '' }, tookMs: performance.now() - startedAt }
      }),
    )
    for (const { what, status, said, tookMs } of answers) {
      expect([what, status, said]).toEqual([what, 401, answers[0]?.said])
      expect(tookMs, what).toBeGreaterThanOrEqual(990)
    }
    expect(await left()).toEqual(before)
  })

  it.each([
    ['no name', { 'webhook-id': '' }],
    ['an old time', { 'webhook-timestamp': String(Math.floor(Date.now() / 1_000) - 400) }],
    ['a time to come', { 'webhook-timestamp': String(Math.floor(Date.now() / 1_000) + 400) }],
    ['a time that is none', { 'webhook-timestamp': '1e9' }],
    ['another scheme', { 'webhook-signature': 'v2,x' }],
    ['a signature of another length', { 'webhook-signature': 'v1,AAAA' }],
  ])('with %s is refused before any worker is involved', async (_, header) => {
    const text = body(4)
    const before = await left()
    const answer = await push(id, text, { ...headersOf(text), ...header })
    expect([answer.status, answer.body.code]).toEqual([401, 'apikey_missing'])
    expect(await left()).toEqual(before)
  })

  it('has at most MAX_KEYLESS_BYTES, for every recipient', async () => {
    for (const to of [id, 'dse_0190a000000070008000000000000000']) {
      await second()
      const text = `{"events":[],"x":"${'x'.repeat(MAX_KEYLESS_BYTES)}"}`
      expect((await push(to, text, headersOf(text))).status).toBe(413)
    }
  })

  it('is accepted PUSHES_PER_SECOND times a second, by datasource and by network', async () => {
    await second()
    const text = body(5)
    for (const [to, from] of [
      [() => id, elsewhere],
      [() => `dse_${(++address).toString(16).padStart(32, '0')}`, () => ({ 'x-forwarded-for': '192.0.2.77' })],
    ] as const) {
      const answers = await Promise.all(
        Array.from({ length: 40 }, () => push(to(), text, { ...headersOf(text), 'webhook-timestamp': '1', ...from() })),
      )
      const limited = answers.filter(answer => answer.status === 429)
      // The second may end in the middle of them.
      expect(answers.length - limited.length).toBeLessThanOrEqual(3 * PUSHES_PER_SECOND)
      expect(limited.length).toBeGreaterThan(0)
      expect(limited[0]?.body.code).toBe('rate_limit_exceeded')
      expect(Number(limited[0]?.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    }
  })

  it('waits in a queue of at most MAX_WAITING_PUSHES for one datasource', () => {
    const gate = new KeylessGate()
    const places = Array.from({ length: MAX_WAITING_PUSHES }, () => gate.enter('one'))
    expect(places.every(place => place !== null)).toBe(true)
    expect([gate.enter('one'), gate.isFull('one'), gate.isFull('other')]).toEqual([null, true, false])
    places[0]?.()
    expect(gate.enter('one')).not.toBeNull()
  })
})
