/** The decisions of following a feed: pace, pages, lag, the parsing of a page, and the verdict on a probe. */
import { describe, expect, it } from 'vitest'
import { verifyEndpointKeys } from '#server/domain/checks/endpoint-verdict.ts'
import type { EndpointAnswer } from '#server/domain/feeds/endpoint.ts'
import { afterPage, eventLag, FEED_PACE, lastError, nextPoll, type PollEnd } from '#server/domain/feeds/feed.ts'
import { eventsRequest, MAX_JSON_DEPTH, parseFeedPage, readPush } from '#server/domain/feeds/feed-page.ts'
import { elementTexts } from '#server/domain/feeds/json-text.ts'
import { ENDPOINT_ITEMS } from '#shared/checks/items.ts'
import { FAILURES, type FailureCode, failureSpec, type Stage } from '#shared/faults/failure.ts'
import { FAULTS } from '#shared/faults/fault.ts'
import { PushBody } from '#shared/feeds/event.ts'
import { GOOD_ANSWER } from '#test/support/feeds/good-answer.ts'
import { fc } from '#test/support/house/properties.ts'

const middle = { pace: FEED_PACE, chance: 0.5 }
const idle: PollEnd = { failed: false, newEvents: 0, stop: 'no_cursor' }
const flowing: PollEnd = { failed: false, newEvents: 3, stop: 'empty_page' }
const failed = (retryCount: number, retryAfterSeconds: number | null = null): PollEnd => {
  return { failed: true, retryCount, retryAfterSeconds }
}

describe('The pace of a feed', () => {
  it('is fast while events flow', () => {
    expect(nextPoll(flowing, FEED_PACE.slowMs, middle)).toEqual({ delayMs: 1_000, intervalMs: 1_000 })
  })

  it('has no wait while more events are ready than one poll may read', () => {
    expect(nextPoll({ ...flowing, stop: 'budget' }, 60_000, middle)).toEqual({ delayMs: 0, intervalMs: 1_000 })
  })

  it('slows down to once a minute while nothing new arrives, for any number of pages', () => {
    for (const stop of ['no_cursor', 'budget', 'repeated_cursor'] as const) {
      let intervalMs = FEED_PACE.fastMs
      const intervals = Array.from({ length: 14 }, () => {
        intervalMs = nextPoll({ ...idle, stop }, intervalMs, middle).intervalMs
        return intervalMs
      })
      expect(intervals.slice(0, 3)).toEqual([1_500, 2_250, 3_375])
      expect(intervals.slice(-3)).toEqual([60_000, 60_000, 60_000])
      expect(intervals).toEqual(intervals.toSorted((a, b) => a - b))
    }
  })

  it('doubles its wait with every failure, up to a quarter of an hour', () => {
    const delays = [1, 2, 3, 4, 30, 1_000_000].map(
      count => nextPoll(failed(count), 1_000, { ...middle, chance: 0.999 }).delayMs,
    )
    expect(delays.map(ms => Math.round(ms / 1_000))).toEqual([2, 4, 8, 16, 900, 900])
    expect(nextPoll(failed(5), 7_000, middle).intervalMs).toBe(7_000)
  })

  it('never polls before Retry-After, nor waits more than an hour for it', () => {
    fc.assert(
      fc.property(
        fc.nat(50),
        fc.nat(2 ** 31),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (count, seconds, chance) => {
          const { delayMs } = nextPoll(failed(count, seconds), 1_000, { pace: FEED_PACE, chance })
          return delayMs >= Math.min(seconds * 1_000, 3_600_000) && delayMs <= 3_600_000 * 1.1
        },
      ),
    )
  })

  it('spreads feeds that were in step', () => {
    const delay = (end: PollEnd, chance: number) => nextPoll(end, 60_000, { pace: FEED_PACE, chance }).delayMs
    expect([delay(idle, 0), delay(idle, 0.999)].map(Math.round)).toEqual([54_000, 65_988])
    expect([delay(failed(4), 0), delay(failed(4), 0.999)].map(Math.round)).toEqual([8_000, 15_992])
  })
})

describe('A poll', () => {
  const page = (nextCursor: string | null, size = 2) => ({ events: Array(size).fill({}), nextCursor })
  const poll = (...sent: (string | null)[]) => ({ sent, maxPages: 3 })

  it('continues while nextCursor advances', () => {
    expect(afterPage(poll(null), page('a'))).toEqual({ cursor: 'a', stop: null, drained: false })
    expect(afterPage(poll(null, 'a'), page('b'))).toEqual({ cursor: 'b', stop: null, drained: false })
  })

  it('keeps the cursor when nextCursor is absent', () => {
    expect(afterPage(poll(null), page(null))).toEqual({ cursor: null, stop: 'no_cursor', drained: true })
    expect(afterPage(poll('a'), page(null))).toEqual({ cursor: 'a', stop: 'no_cursor', drained: true })
  })

  it('stops when nextCursor is unchanged, the page empty, or the budget spent', () => {
    expect(afterPage(poll('a'), page('a'))).toEqual({ cursor: 'a', stop: 'same_cursor', drained: true })
    expect(afterPage(poll('a'), page('b', 0))).toEqual({ cursor: 'b', stop: 'empty_page', drained: true })
    expect(afterPage(poll('a', 'b', 'c'), page('d'))).toEqual({ cursor: 'd', stop: 'budget', drained: false })
  })

  it('does not follow a cursor that it has already sent', () => {
    expect(afterPage(poll('a', 'b'), page('a'))).toEqual({ cursor: 'a', stop: 'repeated_cursor', drained: true })
  })

  it('always ends within its budget, for any cursors', () => {
    const cursors = fc.array(fc.option(fc.constantFrom('a', 'b', 'c', 'd', 'e')), { minLength: 9, maxLength: 9 })
    fc.assert(
      fc.property(cursors, answers => {
        const sent: (string | null)[] = [null]
        for (const nextCursor of answers) {
          const step = afterPage({ sent, maxPages: 4 }, page(nextCursor))
          if (step.stop !== null) return sent.length <= 4
          sent.push(step.cursor)
        }
        return false
      }),
    )
  })

  it('requests at least one event, and sends no cursor the first time', () => {
    expect(eventsRequest(null, 0)).toBe('{"type":"events","limit":1}')
    expect(eventsRequest('c"1', 500)).toBe('{"type":"events","cursor":"c\\"1","limit":500}')
  })
})

describe('The lag of a feed', () => {
  it.each([
    ['drained', { drained: true, newestEventAtMs: 0, lastSuccessAtMs: 9_999_999 }, 0],
    ['not drained', { drained: false, newestEventAtMs: 1_000, lastSuccessAtMs: 8_999 }, 7],
    ['of a customer whose clock is ahead', { drained: false, newestEventAtMs: 9_000, lastSuccessAtMs: 1_000 }, 0],
    ['without an event', { drained: false, newestEventAtMs: null, lastSuccessAtMs: 1_000 }, 0],
    ['never polled', { drained: false, newestEventAtMs: null, lastSuccessAtMs: null }, 0],
    [
      'of an event at the beginning of time',
      { drained: false, newestEventAtMs: -8.64e15, lastSuccessAtMs: 0 },
      2_147_483_647,
    ],
  ])('%s', (_, facts, seconds) => expect(eventLag(facts)).toBe(seconds))
})

describe('A page', () => {
  const event = { id: 'e1', model: 'task', entityId: '1', type: 'CREATE' }
  const only = (more: object) => parseFeedPage(JSON.stringify({ events: [{ ...event, ...more }] }))?.events[0]

  it('keeps unknown fields, and data of any kind', () => {
    const more = { data: null, occurredAt: 1.5, organizationId: null, extra: { deep: [1] }, nextCursor: 'no' }
    expect(only(more)).toEqual({ id: 'e1', occurredAtMs: 1.5, json: JSON.stringify({ ...event, ...more }) })
  })

  it('keeps a field named __proto__', () => {
    const body = `{"events":[{"id":"e1","model":"m","entityId":"1","type":"CREATE","__proto__":{"id":"x"},"data":{"__proto__":1}}]}`
    expect(parseFeedPage(body)?.events[0]?.json).toBe(body.slice('{"events":['.length, -2))
  })

  it('keeps every digit of every number', () => {
    const numbers = '[12345678901234567890,-0.12345678901234567890,1e400,1E-400,0,1.5,"1e5"]'
    const json = `{"id":"e1","model":"m","entityId":"1","type":"CREATE","data":${numbers},"occurredAt":1.7672256e12}`
    expect(parseFeedPage(`{"events":[${json}]}`)?.events).toEqual([{ id: 'e1', occurredAtMs: 1_767_225_600_000, json }])
  })

  it('is cut into its events exactly at their boundaries, in any layout', () => {
    const around = fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 3 })
    fc.assert(
      fc.property(fc.array(fc.jsonValue(), { maxLength: 5 }), around, fc.nat(3), (events, more, indent) => {
        const text = JSON.stringify({ ...more, events, last: more }, null, indent)
        const texts = elementTexts(text, 'events', MAX_JSON_DEPTH)
        expect(texts?.map(one => JSON.parse(one))).toEqual(JSON.parse(text).events)
        expect(texts?.every(one => text.includes(one))).toBe(true)
      }),
    )
    const twice = '{"events":[1],"x":{"events":[9]},"ev\\u0065nts" : [ 2 , [3,4] , "a,]" ],"y":"events"}'
    expect(elementTexts(twice, 'events', MAX_JSON_DEPTH)).toEqual(['2', '[3,4]', '"a,]"'])
    expect(JSON.parse(twice).events).toEqual([2, [3, 4], 'a,]'])
  })

  it('stores text that PostgreSQL cannot hold with escapes', () => {
    expect(only({ data: 'a\u0000b\ud800' })?.json).toContain('"a\\u0000b\\ud800"')
  })

  it('treats an empty nextCursor as absent', () => {
    expect(parseFeedPage('{"events":[],"nextCursor":""}')).toEqual({ events: [], nextCursor: null })
  })

  it.each([
    ['an id', { id: '' }],
    ['an id', { id: 'x'.repeat(513) }],
    ['an id', { id: 7 }],
    ['an id', { id: '\ud800' }],
    ['a model', { model: '' }],
    ['an entity', { entityId: 7 }],
    ['a type', { type: 'create' }],
    ['a time', { occurredAt: '2026-11-21' }],
    ['a time', { occurredAt: 1e300 }],
  ])('is invalid with %s such as %j', (_, more) => expect(only(more)).toBeUndefined())

  it('is invalid when it is nested too deep, without counting brackets in strings', () => {
    const nested = (depth: number) => only({ data: JSON.parse('['.repeat(depth) + ']'.repeat(depth)) })
    expect(nested(MAX_JSON_DEPTH - 3)?.id).toBe(event.id)
    expect(nested(MAX_JSON_DEPTH - 2)).toBeUndefined()
    expect(only({ data: '[{"'.repeat(10_000) })?.id).toBe(event.id)
    expect(only({ data: '\\"[[[\\'.repeat(10_000) })?.id).toBe(event.id)
    expect(parseFeedPage(`{"events":${'['.repeat(1_000_000)}`)).toBeNull()
  })

  it('is parsed without harm for any content', () => {
    fc.assert(fc.property(fc.jsonValue(), any => only({ data: any })?.json === JSON.stringify({ ...event, data: any })))
    fc.assert(fc.property(fc.string(), text => parseFeedPage(text) === null))
  })

  it('is parsed alike from a push, which accepts no other field', () => {
    const body = JSON.stringify({ events: [event, event] })
    expect(readPush(body)).toEqual(parseFeedPage(body)?.events)
    expect(readPush(JSON.stringify({ events: [event], cursor: 'x' }))).toBeNull()
    expect(PushBody.safeParse({ events: [{ ...event, extra: 1 }] }).success).toBe(true)
  })
})

describe('The verdict on an endpoint', () => {
  const judge = (code: FailureCode, passed: Stage | null, more: Partial<EndpointAnswer> = {}) =>
    verifyEndpointKeys({
      signed: { ...GOOD_ANSWER, status: null, page: null, failure: { code }, passed, tls: null, ...more },
      forged: null,
    })
  const line = (verdict: ReturnType<typeof judge>) => verdict.checks.map(check => check.outcome[0]).join('')

  it.each([
    ['endpoint_url_refused', null, 'fssss', 'refused', 'invalid_body'],
    ['name_not_found', 'parse', 'fssss', 'unreachable', 'database_unreachable'],
    ['host_refused', 'resolve', 'fssss', 'refused', 'byo_host_not_allowed'],
    ['connection_refused', 'policy', 'pfsss', 'unreachable', 'database_unreachable'],
    ['connection_timeout', 'policy', 'pfsss', 'unreachable', 'database_unreachable'],
    ['connection_timeout', 'connect', 'ppfss', 'unreachable', 'database_unreachable'],
    ['certificate_untrusted', 'connect', 'ppfss', 'refused', 'tls_failed'],
    ['cleartext_refused', 'connect', 'ppfss', 'refused', 'tls_failed'],
  ] as const)('after %s past %s is %s', (...[code, passed, checks, outcome, reason]) => {
    const verdict = judge(code, passed)
    expect(line(verdict)).toBe(checks)
    expect(verdict).toMatchObject({ outcome, reason, retryable: failureSpec(code).retryable })
    const found = verdict.checks.find(check => check.outcome === 'fail')
    expect([found?.actual, found?.fix]).toEqual([expect.any(String), expect.not.stringContaining('sslmode')])
  })

  it('distinguishes silence after the handshake from a failed connect', () => {
    expect(line(judge('connection_timeout', 'tls', { tls: GOOD_ANSWER.tls }))).toBe('pppsf')
  })

  it('exists for every failure, each with one failed line and a fault of the table', () => {
    for (const code of Object.keys(FAILURES) as FailureCode[]) {
      for (const passed of [
        null,
        'parse',
        'resolve',
        'policy',
        'connect',
        'tls',
        'authenticate',
        'protocol',
      ] as const) {
        const verdict = judge(code, passed, { status: 500 })
        expect(verdict.checks.map(check => check.item)).toEqual(ENDPOINT_ITEMS)
        expect(verdict.checks.filter(check => check.outcome === 'fail')).toHaveLength(1)
        expect(FAULTS).toHaveProperty(verdict.reason ?? '')
      }
    }
  })

  it('shows no TLS for a connection without it', () => {
    expect(line(verifyEndpointKeys({ signed: { ...GOOD_ANSWER, tls: null }, forged: null }))).toBe('ppspp')
  })

  it('reports when the check of signatures could not be tested', () => {
    const forged = { ...GOOD_ANSWER, status: 503, page: null, failure: { code: 'endpoint_failing' } as const }
    expect(verifyEndpointKeys({ signed: GOOD_ANSWER, forged }).advisories).toEqual([
      { item: 'signature', recommendation: expect.stringContaining('could not tell whether') },
    ])
    const refused = { ...forged, status: 400, failure: { code: 'endpoint_status' } as const }
    expect(verifyEndpointKeys({ signed: GOOD_ANSWER, forged: refused }).advisories).toEqual([])
  })

  it('is one of our sentences, with the HTTP status at most', () => {
    expect(lastError({ code: 'endpoint_failing' }, 503)).toBe(
      'The last poll failed: an answer that asks for a retry later (HTTP 503).',
    )
    expect(lastError({ code: 'endpoint_answer' }, 200)).toBe(
      'The last poll failed: an answer that the endpoint protocol does not allow.',
    )
    expect(lastError({ code: 'connection_refused' }, null)).toBe('The last poll failed: the connection was refused.')
  })
})
