/**
 * A10: a principal that may push unsigned takes the id of a message or event before the customer uses it, and the
 * customer's own signed push or answer is then dropped silently. The same attack on idempotency keys.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sign } from '#server/net/endpoint/signature.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import { capability } from '#test/support/access/actors.ts'
import { query } from '#test/support/database/postgres.ts'
import { event, events, type Followed, hosted, ids, startFollowed } from '#test/support/feeds/followed.ts'
import { KEY } from '#test/support/feeds/stranger.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'

let followed: Followed
let stranger: string
beforeAll(async () => {
  followed = await startFollowed()
  stranger = await capability(followed.mooring, { scopes: ['feeds.write'] })
})
afterAll(() => followed.stop())

async function endpoint(path: string): Promise<string> {
  followed.stranger.be(hosted())
  return (await followed.register(path)).id
}

const FORGED = { data: 'forged' }

interface Sender {
  readonly headers?: Record<string, string>
  readonly key?: string
}

/** A push with the organization's key by default. */
function push(id: string, body: object | string, { headers = {}, ...key }: Sender = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const options = { body: text, headers: { 'content-type': 'application/json', ...headers }, ...key }
  return followed.mooring.call('POST', `/v1/datasources/${id}/events`, options)
}

function signed(id: string, messageId: string, body: object) {
  const text = JSON.stringify(body)
  const timestamp = String(Math.floor(Date.now() / 1_000))
  const signature = sign({ id: messageId, timestamp, body: text }, [KEY])
  const headers = { 'webhook-id': messageId, 'webhook-timestamp': timestamp, 'webhook-signature': signature }
  return push(id, text, { headers })
}

/** The events after a position, as a reader receives them: position, id and data. */
async function read(id: string, after?: string) {
  const asked = { id: id as DatasourceId, limit: 1_000 } // the API made it
  const { items } = await followed.mooring.client().feeds.list.query(after === undefined ? asked : { ...asked, after })
  return items.map(({ position, event }) => ({ position, id: event.id, data: event.data ?? null }))
}

/** The events from the beginning, without positions. */
async function seen(id: string): Promise<unknown[]> {
  return (await read(id)).map(one => [one.id, one.data])
}

describe('The id of a message', () => {
  it('that was pushed unsigned stays free for the customer’s signed push', async () => {
    const id = await endpoint('/message')
    const forged = await push(id, { events: [event(1, FORGED)] }, { headers: { 'webhook-id': 'msg_1' }, key: stranger })
    expect(forged.body).toMatchObject({ stored: 1 })
    const own = await signed(id, 'msg_1', { events: events(2, 4) })
    expect([own.status, own.body]).toEqual([200, { object: 'event_push', received: 2, stored: 2 }])
    const again = await push(id, { events: [event(1, FORGED)] }, { headers: { 'webhook-id': 'msg_1' }, key: stranger })
    expect([again.status, again.body]).toEqual([200, forged.body])
  })

  it('that one capability used stays free for another, and for a key', async () => {
    const id = await endpoint('/capabilities')
    const other = await capability(followed.mooring, { scopes: ['feeds.write'] })
    const answers = [
      await push(id, { events: [event(1)] }, { headers: { 'webhook-id': 'msg_1' }, key: stranger }),
      await push(id, { events: [event(2)] }, { headers: { 'webhook-id': 'msg_1' }, key: other }),
      await push(id, { events: [event(3)] }, { headers: { 'webhook-id': 'msg_1' } }),
    ]
    expect(answers.map(({ body }) => body.stored)).toEqual([1, 1, 1])
    expect(await followed.stored(id)).toEqual(ids(1, 4))
  })

  it('conflicts with another body, signed or not, and nothing of it is stored', async () => {
    const id = await endpoint('/conflict')
    await signed(id, 'msg_1', { events: [event(1)] })
    await push(id, { events: [event(2)] }, { headers: { 'webhook-id': 'msg_1' } })
    for (const answer of [
      await signed(id, 'msg_1', { events: [event(3)] }),
      await push(id, { events: [event(4)] }, { headers: { 'webhook-id': 'msg_1' } }),
    ])
      expect([answer.status, answer.body.code, answer.body.param]).toEqual([409, 'idempotency_conflict', 'webhook-id'])
    expect(await followed.stored(id)).toEqual(ids(1, 3))
  })

  it('from before bodies were stored replays its first answer', async () => {
    const id = await endpoint('/before')
    const first = await signed(id, 'msg_1', { events: [event(1)] })
    await query(followed.mooring.databaseUrl, 'update feed_pushes set body_hash = null')
    const again = await signed(id, 'msg_1', { events: [event(2)] })
    expect([again.status, again.body]).toEqual([200, first.body])
  })
})

describe('The id of an event', () => {
  it('that came unsigned gives way to the polled one, which readers get even after the unsigned one', async () => {
    const id = await endpoint('/polled')
    await push(id, { events: [event(0, FORGED), event(1, FORGED)] }, { key: stranger })
    const after = (await read(id)).at(-1)?.position
    followed.stranger.be(hosted({ count: () => 2 }))
    await followed.run('poll', id)
    expect(await seen(id)).toEqual([
      ['e0', null],
      ['e1', null],
    ])
    expect((await read(id, after)).map(one => one.id)).toEqual(['e0', 'e1'])
  })

  it('that came unsigned gives way to the signed one, and does not come back', async () => {
    const id = await endpoint('/signed')
    await push(id, { events: [event(1, FORGED), event(2)] }, { key: stranger })
    expect((await signed(id, 'msg_1', { events: [event(1)] })).body).toMatchObject({ received: 1, stored: 1 })
    expect((await push(id, { events: [event(1, FORGED)] }, { key: stranger })).body).toMatchObject({ stored: 0 })
    expect((await signed(id, 'msg_2', { events: [event(1, FORGED)] })).body).toMatchObject({ stored: 0 })
    expect(await seen(id)).toEqual([
      ['e2', null],
      ['e1', null],
    ])
  })

  it('that has expired hides no signed one either', async () => {
    const id = await endpoint('/passed')
    await push(id, { events: [event(1, FORGED)] }, { key: stranger })
    await query(
      followed.mooring.databaseUrl,
      `update feed_events set event = null, bytes = 0 where datasource_id = '${bareUuid(id)}'`,
    )
    expect((await signed(id, 'msg_1', { events: [event(1)] })).body).toMatchObject({ stored: 1 })
    expect(await seen(id)).toEqual([['e1', null]])
  })

  it('with equal content stays in its place: nobody reads it twice', async () => {
    const id = await endpoint('/same')
    await push(id, { events: [event(0), event(1)] }, { key: stranger })
    const rows = () =>
      query(
        followed.mooring.databaseUrl,
        `select position, event_id, vouched from feed_events where datasource_id = '${bareUuid(id)}' order by position`,
      )
    const before = await rows()
    expect(before.map(row => row['vouched'])).toEqual([false, false])
    followed.stranger.be(hosted({ count: () => 2 }))
    await followed.run('poll', id)
    expect(await rows()).toEqual(before.map(row => ({ ...row, vouched: true })))
  })
})

describe('An idempotency key', () => {
  it('that one principal used stays free for every other', async () => {
    const id = await endpoint('/idempotent')
    const headers = { 'idempotency-key': 'taken' }
    const first = await push(id, { events: [event(1, FORGED)] }, { headers, key: stranger })
    const own = await push(id, { events: [event(2)] }, { headers })
    expect([first.body.stored, own.body.stored]).toEqual([1, 1])
    const other = await followed.mooring.newOrganization('Second')
    const made = { body: { connectionString: 'postgresql://app:pw@127.0.0.1:9/shop' }, headers }
    const [mine, theirs] = [
      await followed.mooring.call('POST', '/v1/datasources', made),
      await followed.mooring.call('POST', '/v1/datasources', { ...made, key: other.testKey }),
    ]
    expect([mine.status, theirs.status]).toEqual([201, 201])
    expect(mine.body.id).not.toBe(theirs.body.id)
  })
})

describe('A natural key', () => {
  it('that another organization, or a key of the other mode, used stays free', async () => {
    const { mooring } = followed
    const other = await mooring.newOrganization('Third')
    const body = { connectionString: 'postgresql://app:pw@127.0.0.1:9/natural' }
    const answers = [
      await mooring.call('POST', '/v1/datasources', { body, key: other.testKey }),
      await mooring.call('POST', '/v1/datasources', { body, key: other.liveKey }),
      await mooring.call('POST', '/v1/datasources', { body }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201])
    expect(new Set(answers.map(answer => answer.body.id)).size).toBe(3)
  })
})
