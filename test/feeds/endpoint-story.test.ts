/** The life of a signed endpoint, against a real HTTPS server: registered, verified, followed, rotated, removed. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { settled } from '#test/support/checks/verdicts.ts'
import { query } from '#test/support/database/postgres.ts'
import { type Followed, hosted, ids, startFollowed } from '#test/support/feeds/followed.ts'
import { KEY } from '#test/support/feeds/stranger.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'

const NEXT_KEY = 'sk_test_the_next_key_of_acme'

let followed: Followed
beforeAll(async () => {
  followed = await startFollowed({ env: { MOORING_ROTATION_WINDOW_SECONDS: '3600' } })
})
afterAll(() => followed.stop())

let made = 0
/** A path that no other test registers. */
const path = () => `/source/${made++}`

const call = (method: string, at: string, body?: object) =>
  followed.mooring.call(method, at, body === undefined ? {} : { body })

/** Registers and waits for the verdict. */
const registered = (body: object) =>
  followed.mooring.call('POST', '/v1/datasources', { body, headers: { prefer: 'wait=20' } })

const credentialsOf = (id: string) =>
  query(
    followed.mooring.databaseUrl,
    `select version, state, sealed is null as destroyed from credentials where datasource_id = '${bareUuid(id)}' order by version`,
  )

/** The signatures of the last request to a path, as entries. */
const lastSignatures = (at: string) =>
  String(followed.stranger.received.findLast(one => one.path === at)?.headers['webhook-signature']).split(' ')

describe('An endpoint', () => {
  it('registered over REST is verified by a signed and a wrongly signed request, and becomes active', async () => {
    followed.stranger.be(hosted())
    const endpoint = followed.url(path())
    const before = followed.stranger.received.length
    const { status, body, text } = await registered({ endpoint, signingKey: KEY, metadata: { team: 'core' } })
    expect(status).toBe(201)
    expect(body).toMatchObject({
      object: 'datasource',
      id: expect.stringMatching(/^dse_[0-9a-f]{32}$/),
      connection: 'endpoint',
      environment: 'test',
      livemode: false,
      status: 'active',
      status_reason: null,
      endpoint,
      key_last4: KEY.slice(-4),
      cursor: null,
      event_lag: 0,
      retry_count: 0,
      last_error: null,
      metadata: { team: 'core' },
    })
    expect(body.checks.map((check: { item: string; outcome: string }) => [check.item, check.outcome])).toEqual(
      ['host', 'connect', 'tls', 'signature', 'answer'].map(item => [item, 'pass']),
    )
    expect(body.last_success_at).toBeGreaterThanOrEqual(body.last_request_at)
    expect(text).not.toContain(KEY)
    // Polls of the endpoints of other tests may come between; a probe requests one event.
    const probe = '{"type":"events","limit":1}'
    const [signed, forged] = followed.stranger.received.slice(before).filter(request => request.body === probe)
    expect(signed).toMatchObject({ method: 'POST', servername: 'api.acme.io' })
    expect(forged?.headers['webhook-signature']).toMatch(/^v1,/)
    expect(forged?.headers['webhook-id']).not.toBe(signed?.headers['webhook-id'])
  })

  it('that is active is followed, and its events are read over REST and tRPC in their order', async () => {
    followed.stranger.be(hosted({ count: () => 1_200 }))
    const { id } = await followed.register(path())
    await followed.run('poll', id)
    const first = await call('GET', `/v1/datasources/${id}/events?limit=2`)
    expect(first.body).toMatchObject({ object: 'list', has_more: true })
    expect(first.body.data[0]).toMatchObject({
      object: 'event',
      id: 'e0',
      model: 'task',
      entityId: '0',
      type: 'UPDATE',
    })
    const { position } = first.body.data[1]
    const rest = await followed.mooring
      .client()
      .feeds.list.query({ id: id as `dse_${string}`, after: position, limit: 1_000 })
    expect(rest.items.map(item => item.id)).toEqual(ids(2, 1_002))
    expect(rest.nextCursor).toBe(rest.items.at(-1)?.position)
    expect(await followed.stored(id)).toEqual(ids(0, 1_200))
    expect(await followed.shown(id)).toMatchObject({ cursor: '1200', event_lag: 0, retry_count: 0, last_error: null })
  })

  it('with another key is rejected with the reason, keeps its credential, and is active once the key is right', async () => {
    followed.stranger.be(hosted({ signingKey: () => 'a key that we were not told' }))
    const { id, status } = await followed.register(path())
    expect(status).toBe('rejected')
    const displayed = await followed.shown(id)
    expect(displayed).toMatchObject({
      status_reason: 'signature_refused',
      retry_count: 1,
      last_success_at: null,
      last_error: 'The last check failed: the endpoint found the signature invalid (HTTP 401).',
    })
    expect(await followed.stored(id)).toEqual([])
    expect(await credentialsOf(id)).toEqual([{ version: 1, state: 'current', destroyed: false }])
    followed.stranger.be(hosted())
    await followed.run('verify', id)
    expect(await followed.shown(id)).toMatchObject({ status: 'active', retry_count: 0, last_error: null })
  })

  it('that accepts a wrong signature too is active, with the advice to check signatures', async () => {
    followed.stranger.be(response => response.end('{"events":[]}'))
    const { id } = await followed.register(path())
    const got = await followed.mooring.client().datasources.get.query({ id: id as `dse_${string}` })
    expect(got.status).toBe('active')
    expect(got.advisories).toEqual([
      { item: 'signature', recommendation: expect.stringContaining('accepts unsigned requests') },
    ])
  })

  it.each([
    ['http', 'http://8.8.8.8/feed', 'invalid_body'],
    ['a private address', 'https://10.0.0.7/feed', 'byo_host_not_allowed'],
    ['a user name', 'https://acme@api.acme.io/feed', 'invalid_body'],
  ])('with %s is refused, and nothing is stored', async (_what, endpoint, code) => {
    const { body } = await call('POST', '/v1/datasources', { endpoint, signingKey: KEY })
    expect(body.code).toBe(code)
    const sql = `select id from datasources where endpoint like '%/feed'`
    expect(await query(followed.mooring.databaseUrl, sql)).toEqual([])
  })

  it('that is removed is no longer followed, and its feed cannot be read', async () => {
    followed.stranger.be(hosted({ count: () => 3 }))
    const { id } = await followed.register(path())
    expect((await call('DELETE', `/v1/datasources/${id}`)).status).toBe(200)
    expect((await call('GET', `/v1/datasources/${id}/events`)).status).toBe(404)
    const sql = `select id from tasks where datasource_id = '${bareUuid(id)}'`
    expect(await query(followed.mooring.databaseUrl, sql)).toEqual([])
  })
})

describe('A rotation', () => {
  it('answers at once with the new last four, signs with both until the endpoint accepts the new one, and then with it alone', async () => {
    let key = KEY
    followed.stranger.be(hosted({ signingKey: () => key, count: () => 4 }))
    const at = path()
    const { id } = await followed.register(at)
    const rotated = await call('POST', `/v1/datasources/${id}/rotate_key`, { signingKey: NEXT_KEY })
    expect(rotated.body).toMatchObject({ key_last4: NEXT_KEY.slice(-4), status: 'active' })
    await settled(followed.mooring.databaseUrl, bareUuid(id))
    // The new key is tried again soon by itself: in this test, on request.
    await query(
      followed.mooring.databaseUrl,
      `update tasks set due_at = now() + interval '1 hour' where kind = 'verify'`,
    )
    // The probe with the new key alone was refused: both keys sign, and the feed continues.
    await followed.run('poll', id)
    expect(lastSignatures(at)).toHaveLength(2)
    expect(await followed.shown(id)).toMatchObject({ status: 'active', retry_count: 0, last_error: null, cursor: '4' })
    expect((await credentialsOf(id)).map(row => row['state'])).toEqual(['current', 'pending'])

    key = NEXT_KEY
    await followed.run('poll', id)
    expect(lastSignatures(at)).toHaveLength(2)
    await followed.run('verify', id)
    expect(await credentialsOf(id)).toEqual([
      { version: 1, state: 'retired', destroyed: true },
      { version: 2, state: 'current', destroyed: false },
    ])
    await followed.run('poll', id)
    expect(lastSignatures(at)).toHaveLength(1)
    expect(await followed.shown(id)).toMatchObject({
      status: 'active',
      key_last4: NEXT_KEY.slice(-4),
      credential_version: 2,
    })
  })

  it('whose key is not accepted by the end of the window ends with the old key in force and a notice', async () => {
    followed.stranger.be(hosted())
    const { id } = await followed.register(path())
    await call('POST', `/v1/datasources/${id}/rotate_key`, { signingKey: NEXT_KEY })
    await settled(followed.mooring.databaseUrl, bareUuid(id))
    await query(
      followed.mooring.databaseUrl,
      `update credentials set created_at = created_at - interval '1 hour' where datasource_id = '${bareUuid(id)}' and state = 'pending'`,
    )
    await followed.run('verify', id)
    await followed.run('poll', id)
    expect(await followed.shown(id)).toMatchObject({
      status: 'active',
      key_last4: KEY.slice(-4),
      retry_count: 0,
      last_error: expect.stringContaining('The new signing key was not accepted in time'),
    })
    expect(await credentialsOf(id)).toEqual([
      { version: 1, state: 'current', destroyed: false },
      { version: 2, state: 'retired', destroyed: true },
    ])
    // The next one that succeeds removes the notice.
    followed.stranger.be(hosted({ signingKey: () => NEXT_KEY }))
    await call('POST', `/v1/datasources/${id}/rotate_key`, { signingKey: NEXT_KEY })
    await settled(followed.mooring.databaseUrl, bareUuid(id))
    expect(await followed.shown(id)).toMatchObject({ last_error: null, key_last4: NEXT_KEY.slice(-4) })
  })

  it('happens, too, when the same URL is registered with another key', async () => {
    followed.stranger.be(hosted())
    const endpoint = followed.url(path())
    const first = await registered({ endpoint, signingKey: KEY })
    // Waited for: a key that comes while this one waits takes its row.
    const same = await registered({ endpoint, signingKey: KEY })
    expect([same.status, same.body.id]).toEqual([200, first.body.id])
    followed.stranger.be(hosted({ signingKey: () => NEXT_KEY }))
    const other = await registered({ endpoint, signingKey: NEXT_KEY })
    expect([other.status, other.body.id, other.body.key_last4]).toEqual([200, first.body.id, NEXT_KEY.slice(-4)])
    expect(await credentialsOf(first.body.id)).toMatchObject([
      { version: 1, state: 'retired' },
      // Equal to the first: it was destroyed when the worker had compared it.
      { version: 2, state: 'retired' },
      { version: 3, state: 'current' },
    ])
  })

  it('of an endpoint that is not active yet activates it with whichever key it holds', async () => {
    followed.stranger.be(hosted({ signingKey: () => NEXT_KEY }))
    const { id, status } = await followed.register(path())
    expect(status).toBe('rejected')
    await call('POST', `/v1/datasources/${id}/rotate_key`, { signingKey: NEXT_KEY })
    await settled(followed.mooring.databaseUrl, bareUuid(id))
    expect(await followed.shown(id)).toMatchObject({ status: 'active', key_last4: NEXT_KEY.slice(-4) })
  })

  it('of a direct datasource is refused', async () => {
    const registered = await call('POST', '/v1/datasources', { connectionString: 'postgres://a:b@127.0.0.1:1/c' })
    const id = registered.body.id
    const rotated = await call('POST', `/v1/datasources/${id}/rotate_key`, { signingKey: NEXT_KEY })
    expect([rotated.status, rotated.body.param]).toEqual([400, 'signingKey'])
    expect((await call('GET', `/v1/datasources/${id}/events`)).status).toBe(404)
    expect((await call('POST', `/v1/datasources/${id}/events`, { events: [] })).status).toBe(404)
    await call('DELETE', `/v1/datasources/${id}`)
  })
})
