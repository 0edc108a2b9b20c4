/**
 * A signing key is used under a verdict like every credential: after the verdict expires, no feed is polled with it and
 * no push is accepted for it.
 */
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { sign } from '#server/net/endpoint/signature.ts'
import { query } from '#test/support/database/postgres.ts'
import { event, events, type Followed, hosted, ids, startFollowed } from '#test/support/feeds/followed.ts'
import { KEY } from '#test/support/feeds/stranger.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'

vi.setConfig({ testTimeout: 60_000 })

let followed: Followed
let id: string
let requests = 0
beforeAll(async () => {
  followed = await startFollowed()
  const honest = hosted({ count: () => 3 })
  followed.stranger.be((response, received) => {
    requests += 1
    return honest(response, received)
  })
  id = (await followed.register('/in-time')).id
  await followed.run('poll', id)
})
afterAll(() => followed.stop())

const sql = (text: string) => query(followed.mooring.databaseUrl, text)
/** Edits the time that the signature covers, which invalidates the verdict. */
const edit = () =>
  sql(`update datasources set usable_until = usable_until + interval '1 day' where id = '${bareUuid(id)}'`)
const hold = (until: string) =>
  sql(`update tasks set locked_until = ${until} where datasource_id = '${bareUuid(id)}' and kind = 'verify'`)

function push(n: number, key = KEY) {
  const body = JSON.stringify({ events: [event(n)] })
  const timestamp = String(Math.floor(Date.now() / 1_000))
  const message = { id: `m${n}`, timestamp, body }
  const headers = {
    'webhook-id': message.id,
    'webhook-timestamp': timestamp,
    'webhook-signature': sign(message, [key]),
    'content-type': 'application/json',
  }
  return followed.mooring.call('POST', `/v1/datasources/${id}/events`, { body, headers })
}

it('A feed whose verdict was edited is not polled; the check that the poll requests resumes it', async () => {
  expect(await followed.stored(id)).toEqual(ids(0, 3))
  await edit()
  await hold(`now() + interval '1 hour'`)
  requests = 0
  await followed.run('poll', id)
  expect(requests).toBe(0)
  await hold('null')
  await vi.waitFor(async () => {
    const [row] = await sql(`select verdict_asked_at, verdict_usable from datasources where id = '${bareUuid(id)}'`)
    expect(row).toEqual({ verdict_asked_at: null, verdict_usable: true })
  }, 30_000)
  // The check sends two requests, and the poll that it makes due sends one more.
  await vi.waitFor(() => expect(requests).toBeGreaterThan(2), 30_000)
})

it('A signed push is refused under a key whose verdict was edited, until a check has verified the key', async () => {
  await edit()
  const answer = await push(7)
  expect([answer.status, answer.body]).toMatchObject([200, { received: 1, stored: 1 }])
  const checks = `select outcome from verifications where datasource_id = '${bareUuid(id)}' order by at desc limit 1`
  const before = await sql(checks.replace('outcome', 'id'))
  await edit()
  followed.stranger.be(response => response.writeHead(401).end())
  expect((await push(8)).status).toBeGreaterThanOrEqual(400)
  expect(await sql(checks.replace('outcome', 'id'))).not.toEqual(before)
  expect(await followed.stored(id)).toEqual([...ids(0, 3), ...events(7, 8).map(one => one.id)])
})

it('A signed push is refused under a pending key past its window, and under one that would replace an unreadable key in force', async () => {
  followed.stranger.be(hosted({ count: () => 3 }))
  const next = 'sk_test_the_next_key_of_acme'
  const register = (signingKey: string) =>
    followed.mooring.call('POST', '/v1/datasources', {
      body: { endpoint: followed.url('/broken'), signingKey },
      headers: { prefer: 'wait=5' },
    })
  id = (await register(KEY)).body.id
  await hold(`now() + interval '1 hour'`)
  expect((await register(next)).body).toMatchObject({ id, status: 'active' })
  expect((await push(20, next)).status).toBe(200)
  for (const edited of [`+ interval '1 year'`, `- interval '2 years'`]) {
    await sql(
      `update credentials set created_at = created_at ${edited} where datasource_id = '${bareUuid(id)}' and state = 'pending'`,
    )
    expect((await push(30, next)).status).toBe(400)
  }
  await sql(`update credentials set created_at = now() where datasource_id = '${bareUuid(id)}' and state = 'pending'`)
  await sql(
    `update credentials set signature = decode(repeat('00', 64), 'hex') where datasource_id = '${bareUuid(id)}' and state = 'current'`,
  )
  const answer = await push(21, next)
  expect([answer.status, answer.body.code]).toEqual([409, 'credential_unreadable'])
  expect(await followed.stored(id)).not.toContain(event(21).id)
})
