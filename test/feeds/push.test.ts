/** Pushed events: with a key alone, and with a signature as well. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sign } from '#server/net/endpoint/signature.ts'
import { capability } from '#test/support/access/actors.ts'
import { settled } from '#test/support/checks/verdicts.ts'
import { query } from '#test/support/database/postgres.ts'
import { difference, effects } from '#test/support/database/rows.ts'
import { event, events, type Followed, hosted, ids, startFollowed } from '#test/support/feeds/followed.ts'
import { KEY } from '#test/support/feeds/stranger.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'

let followed: Followed
let id: string
beforeAll(async () => {
  followed = await startFollowed()
  followed.stranger.be(hosted())
  id = (await followed.register('/pushed')).id
  await followed.run('poll', id)
})
afterAll(() => followed.stop())

const path = () => `/v1/datasources/${id}/events`
const push = (body: unknown, headers: Record<string, string> = {}, key?: string | null) =>
  followed.mooring.call('POST', path(), { body, headers, ...(key === undefined ? {} : { key }) })

/** Headers of a message that the customer signs. */
function signed(body: string, { at, id, key }: { id: string; key?: string; at?: number }): Record<string, string> {
  const timestamp = String(Math.floor(at ?? Date.now() / 1_000))
  const signature = sign({ id, timestamp, body }, [key ?? KEY])
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature }
}

/** Asserts that nothing of the feed changes, whatever `act` returns. */
async function leavesNothing(act: () => Promise<unknown>): Promise<void> {
  const rows = async () => {
    const {
      'public.feeds': feeds = [],
      'public.feed_events': stored = [],
      'public.feed_pushes': pushes = [],
    } = await effects(followed.mooring.databaseUrl)
    // The worker keeps polling meanwhile, which changes only the times of a feed.
    const still = feeds.map(row => row.replaceAll(/"(last_\w+_at|polled_at|pages|interval_ms)": [^,}]*/g, ''))
    return { feeds: still, stored, pushes }
  }
  const before = await rows()
  await act()
  expect(difference(before, await rows())).toEqual([])
}

describe('A push', () => {
  it('with a key is stored in its order, once, and read like polled events', async () => {
    const answer = await push({ events: events(0, 3) })
    expect([answer.status, answer.body]).toEqual([200, { object: 'event_push', received: 3, stored: 3 }])
    const again = await push({ events: events(1, 4) })
    expect(again.body).toEqual({ object: 'event_push', received: 3, stored: 1 })
    expect(await followed.stored(id)).toEqual(ids(0, 4))
    const read = await followed.mooring.call('GET', path())
    expect(read.body.data.map((one: { id: string }) => one.id)).toEqual(ids(0, 4))
    expect(await followed.shown(id)).toMatchObject({ cursor: null })
  })

  it('may have one mebibyte and not a byte more, while other bodies have 64 KiB', async () => {
    const filled = (bytes: number) => {
      const [start, end] = JSON.stringify({ events: [event(100, { data: '#' })] }).split('#')
      return `${start}${'x'.repeat(bytes - `${start}${end}`.length)}${end}`
    }
    await leavesNothing(async () => expect((await push(filled((1 << 20) + 1))).status).toBe(413))
    expect((await push(filled(1 << 20))).body).toMatchObject({ stored: 1 })
    const other = await followed.mooring.call('POST', '/v1/datasources', { body: filled(70_000) })
    expect(other.status).toBe(413)
  })

  it.each([
    ['no events', {}, 'events'],
    ['events that are no list', { events: {} }, 'events'],
    ['an event without an id', { events: [{ ...event(200), id: undefined }] }, 'events.0.id'],
    ['an unknown type', { events: [event(201), event(202, { type: 'DROP' })] }, 'events.1.type'],
    ['a field of its own', { events: [], more: 1 }, 'more'],
  ])('with %s is refused as a whole, and the error names the place', async (_, body, param) => {
    await leavesNothing(async () => {
      const answer = await push(body)
      expect([answer.status, answer.body.code, answer.body.param]).toEqual([400, 'invalid_body', param])
    })
  })

  it('without a credential, or with one that lacks the scope, writes nothing', async () => {
    const wrong = await capability(followed.mooring, { scopes: ['feeds.read'] })
    const body = JSON.stringify({ events: [event(300)] })
    await leavesNothing(async () => {
      expect((await push(body, {}, null)).status).toBe(401)
      // A signature does not make up for an invalid key.
      expect((await push(body, signed(body, { id: 'bad-key' }), 'sk_test_nobody')).status).toBe(401)
      expect((await push(body, {}, wrong)).status).toBe(403)
      expect((await push(body, {}, followed.mooring.organization.liveKey)).status).toBe(403)
    })
    const right = await capability(followed.mooring, { scopes: ['feeds.write'] })
    expect((await push(body, {}, right)).body).toMatchObject({ stored: 1 })
  })

  it('with an id is stored once, and a repeat replays the first answer; another body is a conflict', async () => {
    const body = { events: [event(400)] }
    const first = await push(body, { 'webhook-id': 'msg_400' })
    expect(first.body).toEqual({ object: 'event_push', received: 1, stored: 1 })
    await leavesNothing(async () => {
      const second = await push(body, { 'webhook-id': 'msg_400' })
      expect([second.status, second.body]).toEqual([first.status, first.body])
      const other = await push({ events: [event(401), event(402)] }, { 'webhook-id': 'msg_400' })
      expect([other.status, other.body.code, other.body.param]).toEqual([409, 'idempotency_conflict', 'webhook-id'])
    })
  })

  it('that arrives ten times at once under one id is stored once, and all get the same answer', async () => {
    const body = { events: events(500, 510) }
    const answers = await Promise.all(Array.from({ length: 10 }, () => push(body, { 'webhook-id': 'msg_500' })))
    expect(new Set(answers.map(answer => answer.text)).size).toBe(1)
    expect(answers[0]?.body).toMatchObject({ received: 10, stored: 10 })
  })
})

describe('A signed push', () => {
  it('whose signature matches the exact bytes is stored, and leaves nothing in a task', async () => {
    // Formatted as no serializer would: the signature covers the bytes.
    const body = `{ "events" : [ ${JSON.stringify(event(600, { data: 'é✓' }))} ] }\n`
    const answer = await push(body, signed(body, { id: 'msg_600' }))
    expect([answer.status, answer.body]).toEqual([200, { object: 'event_push', received: 1, stored: 1 }])
    const again = await push(body, signed(body, { id: 'msg_600' }))
    expect(again.body).toEqual(answer.body)
    expect(await query(followed.mooring.databaseUrl, `select id from tasks where kind = 'push'`)).toEqual([])
  })

  const body = JSON.stringify({ events: [event(700)] })
  it.each([
    ['other bytes', () => push(`${body} `, signed(body, { id: 'msg_700' }))],
    ['another key', () => push(body, signed(body, { id: 'msg_700', key: 'another key' }))],
    ['another id', () => push(body, { ...signed(body, { id: 'msg_700' }), 'webhook-id': 'msg_701' })],
    ['an old time', () => push(body, signed(body, { id: 'msg_700', at: Date.now() / 1_000 - 400 }))],
    ['no time', () => push(body, { 'webhook-id': 'msg_700', 'webhook-signature': 'v1,x' })],
    ['no name', () => push(body, { 'webhook-timestamp': '1', 'webhook-signature': 'v1,x' })],
    ['no signature in it', () => push(body, { ...signed(body, { id: 'msg_700' }), 'webhook-signature': 'v2,x' })],
  ])('with %s is refused although its key may push, and stores nothing', async (_, send) => {
    await leavesNothing(async () => {
      const answer = await send()
      expect([answer.status, answer.body.code, answer.body.param]).toEqual([
        400,
        'invalid_request',
        'webhook-signature',
      ])
    })
  })

  it('is accepted with the old and the new key during a rotation', async () => {
    const next = 'sk_test_the_next_key_of_acme'
    await followed.mooring.call('POST', `/v1/datasources/${id}/rotate_key`, { body: { signingKey: next } })
    await settled(followed.mooring.databaseUrl, bareUuid(id))
    for (const [at, key] of [KEY, next].entries()) {
      const text = JSON.stringify({ events: [event(800 + at)] })
      expect((await push(text, signed(text, { id: `msg_${800 + at}`, key }))).body).toMatchObject({ stored: 1 })
    }
  })
})
