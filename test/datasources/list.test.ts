/** Lists: pages that neither repeat nor skip during concurrent registrations, in both directions, and every filter. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { faultOf, type Inputs } from '#client/index.ts'
import { query } from '#test/support/database/postgres.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

let mooring: Mooring
beforeAll(async () => {
  mooring = await startMooring({ worker: false })
})
afterAll(() => mooring.stop())

const url = (database: string) => `postgres://reader:secret@127.0.0.1:5432/${database}`

/** An organization with this many datasources, oldest first, and a client of it. */
async function organizationWith(count: number) {
  const { id, testKey, liveKey } = await mooring.newOrganization('Listing')
  const { datasources } = mooring.client(testKey)
  const ids: string[] = []
  for (let at = 0; at < count; at += 1) {
    ids.push((await datasources.register.mutate({ connectionString: url(`db_${at}`), name: `Nr ${at}` })).id)
  }
  const get = async (query = '') => (await mooring.call('GET', `/v1/datasources${query}`, { key: testKey })).body
  return { id, testKey, liveKey, datasources, ids, newestFirst: ids.toReversed(), get }
}

const idsOf = (found: readonly { id: string }[]) => found.map(one => one.id)

describe('Pages through tRPC', () => {
  it('come newest first, each row once, during concurrent registrations', async () => {
    const { datasources, newestFirst } = await organizationWith(9)
    const seen: string[] = []
    for (let cursor: string | undefined; ; ) {
      const page = await datasources.list.query({ limit: 2, ...(cursor === undefined ? {} : { cursor }) })
      seen.push(...idsOf(page.items))
      if (page.nextCursor === null) break
      cursor = page.nextCursor
      const meanwhile = [0, 1].map(at => datasources.register.mutate({ connectionString: url(`meanwhile_${at}`) }))
      await Promise.all(meanwhile)
    }
    expect(seen).toEqual(newestFirst)
  })

  it('continue after a row that was removed', async () => {
    const { datasources, newestFirst } = await organizationWith(4)
    const first = await datasources.list.query({ limit: 2 })
    await datasources.remove.mutate({ id: first.items[1]?.id ?? 'ds_' })
    const second = await datasources.list.query({ limit: 2, cursor: first.nextCursor ?? '' })
    expect(idsOf(second.items)).toEqual(newestFirst.slice(2))
    expect(second.nextCursor).toBeNull()
  })

  it('hold 1 to 100, 20 by default', async () => {
    const { datasources, newestFirst } = await organizationWith(21)
    const page = await datasources.list.query({})
    expect(idsOf(page.items)).toEqual(newestFirst.slice(0, 20))
    expect(page.nextCursor).toBe(newestFirst[19])
    for (const limit of [0, 101]) expect(await datasources.list.query({ limit }).catch(faultOf)).toBe('invalid_body')
    expect(await datasources.list.query({ cursor: 'nonsense' }).catch(faultOf)).toBe('invalid_request')
  })
})

describe('Pages through the datasources dialect', () => {
  it('continue with starting_after and go back with ending_before', async () => {
    const { newestFirst, get } = await organizationWith(5)
    const first = await get('?limit=2')
    expect([idsOf(first.data), first.has_more]).toEqual([newestFirst.slice(0, 2), true])
    const second = await get(`?limit=2&starting_after=${newestFirst[1]}`)
    expect([idsOf(second.data), second.has_more]).toEqual([newestFirst.slice(2, 4), true])
    const third = await get(`?limit=2&starting_after=${newestFirst[3]}`)
    expect([idsOf(third.data), third.has_more]).toEqual([newestFirst.slice(4), false])
    const back = await get(`?limit=2&ending_before=${newestFirst[4]}`)
    expect([idsOf(back.data), back.has_more]).toEqual([newestFirst.slice(2, 4), true])
    const further = await get(`?limit=2&ending_before=${newestFirst[2]}`)
    expect([idsOf(further.data), further.has_more]).toEqual([newestFirst.slice(0, 2), false])
  })

  it('hold all rows without a parameter', async () => {
    const { id, newestFirst, get } = await organizationWith(1)
    await query(
      mooring.databaseUrl,
      `insert into datasources (org_id, id, kind, mode, db_type, host, port, database, excluded_schemas, created_at)
       select '${id}', gen_random_uuid(), 'direct', 'live', 'postgresql', 'db.example.com', 5432, 'shop', '{}', now()
       from generate_series(1, 230)`,
    )
    const all = await get()
    expect(all).toMatchObject({ object: 'list', has_more: false })
    expect(all.data).toHaveLength(231)
    expect(new Set(idsOf(all.data)).size).toBe(231)
    expect(idsOf(all.data)).toContain(newestFirst[0])
  })

  it.each([
    'limit=0',
    'limit=101',
    'limit=ten',
    'starting_after=ds_nonsense',
    'page=2',
    `starting_after=ds_${'0'.repeat(32)}&ending_before=ds_${'0'.repeat(32)}`,
  ])('refuse ?%s', async parameters => {
    const refused = await mooring.call('GET', `/v1/datasources?${parameters}`)
    expect(refused).toMatchObject({ status: 400, body: { code: 'invalid_request', type: 'AbloValidationError' } })
  })
})

describe('A filter', () => {
  /** One organization for all of these: they differ in their filters. */
  async function filtered() {
    const { id, testKey, liveKey } = await mooring.newOrganization('Filtering')
    const { datasources } = mooring.client(testKey)
    const add = (input: Inputs['datasources']['register'], key = testKey) =>
      mooring.client(key).datasources.register.mutate(input)
    const shop = await add({ connectionString: url('shop'), name: 'Shop: EU', metadata: { team: 'eu', tier: '1' } })
    const till = await add({ connectionString: url('till'), name: 'shop: US', metadata: { team: 'us', tier: '1' } })
    const bare = await add({ connectionString: url('bare') }, liveKey)
    const feed = await add({ endpoint: 'https://127.0.0.1:8443/feed', signingKey: 'a signing key' })
    await query(
      mooring.databaseUrl,
      `update datasources set status = 'active' where org_id = '${id}' and name = 'Shop: EU'`,
    )
    const names: Record<string, string> = { [shop.id]: 'shop', [till.id]: 'till', [bare.id]: 'bare', [feed.id]: 'feed' }
    const list = async (filter: Inputs['datasources']['list']) => {
      const { items } = await datasources.list.query(filter)
      return items.map(item => names[item.id])
    }
    return { list, add, datasources }
  }

  it('by kind, mode, status, name prefix and metadata narrows the list, and all of them together narrow it further', async () => {
    const { list } = await filtered()
    expect(await list({})).toEqual(['feed', 'bare', 'till', 'shop'])
    expect(await list({ kind: 'endpoint' })).toEqual(['feed'])
    expect(await list({ kind: 'direct' })).toEqual(['bare', 'till', 'shop'])
    expect(await list({ mode: 'live' })).toEqual(['bare'])
    expect(await list({ status: 'active' })).toEqual(['shop'])
    expect(await list({ status: 'rejected' })).toEqual([])
    expect(await list({ metadata: { tier: '1' } })).toEqual(['till', 'shop'])
    expect(await list({ metadata: { tier: '1', team: 'eu' } })).toEqual(['shop'])
    expect(await list({ metadata: { tier: '2' } })).toEqual([])
    expect(await list({ metadata: { tier: '1' }, namePrefix: 'Shop', status: 'active', mode: 'test' })).toEqual([
      'shop',
    ])
    expect(await list({ metadata: { tier: '1' }, namePrefix: 'Shop', status: 'unverified' })).toEqual([])
  })

  it('by name prefix matches the displayed name, takes every character literally, and is case-sensitive', async () => {
    const { list, datasources } = await filtered()
    expect(await list({ namePrefix: 'Shop' })).toEqual(['shop'])
    expect(await list({ namePrefix: 'shop' })).toEqual(['till'])
    expect(await list({ namePrefix: '%hop' })).toEqual([])
    expect(await list({ namePrefix: '127.0.0.1:5432/b' })).toEqual(['bare'])
    expect(await list({ namePrefix: '127.0.0.1:8443' })).toEqual(['feed'])
    const { items } = await datasources.list.query({})
    for (const { id, name } of items) {
      const found = await datasources.list.query({ namePrefix: name })
      expect(idsOf(found.items)).toContain(id)
    }
  })

  it('by metadata accepts __proto__ and constructor as ordinary keys', async () => {
    const { list, add, datasources } = await filtered()
    const metadata = JSON.parse('{"__proto__":"a","constructor":"b","toString":"c"}')
    const made = await add({ connectionString: url('proto'), metadata })
    expect(Object.entries(made.metadata).toSorted()).toEqual([
      ['__proto__', 'a'],
      ['constructor', 'b'],
      ['toString', 'c'],
    ])
    for (const text of ['{"__proto__":"a"}', '{"constructor":"b"}', '{"__proto__":"a","toString":"c"}']) {
      const { items } = await datasources.list.query({ metadata: JSON.parse(text) })
      expect(idsOf(items)).toEqual([made.id])
    }
    expect(await list({ metadata: JSON.parse('{"__proto__":"b"}') })).toEqual([])
  })
})

describe('A removed datasource', () => {
  it('is in no list, and returns its record to a caller who asks for removed ones', async () => {
    const { datasources, newestFirst, get, testKey } = await organizationWith(2)
    const [id] = newestFirst
    if (id === undefined) throw new Error('there is none')
    const named = id as `ds_test_${string}` // registered by a test key
    await datasources.remove.mutate({ id: named })
    expect(idsOf((await datasources.list.query({})).items)).toEqual(newestFirst.slice(1))
    expect(idsOf((await get()).data)).toEqual(newestFirst.slice(1))
    expect(await datasources.get.query({ id: named }).catch(faultOf)).toBe('entity_not_found')
    const record = await datasources.get.query({ id: named, includeRemoved: true })
    expect(record).toMatchObject({ id, name: 'Nr 1', removedAt: expect.any(String), credentialFingerprint: null })
    for (const path of [`/v1/datasources/${id}`, `/api/v1/connections/${uuid(id)}`])
      expect((await mooring.call('GET', path, { key: testKey })).status).toBe(404)
  })

  it('of another organization is not found, in either way of asking', async () => {
    const { datasources, newestFirst } = await organizationWith(1)
    const id = newestFirst[0] as `ds_test_${string}` // registered by a test key
    await datasources.remove.mutate({ id })
    for (const includeRemoved of [true, false])
      expect(await mooring.client().datasources.get.query({ id, includeRemoved }).catch(faultOf)).toBe(
        'entity_not_found',
      )
  })
})

function uuid(id: string): string {
  return id.slice(-32).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
