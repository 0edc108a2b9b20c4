/**
 * Attack: a customer's endpoint answers with a page that takes a second to read, at every poll, and holds up every other
 * tenant of the worker. A page is read in the process that can be killed; the worker gets events that it stores as they are.
 */
import { performance } from 'node:perf_hooks'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readPage } from '#server/domain/feed-page.ts'
import { MAX_PAGE_EVENTS, packPage, pipedBytes, readReply, unpackPage } from '#server/net/request-answer.ts'

const EVENT = '"model":"order","entityId":"1","type":"CREATE"'
const page = (content: string) => `{"events":[{"id":"1",${EVENT},"data":${content}}]}`

/** Bodies of some eight megabytes that take long to read. */
const HOSTILE: Readonly<Record<string, string>> = {
  'deep and wide': page(`[${Array.from({ length: 60_000 }, () => '['.repeat(60) + ']'.repeat(60)).join(',')}]`),
  'empty objects': page(`[${'{},'.repeat(2_700_000)}1]`),
  numbers: page(`[${'1,'.repeat(4_000_000)}1]`),
  keys: page(`{${Array.from({ length: 600_000 }, (_, at) => `"k${at}":1`).join(',')}}`),
  'as many events as are taken': `{"events":[${Array.from({ length: MAX_PAGE_EVENTS }, (_, at) => `{"id":"${at}",${EVENT},"data":"${'x'.repeat(700)}"}`).join(',')}]}`,
}

function cpuMs(work: () => unknown): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}

describe('A page of eight megabytes', () => {
  it.each(Object.entries(HOSTILE))('costs the worker’s loop less than 250 ms, however it is made: %s', (what, body) => {
    const startedAt = performance.now()
    const read = readPage(body)
    if (read === null) throw new Error('it is a page')
    const inTheChild = performance.now() - startedAt
    const bytes = packPage(read)
    expect(bytes.length).toBeLessThanOrEqual(pipedBytes(8 << 20))
    const onTheLoop = cpuMs(() => unpackPage(bytes))
    process.stdout.write(
      `${what}: ${Math.round(inTheChild)} ms in the child, ${Math.round(onTheLoop)} ms on the loop\n`,
    )
    expect(onTheLoop).toBeLessThan(250)
    expect(unpackPage(bytes)).toEqual(read)
  })
})

describe('A page of more events than are taken', () => {
  it('is refused as larger than is taken, and none of it is kept', () => {
    const reply = {
      status: 200,
      retryAfterSeconds: null,
      failure: null,
      passed: 'protocol' as const,
      addresses: [],
      tls: null,
      clockOffsetSeconds: 0,
      tookMs: 1,
    }
    const ofEvents = (count: number) =>
      `{"events":[${Array.from({ length: count }, (_, at) => `{"id":"${at}",${EVENT}}`).join(',')}]}`
    expect(readReply({ ...reply, body: ofEvents(MAX_PAGE_EVENTS) }).page?.events).toHaveLength(MAX_PAGE_EVENTS)
    const refused = readReply({ ...reply, body: ofEvents(MAX_PAGE_EVENTS + 1) })
    expect(refused).toMatchObject({ page: null, failure: { code: 'response_too_large' } })
    expect(readReply({ ...reply, body: '{"events":1}' })).toMatchObject({ failure: { code: 'endpoint_answer' } })
  })
})

describe('What passes between the processes', () => {
  it('is the page, whatever its events hold', () => {
    const event = fc.record({
      id: fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
      occurredAtMs: fc.option(fc.integer({ min: 0 })),
      json: fc.string({ unit: 'binary', maxLength: 40 }),
    })
    const pages = fc.record({
      events: fc.array(event, { maxLength: 5 }),
      nextCursor: fc.option(fc.string({ unit: 'binary' })),
    })
    fc.assert(
      fc.property(pages, one => {
        expect(unpackPage(packPage(one))).toEqual(one)
      }),
    )
  })
})
