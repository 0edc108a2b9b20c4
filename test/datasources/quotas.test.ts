/** Quotas: an organization never exceeds its limit, however many requests arrive at once at any process. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeKey } from '#test/support/access/keys.ts'
import { query } from '#test/support/database/postgres.ts'
import { effects } from '#test/support/database/rows.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { secondWeb } from '#test/support/mooring/second-web.ts'

const QUOTAS = { MOORING_MAX_DATASOURCES: '3', MOORING_MAX_KEYS: '5', MOORING_MAX_CAPABILITIES: '3' }

let mooring: Mooring
let other: Awaited<ReturnType<typeof secondWeb>>
let aheadMs = 0
beforeAll(async () => {
  mooring = await startMooring({ worker: false, env: QUOTAS, clock: () => new Date(Date.now() + aheadMs) })
  other = await secondWeb(mooring, QUOTAS)
})
afterAll(async () => {
  await other.stop()
  await mooring.stop()
})

/** The same request to each of the two processes in turn. */
async function ask(at: number, path: string, request: { key: string; body: object; headers?: Record<string, string> }) {
  const url = at % 2 === 0 ? mooring.url : other.url
  const headers = { authorization: `Bearer ${request.key}`, 'content-type': 'application/json', ...request.headers }
  const answer = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(request.body) })
  const body = JSON.parse(await answer.text())
  return { status: answer.status, code: body.code ?? body.error?.data?.fault ?? body.error?.code, body }
}

const named = (name: string) => ({ connectionString: `postgres://reader:secret@127.0.0.1:5432/${name}` })
const onSurface = [
  (name: string) => ['/v1/datasources', named(name)] as const,
  (name: string) =>
    ['/api/v1/connections', { name, db_type: 'postgresql', connection_string: named(name).connectionString }] as const,
  (name: string) => ['/trpc/datasources.register', named(name)] as const,
]

const livingDatasources = async (org: string) => {
  const [row] = await query(
    mooring.databaseUrl,
    `select (select count(*)::int from datasources where org_id = '${org}' and deleted_at is null) as rows,
       (select count(*)::int from tasks where org_id = '${org}') as tasks,
       (select count(*)::int from credentials where org_id = '${org}' and sealed is not null) as credentials,
       (select datasources from quotas where org_id = '${org}') as counted`,
  )
  return row
}

describe('Datasources', () => {
  it('never exceed the quota, though many arrive at once at several processes on all surfaces', async () => {
    const { id, testKey: key } = await mooring.newOrganization('Crowded')
    const answers = await Promise.all(
      Array.from({ length: 24 }, (_, at) => {
        const [path, body] = (onSurface[at % 3] ?? onSurface[0])!(`crowd_${at}`)
        return ask(at, path, { key, body })
      }),
    )
    const made = answers.filter(answer => answer.status < 300)
    expect(made).toHaveLength(3)
    const codes = new Set(answers.filter(answer => answer.status >= 300).map(({ status, code }) => `${status} ${code}`))
    expect([...codes].sort()).toEqual(['403 FORBIDDEN', '403 resource_limit_reached'])
    expect(await livingDatasources(id)).toEqual({ rows: 3, tasks: 3, credentials: 3, counted: 3 })
  })

  it('that are refused leave nothing behind, including an idempotency key', async () => {
    const { testKey: key } = await mooring.newOrganization('Full')
    for (const name of ['a', 'b', 'c']) await ask(0, '/v1/datasources', { key, body: named(name) })
    const before = await effects(mooring.databaseUrl)
    const headers = { 'idempotency-key': 'one-more' }
    expect(await ask(0, '/v1/datasources', { key, body: named('d'), headers })).toMatchObject({
      status: 403,
      code: 'resource_limit_reached',
      body: { type: 'AbloPermissionError' },
    })
    expect(await effects(mooring.databaseUrl)).toEqual(before)
  })

  it('that are registered again need no room', async () => {
    const { id, testKey: key } = await mooring.newOrganization('Again')
    for (const name of ['a', 'b', 'c']) await ask(0, '/v1/datasources', { key, body: named(name) })
    const again = await Promise.all(
      Array.from({ length: 8 }, (_, at) => ask(at, '/v1/datasources', { key, body: named('a') })),
    )
    expect(new Set(again.map(answer => answer.status))).toEqual(new Set([200]))
    // The pending one is compared by a task of its own, which uses no quota.
    expect(await livingDatasources(id)).toEqual({ rows: 3, tasks: 4, credentials: 4, counted: 3 })
  })

  it('that are registered concurrently under one name take one place', async () => {
    const { id, testKey: key } = await mooring.newOrganization('Namesakes')
    await Promise.all(Array.from({ length: 12 }, (_, at) => ask(at, '/v1/datasources', { key, body: named('same') })))
    expect(await livingDatasources(id)).toMatchObject({ rows: 1, counted: 1 })
  })

  it('free their place when they are removed, once each', async () => {
    const { id, testKey: key } = await mooring.newOrganization('Leaving')
    const ids: string[] = []
    for (const name of ['a', 'b', 'c']) ids.push((await ask(0, '/v1/datasources', { key, body: named(name) })).body.id)
    const removals = ids.slice(0, 2).flatMap(one => [one, one, one])
    const removed = await Promise.all(removals.map(one => mooring.call('DELETE', `/v1/datasources/${one}`, { key })))
    expect(removed.filter(answer => answer.status === 200)).toHaveLength(2)
    expect(await livingDatasources(id)).toMatchObject({ rows: 1, counted: 1 })
    const answers = []
    for (const name of ['d', 'e', 'f'])
      answers.push((await ask(0, '/v1/datasources', { key, body: named(name) })).status)
    expect(answers).toEqual([201, 201, 403])
  })

  it('of one organization use no quota of another', async () => {
    const [one, two] = [await mooring.newOrganization('One'), await mooring.newOrganization('Two')]
    for (const name of ['a', 'b', 'c']) await ask(0, '/v1/datasources', { key: one.testKey, body: named(name) })
    expect((await ask(0, '/v1/datasources', { key: two.testKey, body: named('a') })).status).toBe(201)
  })
})

describe('Keys', () => {
  it('never exceed the quota; a revoked or expired one frees its place', async () => {
    const { id, testKey: key } = await mooring.newOrganization('Keyed')
    const create = (at: number) => ask(at, '/trpc/organization.createKey', { key, body: { mode: 'test' } })
    const living = async () =>
      (await query(mooring.databaseUrl, `select id from api_keys where org_id = '${id}' and revoked_at is null`)).length
    const answers = await Promise.all(Array.from({ length: 10 }, (_, at) => create(at)))
    expect(answers.filter(answer => answer.status === 200)).toHaveLength(3)
    expect(new Set(answers.filter(answer => answer.status !== 200).map(answer => answer.code))).toEqual(
      new Set(['resource_limit_reached']),
    )
    expect(await living()).toBe(5)
    const made = answers.find(answer => answer.status === 200)?.body.result.data.id
    await mooring.client(key).organization.revokeKey.mutate({ id: made })
    expect([(await create(0)).status, (await create(1)).status, await living()]).toEqual([200, 403, 5])
  })

  it('that have expired do not count', async () => {
    const { id, testKey: key } = await mooring.newOrganization('Expiring')
    const past = new Date(Date.now() - 1_000)
    for (let made = 0; made < 5; made += 1) await makeKey(mooring, { organizationId: id, expiresAt: past })
    const { status } = await ask(0, '/trpc/organization.createKey', { key, body: { mode: 'test' } })
    expect(status).toBe(200)
  })
})

describe('Capabilities', () => {
  const body = { operations: ['feeds.read'], ttlSeconds: 60 }

  it('never exceed the quota; a revoked or expired one frees its place', async () => {
    const { testKey: key } = await mooring.newOrganization('Capable')
    const mint = (at: number) => ask(at, '/v1/capabilities', { key, body })
    const answers = await Promise.all(Array.from({ length: 10 }, (_, at) => mint(at)))
    const made = answers.filter(answer => answer.status === 201)
    expect(made).toHaveLength(3)
    expect(answers.filter(answer => answer.code === 'resource_limit_reached')).toHaveLength(7)
    await mooring.call('DELETE', `/v1/capabilities/${made[0]?.body.id}`, { key })
    expect([(await mint(0)).status, (await mint(1)).status]).toEqual([201, 403])
    aheadMs = 61_000
    expect((await mint(0)).status).toBe(201)
    aheadMs = 0
  })

  it('are rotated at a full quota, with one place more for a grace period', async () => {
    const { testKey: key } = await mooring.newOrganization('Rotating')
    const ids = []
    for (let made = 0; made < 3; made += 1) ids.push((await ask(0, '/v1/capabilities', { key, body })).body.id)
    const rotate = (id: string, graceSeconds: number) =>
      ask(0, `/v1/capabilities/${id}/rotate`, { key, body: { graceSeconds } })
    expect((await rotate(ids[0], 0)).status).toBe(200)
    expect((await rotate(ids[1], 30)).status).toBe(200)
    const before = await effects(mooring.databaseUrl)
    expect((await rotate(ids[2], 30)).code).toBe('resource_limit_reached')
    expect(await effects(mooring.databaseUrl)).toEqual(before)
    expect((await rotate(ids[2], 0)).status).toBe(200)
  })
})
