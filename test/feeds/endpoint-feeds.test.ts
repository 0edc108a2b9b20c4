/** Strangers' feeds, followed over real HTTPS: every event once, in order, for every behaviour of the cursor. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createListener } from '#client/endpoint.ts'
import { verifyEndpointKeys, verifyRotation } from '#server/domain/checks/endpoint-verdict.ts'
import { eventsRequest } from '#server/domain/feeds/feed-page.ts'
import { noAnswer, readReply } from '#server/net/endpoint/request-answer.ts'
import { createFollower } from '#test/support/feeds/follower.ts'
import { KEY, type Mood, type Received, type Stranger, startStranger } from '#test/support/feeds/stranger.ts'

let stranger: Stranger

beforeAll(async () => {
  stranger = await startStranger()
})
afterAll(() => stranger.close())

const event = (n: number) => ({ id: `e${n}`, model: 'task', entityId: String(n), type: 'UPDATE', occurredAt: n })
const events = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => event(from + at))
const ids = (from: number, to: number) => events(from, to).map(one => one.id)

interface PageRequest {
  readonly cursor?: string
  readonly limit: number
}

/** A stranger that answers each request by a function of the cursor. */
const answering =
  (answer: (asked: PageRequest) => object): Mood =>
  (response, received) =>
    response.end(JSON.stringify(answer(JSON.parse(received.body))))

/**
 * A feed of this many events by offset; `always` sends the cursor with every non-empty page, including the last one.
 */
const feedOf = (count: () => number, style: 'always' | 'while more waits') =>
  answering(({ cursor = '0', limit }) => {
    const from = Number(cursor)
    const end = Math.min(count(), from + limit)
    const page = { events: events(from, end) }
    const named = style === 'always' ? end > from : end < count()
    return named ? { ...page, nextCursor: String(end) } : page
  })

describe('A feed', () => {
  it.each(['always', 'while more waits'] as const)(
    'is drained page by page and followed as it grows, with nextCursor sent %s',
    async style => {
      let count = 5
      stranger.be(feedOf(() => count, style))
      const follower = createFollower(stranger)
      expect(await follower.poll()).toMatchObject({ end: { failed: false, newEvents: 5 }, drained: true })
      count = 8
      expect(await follower.poll()).toMatchObject({ end: { newEvents: 3 } })
      expect([...follower.stored.keys()]).toEqual(ids(0, 8))
      expect(await follower.poll()).toMatchObject({ end: { newEvents: 0 }, drained: true })
    },
  )

  it('whose last page returns at every poll without nextCursor stores nothing twice and is polled ever more slowly', async () => {
    stranger.be(answering(() => ({ events: events(0, 2) })))
    const follower = createFollower(stranger)
    const delays = [await follower.poll(), await follower.poll(), await follower.poll()].map(poll => poll.delayMs)
    expect([...follower.stored.keys()]).toEqual(ids(0, 2))
    expect(follower.cursor).toBeNull()
    expect(delays).toEqual([1_000, 1_500, 2_250])
  })

  it('that repeats events within a page and across pages stores each once, at its first place', async () => {
    const pages: Record<string, object> = {
      '': { events: [event(1), event(2), event(1)], nextCursor: 'b' },
      b: { events: [event(2), { ...event(1), data: 'changed' }, event(3)], nextCursor: 'c' },
      c: { events: [] },
    }
    stranger.be(answering(({ cursor = '' }) => pages[cursor] ?? {}))
    const follower = createFollower(stranger)
    await follower.poll()
    expect([...follower.stored.keys()]).toEqual(['e1', 'e2', 'e3'])
    expect(follower.stored.get('e1')?.json).toBe(JSON.stringify(event(1)))
    expect(follower.cursor).toBe('c')
  })

  it('whose cursor goes backwards is not followed in circles', async () => {
    const pages: Record<string, object> = {
      '': { events: events(0, 2), nextCursor: '2' },
      2: { events: events(2, 4), nextCursor: '4' },
      4: { events: events(4, 6), nextCursor: '2' },
    }
    stranger.be(answering(({ cursor = '' }) => pages[cursor] ?? {}))
    const before = stranger.received.length
    const follower = createFollower(stranger)
    expect(await follower.poll()).toMatchObject({ end: { newEvents: 6, stop: 'repeated_cursor' } })
    expect(stranger.received.length - before).toBe(3)
    const again = await follower.poll()
    expect(again).toMatchObject({ end: { newEvents: 0 }, delayMs: 1_500 })
    expect([...follower.stored.keys()]).toEqual(ids(0, 6))
  })

  it('without end is left after its budget of pages, and resumed at once from there', async () => {
    stranger.be(feedOf(() => Number.MAX_SAFE_INTEGER, 'always'))
    const follower = createFollower(stranger, 3)
    const before = stranger.received.length
    expect(await follower.poll()).toMatchObject({ end: { newEvents: 6, stop: 'budget' }, drained: false, delayMs: 0 })
    expect(stranger.received.length - before).toBe(3)
    await follower.poll()
    expect([...follower.stored.keys()]).toEqual(ids(0, 12))
  })

  it('that invents cursors with empty pages costs one request a poll', async () => {
    let made = 0
    stranger.be(answering(() => ({ events: [], nextCursor: `made-up-${made++}` })))
    const follower = createFollower(stranger)
    const before = stranger.received.length
    expect(await follower.poll()).toMatchObject({ end: { newEvents: 0, stop: 'empty_page' }, drained: true })
    expect(stranger.received.length - before).toBe(1)
  })

  it.each<[string, object | string]>([
    ['HTML', '<html>It works!</html>'],
    ['no events', { nextCursor: '1' }],
    ['events that are no array', { events: {} }],
    ['a nextCursor that is null', { events: [], nextCursor: null }],
    ['a nextCursor that is a number', { events: [], nextCursor: 7 }],
    ['an event without an id', { events: [{ ...event(1), id: undefined }] }],
    ['an event of an unknown type', { events: [event(1), { ...event(2), type: 'TRUNCATE' }] }],
    ['an id with U+0000', { events: [{ ...event(1), id: 'a\u0000b' }] }],
    ['an array', []],
    ['null', 'null'],
    ['nothing', ''],
  ])('that fails with %s in the middle keeps its cursor and all stored events', async (_, wrong) => {
    const text = typeof wrong === 'string' ? wrong : JSON.stringify(wrong)
    const first = JSON.stringify({ events: events(0, 2), nextCursor: 'b' })
    stranger.be((response, { body }: Received) => response.end(body.includes('"cursor"') ? text : first))
    const follower = createFollower(stranger)
    expect(await follower.poll()).toMatchObject({ end: { failed: true, retryCount: 1 }, delayMs: 1_500 })
    expect(await follower.poll()).toMatchObject({ end: { failed: true, retryCount: 2 }, delayMs: 3_000 })
    expect([follower.cursor, [...follower.stored.keys()]]).toEqual(['b', ids(0, 2)])
  })

  it('that answers 429 is left alone for as long as Retry-After asks, and then continues', async () => {
    stranger.be(response => response.writeHead(429, { 'retry-after': '30' }).end())
    const follower = createFollower(stranger)
    expect((await follower.poll()).delayMs).toBeGreaterThanOrEqual(30_000)
    stranger.be(feedOf(() => 3, 'always'))
    await follower.poll()
    expect([[...follower.stored.keys()], follower.retryCount]).toEqual([ids(0, 3), 0])
  })
})

describe('The verification of an endpoint', () => {
  const ask = async (...parameters: Parameters<Stranger['ask']>) => readReply(await stranger.ask(...parameters))
  const probe = async (keys: readonly string[] = [KEY]) => {
    const body = eventsRequest(null, 1)
    const signed = await ask({ body, keys })
    const forged = signed.failure === null ? await ask({ body, keys, breakSignature: true }) : null
    return verifyEndpointKeys({ signed, forged })
  }
  const page = async () => ({ events: [] })
  const hosted = (signingKey = KEY, nowSeconds = () => Date.now() / 1_000): Mood => {
    const answer = createListener({ signingKey, events: page, nowSeconds })
    return async (response, { method, headers, body }) => {
      // The server's own Date header gives the same time as its check.
      response.sendDate = false
      response.setHeader('date', new Date(nowSeconds() * 1_000).toUTCString())
      await answer({ method, headers, body: Buffer.from(body), async *[Symbol.asyncIterator]() {} }, response)
    }
  }

  it('passes one that accepts a signed request and refuses a wrong signature', async () => {
    stranger.be(hosted())
    const verdict = await probe()
    expect(verdict).toMatchObject({ outcome: 'passed', reason: null, advisories: [] })
    expect(verdict.checks).toEqual([
      { item: 'host', outcome: 'pass', actual: '1 address' },
      { item: 'connect', outcome: 'pass' },
      { item: 'tls', outcome: 'pass', actual: 'TLSv1.3, certificate verified' },
      { item: 'signature', outcome: 'pass' },
      { item: 'answer', outcome: 'pass' },
    ])
  })

  it('advises one that accepts unsigned requests to check them', async () => {
    stranger.be(response => response.end('{"events":[]}'))
    const { outcome, advisories } = await probe()
    expect(outcome).toBe('passed')
    expect(advisories).toEqual([
      { item: 'signature', recommendation: expect.stringContaining('accepts unsigned requests') },
    ])
  })

  it('refuses one that holds another key, and sends it no further wrong signature', async () => {
    stranger.be(hosted('another key altogether'))
    const before = stranger.received.length
    const verdict = await probe()
    expect(verdict).toMatchObject({ outcome: 'refused', reason: 'signature_refused', retryable: false })
    expect(verdict.checks.map(check => check.outcome)).toEqual(['pass', 'pass', 'pass', 'fail', 'skipped'])
    expect(stranger.received.length - before).toBe(1)
  })

  it.each([
    ['ahead of', 600],
    ['behind', -600],
  ])(`reports a wrong clock for one that is ten minutes %s Mooring's`, async (direction, seconds) => {
    stranger.be(hosted(KEY, () => Date.now() / 1_000 + seconds))
    const { checks, reason } = await probe()
    expect(reason).toBe('endpoint_clock_off')
    expect(checks.find(check => check.item === 'signature')?.fix).toMatch(
      new RegExp(`^Set the endpoint's clock: it is (59|60)\\d s ${direction} Mooring's`),
    )
  })

  it('retires the old key of a rotation once the new one alone is accepted, and the new one if it never is', async () => {
    stranger.be(hosted('the new key'))
    const accepted = await ask({ keys: ['the new key'] })
    const refused = await ask({ keys: ['a key that was never installed'] })
    const early = { startedAtMs: 0, nowMs: 999, windowMs: 1_000 }
    expect(verifyRotation(accepted, early)).toBe('retire_old')
    expect(verifyRotation(refused, early)).toBe('wait')
    expect(verifyRotation(refused, { ...early, nowMs: 1_000 })).toBe('destroy_new')
    const unasked = noAnswer('budget_exhausted', 0)
    expect(verifyRotation(unasked, { ...early, nowMs: 1_000 })).toBe('wait')
    // Meanwhile the feed is read with both signatures, whichever key the endpoint holds.
    expect(await stranger.ask({ keys: ['the new key', KEY] })).toMatchObject({ status: 200 })
    expect(await stranger.ask({ keys: ['not yet installed', 'the new key'] })).toMatchObject({ status: 200 })
  })

  it('leaves one that answers 503 for later', async () => {
    stranger.be(response => response.writeHead(503).end())
    expect(await probe()).toMatchObject({ outcome: 'unreachable', reason: 'endpoint_unavailable', retryable: true })
  })

  it('refuses one with any other answer', async () => {
    stranger.be(response => response.end('<html>It works!</html>'))
    const verdict = await probe()
    expect(verdict).toMatchObject({ outcome: 'refused', reason: 'endpoint_misbehaved' })
    expect(verdict.checks.map(check => check.outcome)).toEqual(['pass', 'pass', 'pass', 'pass', 'fail'])
  })
})
