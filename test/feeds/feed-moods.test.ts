/**
 * Feeds of endpoints with every behaviour, followed by the worker itself: the stored events, the displayed state, the
 * next poll.
 */
import { once } from 'node:events'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FEED_PACE } from '#server/domain/feeds/feed.ts'
import { query } from '#test/support/database/postgres.ts'
import { event, events, type Followed, hosted, ids, startFollowed } from '#test/support/feeds/followed.ts'
import type { Mood } from '#test/support/feeds/stranger.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'

let followed: Followed
beforeAll(async () => {
  followed = await startFollowed()
})
afterAll(() => followed.stop())

let made = 0

/** An endpoint whose first two events were read; the test's end removes it. */
async function afterTwo(test: (id: string, path: string) => Promise<void>): Promise<void> {
  followed.stranger.be(hosted({ count: () => 2 }))
  const path = `/feed/${made++}`
  const { id } = await followed.register(path)
  await followed.run('poll', id)
  expect(await followed.stored(id)).toEqual(ids(0, 2))
  // From here on the test triggers each poll: the next one by itself is a second away.
  const polls = `kind = 'poll' and datasource_id = '${bareUuid(id)}'`
  await query(followed.mooring.databaseUrl, `update tasks set due_at = now() + interval '1 hour' where ${polls}`)
  await test(id, path)
  await followed.mooring.call('DELETE', `/v1/datasources/${id}`)
}

/** Seconds until the next poll, counted from the end of the last one. */
async function secondsToNext(id: string): Promise<number> {
  const sql = `select extract(epoch from t.due_at - f.last_request_at)::float8 as seconds from tasks t
    join feeds f using (org_id, datasource_id) where t.kind = 'poll' and datasource_id = '${bareUuid(id)}'`
  const [row] = await query(followed.mooring.databaseUrl, sql)
  return Number(row?.['seconds'])
}

const answering =
  (answer: (asked: { cursor?: string; limit: number }) => object): Mood =>
  (response, { body }) =>
    response.end(JSON.stringify(answer(JSON.parse(body))))

/** Sends until the other side closes. */
const endless: Mood = async response => {
  const piece = Buffer.alloc(1 << 16, ' ')
  response.write('{"events":[')
  while (!response.destroyed && !response.socket?.destroyed) if (!response.write(piece)) await heard(response)
}

async function heard(response: Parameters<Mood>[0]): Promise<void> {
  const gone = new AbortController()
  await Promise.race(['drain', 'close'].map(name => once(response, name, { signal: gone.signal }).catch(() => {})))
  gone.abort()
}

const FAILING: readonly [string, Mood, string][] = [
  [
    '500',
    response => response.writeHead(500).end('our stack trace'),
    'an answer that asks for a retry later (HTTP 500)',
  ],
  [
    'a redirect',
    response => response.writeHead(307, { location: '/elsewhere' }).end(),
    'a redirect, which is never followed (HTTP 307)',
  ],
  [
    'a body of 10 GB',
    response => response.writeHead(200, { 'content-length': '10000000000' }).end(),
    'an answer that is too large',
  ],
  ['a body without end', endless, 'an answer that is too large'],
  [
    'a gzip bomb',
    response => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(1 << 20))),
    'a compressed answer',
  ],
  ['wrong JSON', response => response.end('{"events": [}'), 'an answer that the endpoint protocol does not allow'],
  [
    'another shape',
    answering(() => ({ events: [event(2)], nextCursor: 3 })),
    'an answer that the endpoint protocol does not allow',
  ],
  ['a connection that breaks', response => response.socket?.destroy(), 'the connection was interrupted'],
  [
    'a clock ten minutes off',
    hosted({ nowSeconds: () => Date.now() / 1_000 + 600 }),
    'the timestamp of our signature was rejected (HTTP 401)',
  ],
]

describe('A feed that fails', () => {
  it.each(FAILING)(
    'with %s keeps its cursor and its events, reports why, backs off, and resumes from there',
    async (_, mood, observed) => {
      await afterTwo(async (id, path) => {
        const before = await followed.shown(id)
        followed.stranger.be(mood)
        await followed.run('poll', id)
        const failed = await followed.shown(id)
        expect(failed).toMatchObject({ status: 'active', cursor: '2', last_success_at: before['last_success_at'] })
        expect(failed['retry_count']).toBeGreaterThanOrEqual(1)
        expect(failed['last_error']).toBe(`The last poll failed: ${observed}.`)
        expect(await followed.stored(id)).toEqual(ids(0, 2))
        expect(await secondsToNext(id)).toBeGreaterThanOrEqual(1)
        expect(followed.stranger.received.map(one => one.path)).not.toContain('/elsewhere')

        const retried = followed.stranger.received.filter(one => one.path === path).at(-1)
        followed.stranger.be(hosted({ count: () => 4 }))
        await followed.run('poll', id)
        expect(await followed.shown(id)).toMatchObject({ cursor: '4', retry_count: 0, last_error: null, event_lag: 0 })
        expect(await followed.stored(id)).toEqual(ids(0, 4))
        const messages = followed.stranger.received
          .filter(one => one.path === path)
          .map(one => one.headers['webhook-id'])
        // The retry was the same message; the later pages were others.
        expect(messages.filter(message => message === retried?.headers['webhook-id']).length).toBeGreaterThanOrEqual(2)
      })
    },
  )

  it('every time is polled ever more rarely', async () => {
    await afterTwo(async id => {
      followed.stranger.be(response => response.writeHead(503).end())
      const delays: number[] = []
      for (let round = 0; round < 5; round += 1) {
        await followed.run('poll', id)
        delays.push(await secondsToNext(id))
      }
      expect((await followed.shown(id))['retry_count']).toBeGreaterThanOrEqual(5)
      expect(delays.at(-1)).toBeGreaterThan((delays[0] ?? 0) * 2)
    })
  })

  it('with 429 and Retry-After is left alone for that long', async () => {
    await afterTwo(async id => {
      followed.stranger.be(response => response.writeHead(429, { 'retry-after': '120' }).end())
      await followed.run('poll', id)
      expect(await secondsToNext(id)).toBeGreaterThanOrEqual(120)
      expect(await followed.shown(id)).toMatchObject({ cursor: '2', retry_count: 1 })
    })
  })

  it('by hanging in the middle of a body is left after ten seconds', async () => {
    await afterTwo(async id => {
      followed.stranger.be(response => response.writeHead(200).write('{"events":['))
      const startedAt = Date.now()
      await followed.run('poll', id)
      expect(Date.now() - startedAt).toBeLessThan(60_000)
      expect(await followed.shown(id)).toMatchObject({ cursor: '2', status: 'active' })
      expect((await followed.shown(id))['last_error']).toMatch(/^The last poll failed: /)
      expect(await followed.stored(id)).toEqual(ids(0, 2))
      followed.stranger.be(hosted())
    })
  })
})

describe('An odd feed', () => {
  it('that is slow is followed nevertheless', async () => {
    await afterTwo(async id => {
      const quick = hosted({ count: () => 3 })
      followed.stranger.be((response, received) => void setTimeout(() => quick(response, received), 700))
      await followed.run('poll', id)
      expect(await followed.shown(id)).toMatchObject({ cursor: '3', retry_count: 0, last_error: null })
      followed.stranger.be(quick)
    })
  })

  it('that repeats events, within a page and across pages, has each stored once, at its first place', async () => {
    await afterTwo(async id => {
      const pages: Record<string, object> = {
        2: { events: [event(1, { changed: true }), event(2), event(2), event(3)], nextCursor: 'b' },
        b: { events: [event(3), event(4), event(0)], nextCursor: 'c' },
        c: { events: [] },
      }
      followed.stranger.be(answering(({ cursor = '' }) => pages[cursor] ?? {}))
      await followed.run('poll', id)
      expect(await followed.stored(id)).toEqual(ids(0, 5))
      expect(await followed.shown(id)).toMatchObject({ cursor: 'c', event_lag: 0 })
      const list = await followed.mooring.call('GET', `/v1/datasources/${id}/events`)
      expect(list.body.data[1]).not.toHaveProperty('changed')
    })
  })

  it('that sends its last page repeatedly without a cursor is stored once, and polled ever more slowly', async () => {
    await afterTwo(async id => {
      followed.stranger.be(answering(() => ({ events: events(2, 4) })))
      const delays: number[] = []
      for (let round = 0; round < 4; round += 1) {
        await followed.run('poll', id)
        delays.push(await secondsToNext(id))
      }
      expect(await followed.stored(id)).toEqual(ids(0, 4))
      expect(await followed.shown(id)).toMatchObject({ cursor: '2', retry_count: 0, last_error: null })
      expect(delays.at(-1)).toBeGreaterThan((delays[0] ?? 0) * 1.5)
    })
  })

  it('whose cursor goes backwards is not followed in circles, and loses and repeats nothing', async () => {
    await afterTwo(async (id, path) => {
      const pages: Record<string, object> = {
        2: { events: events(2, 4), nextCursor: '4' },
        4: { events: events(4, 6), nextCursor: '2' },
      }
      followed.stranger.be(answering(({ cursor = '' }) => pages[cursor] ?? {}))
      const before = followed.stranger.received.filter(one => one.path === path).length
      await followed.run('poll', id)
      expect(followed.stranger.received.filter(one => one.path === path).length - before).toBeLessThanOrEqual(4)
      expect(await followed.stored(id)).toEqual(ids(0, 6))
    })
  })

  it('that never ends is left after its budget, and lags by the age of its newest event', async () => {
    await afterTwo(async (id, path) => {
      let limit = 0
      const page = answering(({ cursor = '0', limit: asked }) => {
        limit = asked
        const from = Number(cursor)
        // Stops for good, so that the worker does not continue after this test.
        if (from >= 42) return { events: [] }
        return { events: [event(from, { occurredAt: Date.now() - 3_600_000 })], nextCursor: String(from + 1) }
      })
      // More events follow than the budget's pages when the feed is read: the next poll comes at once.
      const [asked, seen] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      followed.stranger.be(async (response, received) => {
        if (JSON.parse(received.body).cursor === '22') {
          asked.resolve()
          await seen.promise
        }
        page(response, received)
      })
      const requests = () => followed.stranger.received.filter(one => one.path === path).length
      const before = requests()
      const polled = followed.run('poll', id)
      await asked.promise
      const { event_lag: lag, cursor } = await followed.shown(id)
      seen.resolve()
      await polled
      expect(limit).toBe(FEED_PACE.pageLimit)
      expect(cursor).toBe('22')
      expect(lag).toBeGreaterThanOrEqual(3_590)
      while ((await followed.shown(id))['cursor'] !== '42') await followed.run('poll', id)
      expect(requests() - before).toBeGreaterThanOrEqual(40)
      expect(await followed.stored(id)).toEqual(ids(0, 42))
      await followed.run('poll', id)
      expect(await followed.shown(id)).toMatchObject({ event_lag: 0 })
    })
  })
})
