/**
 * Reading a feed: pages, the subscription and its resumption, and retention, after which deleted events do not come
 * back.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readOrigin, restored } from '#server/store/installation/installation.ts'
import { query } from '#test/support/database/postgres.ts'
import { event, events, type Followed, hosted, ids, startFollowed } from '#test/support/feeds/followed.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { purgeLater } from '#test/support/operations/forgetting.ts'

type Id = `dse_${string}`

let followed: Followed
beforeAll(async () => {
  followed = await startFollowed()
})
afterAll(() => followed.stop())

let made = 0

/** An endpoint with this many events, all of them read. */
async function withEvents(count: () => number): Promise<Id> {
  followed.stranger.be(hosted({ count }))
  const { id } = await followed.register(`/read/${made++}`)
  await followed.run('poll', id)
  return id as Id
}

const list = (id: string, search = '') => followed.mooring.call('GET', `/v1/datasources/${id}/events${search}`)

describe('The newest events', () => {
  it('come newest first, as many as requested, with the times of the event and of its storage', async () => {
    const before = Date.now()
    const id = await withEvents(() => 7)
    const { items } = await followed.mooring.client().feeds.recent.query({ id, limit: 3 })
    expect(items.map(item => item.id)).toEqual(['e6', 'e5', 'e4'])
    const { position, storedAtMs, text, ...newest } = items[0] ?? expect.unreachable()
    const { occurredAt: occurredAtMs, ...about } = event(6)
    expect(newest).toEqual({ ...about, occurredAtMs })
    expect(JSON.parse(text)).toEqual(event(6))
    expect(storedAtMs).toBeGreaterThanOrEqual(before)
    expect((await followed.mooring.client().feeds.list.query({ id })).items.at(-1)?.position).toBe(position)
  })

  it('are as many as fit into the answer, and at least one', async () => {
    const large = 'x'.repeat(150_000)
    followed.stranger.be(response =>
      response.end(JSON.stringify({ events: events(0, 3).map(one => ({ ...one, data: large })) })),
    )
    const { id } = await followed.register(`/read/${made++}`)
    await followed.run('poll', id)
    const recent = async () => (await followed.mooring.client().feeds.recent.query({ id: id as Id })).items
    expect((await recent()).map(item => item.id)).toEqual(['e2'])
    followed.stranger.be(response => response.end(JSON.stringify({ events: [event(9)] })))
    await followed.run('poll', id)
    expect((await recent()).map(item => item.id)).toEqual(['e9', 'e2'])
  })

  it('exist only for an endpoint', async () => {
    const { datasources, feeds } = followed.mooring.client()
    const { id } = await datasources.register.mutate({ connectionString: 'postgresql://app:pw@127.0.0.1:1/orders' })
    await expect(feeds.recent.query({ id })).rejects.toMatchObject({ data: { fault: 'entity_not_found' } })
  })
})

describe('A page', () => {
  it('follows the previous one by its last position, to the end, in REST and in tRPC', async () => {
    const id = await withEvents(() => 7)
    const { feeds } = followed.mooring.client()
    const found: string[] = []
    for (let after: string | null = ''; after !== null; ) {
      const search: string = after === '' ? '?limit=3' : `?limit=3&after=${after}`
      const { body } = await list(id, search)
      found.push(...body.data.map((one: { id: string }) => one.id))
      after = body.has_more ? body.data.at(-1).position : null
    }
    expect(found).toEqual(ids(0, 7))
    const first = await feeds.list.query({ id, limit: 5 })
    const second = await feeds.list.query({ id, limit: 5, after: first.nextCursor ?? '' })
    expect([...first.items, ...second.items].map(item => item.id)).toEqual(ids(0, 7))
    expect(second.nextCursor).toBeNull()
    const last = second.items.at(-1)?.position ?? ''
    expect(await feeds.list.query({ id, after: last })).toEqual({ items: [], nextCursor: null })
  })

  it('has every event as the customer wrote it: unknown fields, every digit of every number, escapes', async () => {
    const text =
      '{"id":"exact","model":"m","entityId":"1","type":"CREATE","big":12345678901234567890,"small":0.10000000000000000001,' +
      '"far":1e400,"nul":"\\u0000","lone":"\\ud800","__proto__":{"a":1},"data":null}'
    followed.stranger.be(response => response.end(`{"events":[${text}]}`))
    const { id } = await followed.register(`/read/${made++}`)
    await followed.run('poll', id)
    const { text: answer, body } = await list(id)
    for (const part of [
      '"big":12345678901234567890',
      '"small":0.10000000000000000001',
      '"far":1e400',
      '"nul":"\\u0000"',
    ])
      expect(answer).toContain(part)
    expect(body.data[0]).toMatchObject({ object: 'event', id: 'exact', lone: '\ud800', data: null })
    expect(Object.keys(body.data[0])).toContain('__proto__')
    const [row] = await query(followed.mooring.databaseUrl, `select event from feed_events where event_id = 'exact'`)
    expect(row?.['event']).toBe(text)
  })

  it('is cut short when its events are large, and reports that there are more', async () => {
    const large = 'x'.repeat(1_500_000)
    followed.stranger.be(response =>
      response.end(JSON.stringify({ events: events(0, 5).map(one => ({ ...one, data: large })) })),
    )
    const { id } = await followed.register(`/read/${made++}`)
    await followed.run('poll', id)
    const first = (await list(id)).body
    expect([first.data.length, first.has_more]).toEqual([2, true])
    const second = (await list(id, `?after=${first.data[1].position}`)).body
    expect(second.data[0].id).toBe('e2')
  })

  it.each([
    ['after=abc', 'after'],
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['before=1', 'before'],
  ])('requested with %s is refused, and the error names the parameter', async (search, param) => {
    const id = await withEvents(() => 1)
    const { status, body } = await list(id, `?${search}`)
    expect([status, body.code, body.param]).toEqual([400, 'invalid_request', param])
  })
})

describe('A subscription', () => {
  /** Collects this many ids, then leaves. */
  async function collect(id: Id, want: number, after?: string): Promise<{ ids: string[]; last: string }> {
    const found: string[] = []
    const { promise, resolve, reject } = Promise.withResolvers<{ ids: string[]; last: string }>()
    const input = { id, ...(after === undefined ? {} : { after }) }
    const subscription = followed.mooring.client().feeds.watch.subscribe(input, {
      onData: ({ id: last, data: item }) => {
        found.push(item.id)
        if (found.length === want) resolve({ ids: found, last })
      },
      onError: reject,
    })
    return promise.finally(() => subscription.unsubscribe())
  }

  it('delivers the stored events, then new ones, each once and in order', async () => {
    let count = 5
    const id = await withEvents(() => count)
    const collected = collect(id, 9)
    count = 9
    await followed.run('poll', id)
    expect((await collected).ids).toEqual(ids(0, 9))
  })

  it('resumes after the last event that its subscriber saw', async () => {
    let count = 4
    const id = await withEvents(() => count)
    const { last } = await collect(id, 4)
    count = 6
    await followed.run('poll', id)
    expect((await collect(id, 2, last)).ids).toEqual(ids(4, 6))
    // As a reconnecting EventSource does: by `lastEventId`, which takes precedence over `after`.
    const input = encodeURIComponent(JSON.stringify({ id, after: '0', lastEventId: last }))
    const leave = new AbortController()
    const headers = { authorization: `Bearer ${followed.mooring.organization.testKey}` }
    const response = await fetch(`${followed.mooring.url}/trpc/feeds.watch?input=${input}`, {
      headers,
      signal: leave.signal,
    })
    let text = ''
    for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += piece
      if (text.includes('"e5"')) break
    }
    leave.abort()
    expect([...text.matchAll(/"id":"(e\d+)","position"/g)].map(match => match[1])).toEqual(ids(4, 6))
  })

  it('misses nothing after our database was restored, and repeats the events since the backup', async () => {
    const { db, databaseUrl } = followed.mooring
    let count = 2
    const id = await withEvents(() => count)
    const own = `datasource_id = '${bareUuid(id)}'`
    const [backup] = await query(databaseUrl, `select position, cursor from feeds where ${own}`)
    count = 4
    await followed.run('poll', id)
    const { last } = await collect(id, 4)
    // The restored database has lost the last two, and gives their positions to the next events that it reads.
    const rows = `delete from feed_events where ${own} and position > ${backup?.['position']}`
    const cursor = backup?.['cursor'] === null ? 'null' : `'${backup?.['cursor']}'`
    await query(
      databaseUrl,
      `${rows}; update feeds set position = ${backup?.['position']}, cursor = ${cursor} where ${own}`,
    )
    await restored(db, await readOrigin(db))
    await followed.run('poll', id)
    expect((await collect(id, 2, last)).ids).toEqual(ids(2, 4))
  })

  it('of a missing feed is refused', async () => {
    const id: Id = `dse_${'0'.repeat(32)}`
    await expect(collect(id, 1)).rejects.toMatchObject({ data: { fault: 'entity_not_found' } })
  })
})

describe('Retention', () => {
  const forgetting = (eventsMs: number) => purgeLater(followed.mooring.db, 0, { eventsMs })
  const age = (id: string, below: number) =>
    query(
      followed.mooring.databaseUrl,
      `update feed_events set stored_at = stored_at - interval '2 days' where datasource_id = '${bareUuid(id)}' and position <= ${below};
       update feeds set oldest_at = oldest_at - interval '2 days' where datasource_id = '${bareUuid(id)}'`,
    )

  it('deletes the content of events, keeps their ids, and a repeated page does not restore them', async () => {
    followed.stranger.be(response => response.end(JSON.stringify({ events: events(0, 6) })))
    const { id } = await followed.register(`/read/${made++}`)
    await followed.run('poll', id)
    await age(id, 4)
    await forgetting(86_400_000)
    expect((await list(id)).body.data.map((one: { id: string }) => one.id)).toEqual(ids(4, 6))
    const sql = `select count(*)::int as n, count(event)::int as kept, sum(bytes)::int > 0 as counted from feed_events
      where datasource_id = '${bareUuid(id)}'`
    expect(await query(followed.mooring.databaseUrl, sql)).toEqual([{ n: 6, kept: 2, counted: true }])
    await followed.run('poll', id)
    expect((await list(id)).body.data.map((one: { id: string }) => one.id)).toEqual(ids(4, 6))
    expect(await followed.stored(id)).toEqual(ids(0, 6))
    // A reader whose position was deleted continues with the remaining events.
    expect((await list(id, '?after=1')).body.data[0].id).toBe('e4')
  })

  it('works through more than one batch, and keeps later events', async () => {
    let count = 4_500
    const id = await withEvents(() => count)
    while ((await followed.stored(id)).length < 4_500) await followed.run('poll', id)
    await age(id, 10_000)
    await forgetting(86_400_000)
    expect((await list(id)).body.data).toEqual([])
    count = 4_502
    await followed.run('poll', id)
    await forgetting(86_400_000)
    expect((await list(id)).body.data.map((one: { id: string }) => one.id)).toEqual(ids(4_500, 4_502))
  })

  it('deletes everything of a removed datasource, and nothing of another', async () => {
    const [gone, kept] = [await withEvents(() => 3), await withEvents(() => 3)]
    await followed.mooring.call('POST', `/v1/datasources/${gone}/events`, {
      body: { events: [event(9)] },
      headers: { 'webhook-id': 'm1' },
    })
    await followed.mooring.call('DELETE', `/v1/datasources/${gone}`)
    await forgetting(86_400_000)
    const count = async (id: string) => {
      const where = `where datasource_id = '${bareUuid(id)}'`
      const tables = ['feeds', 'feed_events', 'feed_pushes'].map(
        table => `(select count(*)::int from ${table} ${where})`,
      )
      return Object.values(
        (
          await query(followed.mooring.databaseUrl, `select ${tables.map((t, at) => `${t} as n${at}`).join(', ')}`)
        )[0] ?? {},
      )
    }
    expect(await count(gone)).toEqual([0, 0, 0])
    expect(await count(kept)).toEqual([1, 3, 0])
  })
})
