/**
 * `updatedAt`: it moves with what a datasource shows, and not
 * with the dates of checks; lists can be filtered by it.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import { query } from '#test/support/database/postgres.ts'
import { effects } from '#test/support/database/rows.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

let mooring: Mooring
let customer: Customer
beforeAll(async () => {
  mooring = await startMooring()
  customer = await makeCustomer()
})
afterAll(async () => {
  await mooring.stop()
  await customer.drop()
})

const datasources = () => mooring.client().datasources
const register = () =>
  datasources().register.mutate({ connectionString: customer.url(), schema: 'app', waitSeconds: 20 })
const verify = (id: DatasourceId) => datasources().verify.mutate({ id, waitSeconds: 20 })

/** Waits until the clock of the database is later than the date, so that a change gets a later one. */
const past = (date: string) =>
  query(
    mooring.databaseUrl,
    `select pg_sleep(greatest(0, extract(epoch from '${date}'::timestamptz - clock_timestamp())) + 0.002)`,
  )

describe('updatedAt', () => {
  it('is the date of the registration, and then that of the first verdict', async () => {
    const made = await datasources().register.mutate({ connectionString: customer.url() })
    expect(made.updatedAt).toBe(made.createdAt)
    expect((await verify(made.id)).updatedAt > made.createdAt).toBe(true)
  })

  it('stays the same when a check finds no change, which only moves the dates of checks', async () => {
    const made = await register()
    await past(made.updatedAt)
    const again = await verify(made.id)
    expect(again.verifiedAt === made.verifiedAt).toBe(false)
    expect(again.updatedAt).toBe(made.updatedAt)
  })

  it('stays the same after an introspection, and moves with a name, a label and a credential', async () => {
    const made = await register()
    await past(made.updatedAt)
    await mooring.client().snapshots.introspect.mutate({ id: made.id })
    expect((await datasources().get.query({ id: made.id })).updatedAt).toBe(made.updatedAt)
    let last = made.updatedAt
    const other = customer.url('reader', { parameters: 'application_name=other' })
    for (const change of [
      () => datasources().update.mutate({ id: made.id, name: 'Shop' }),
      () => datasources().update.mutate({ id: made.id, metadata: { a: 'b' } }),
      () => datasources().rotate.mutate({ id: made.id, connectionString: other, waitSeconds: 20 }),
    ]) {
      await past(last)
      const { updatedAt } = await change()
      expect(updatedAt > last).toBe(true)
      last = updatedAt
    }
  })

  it('moves when a check finds a change', async () => {
    const own = await makeCustomer()
    const made = await datasources().register.mutate({ connectionString: own.url(), waitSeconds: 20 })
    await past(made.updatedAt)
    await own.drop()
    const after = await verify(made.id)
    expect(after.statusReason).not.toBeNull()
    expect(after.updatedAt > made.updatedAt).toBe(true)
  })

  it('never goes back, even if the clock of a process does', async () => {
    const made = await register()
    const uuid = bareUuid(made.id)
    await query(mooring.databaseUrl, `update datasources set updated_at = '2100-01-01' where id = '${uuid}'`)
    expect((await datasources().update.mutate({ id: made.id, name: 'Late' })).updatedAt).toBe(
      '2100-01-01T00:00:00.000Z',
    )
  })
})

describe('updatedSince', () => {
  it('selects datasources changed then or later, the last changed first, over tRPC and REST, in pages', async () => {
    const organization = await mooring.newOrganization('Since')
    const key = organization.testKey
    const client = mooring.client(key).datasources
    const made: { id: DatasourceId; updatedAt: string }[] = []
    for (const name of ['one', 'two', 'three', 'four'])
      made.push(await client.register.mutate({ connectionString: customer.url(), name, waitSeconds: 20 }))
    await past(made[3]?.updatedAt ?? '')
    const id = (at: number) => made[at]?.id ?? 'ds_'
    const first = await client.update.mutate({ id: id(2), name: 'tres' })
    await past(first.updatedAt)
    // Registered before the other, and changed after it.
    await client.update.mutate({ id: id(0), name: 'uno' })
    const page = await client.list.query({ updatedSince: first.updatedAt, limit: 1 })
    expect(page.items.map(item => item.name)).toEqual(['uno'])
    const next = await client.list.query({ updatedSince: first.updatedAt, limit: 1, cursor: page.nextCursor ?? '' })
    expect(next).toMatchObject({ items: [{ name: 'tres' }], nextCursor: null })
    const back = await mooring.call('GET', `/v1/datasources?updated_since=0&limit=1&ending_before=${id(2)}`, { key })
    expect(back.body).toMatchObject({ data: [{ name: 'uno' }], has_more: false })
    const seconds = Math.floor(Date.parse(first.updatedAt) / 1000)
    const found = await mooring.call('GET', `/v1/datasources?updated_since=${seconds}`, { key })
    expect(found.body.data.map((one: { name: string }) => one.name)).toEqual(expect.arrayContaining(['tres', 'uno']))
    const none = await mooring.call('GET', `/v1/datasources?updated_since=${seconds + 60}`, { key })
    expect(none.body).toEqual({ object: 'list', data: [], has_more: false })
  })

  it('may be any time that ISO 8601 can write, however often it is asked for', async () => {
    const client = mooring.client((await mooring.newOrganization('Ever')).testKey).datasources
    await client.register.mutate({ connectionString: customer.url(), name: 'one' })
    // The first time, the statement is also described; later ones send its parameters alone.
    for (const [updatedSince, count] of [
      ['0000-01-01T00:00:00Z', 1],
      ['0000-12-31T23:59:59+23:59', 1],
      ['9999-12-31T23:59:59-01:00', 0],
    ] as const)
      for (let time = 0; time < 5; time += 1)
        expect((await client.list.query({ updatedSince })).items, updatedSince).toHaveLength(count)
  })

  it.each([
    'updated_since=soon',
    'updated_since=-1',
    'status=broken',
    'mode=dev',
    'connection=both',
    'metadata=x',
    'label[a]=b',
  ])('and the other filters refuse ?%s', async parameters => {
    const answer = await mooring.call('GET', `/v1/datasources?${parameters}`)
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } })
  })
})

describe('Registering the same database again', () => {
  const again = (body: object) =>
    mooring.call('POST', '/v1/datasources', { body: { connectionString: customer.url(), schema: 'labels', ...body } })

  it('replaces labels if it brings others, notifies watchers and the record once, and keeps them if it brings none', async () => {
    await again({ metadata: { a: '1' } })
    const updates = async () =>
      (await mooring.client().organization.audit.query({ action: 'datasource.updated' })).items.length
    const before = await updates()
    expect((await again({ metadata: { b: '2' } })).body.metadata).toEqual({ b: '2' })
    expect((await again({ metadata: { b: '2' } })).body.metadata).toEqual({ b: '2' })
    expect((await again({})).body.metadata).toEqual({ b: '2' })
    expect((await updates()) - before).toBe(1)
    expect((await again({ metadata: {} })).body.metadata).toEqual({})
  })
})

describe('A PATCH that is refused', () => {
  it.each([
    ['/v1/datasources', { name: '' }],
    ['/v1/datasources', { metadata: { a: 1 } }],
    ['/v1/datasources', { schema: null }],
    ['/v1/datasources', { connectionString: 'postgresql://reader:secret@db.acme.io/shop' }],
    ['/api/v1/connections', { name: 5 }],
    ['/api/v1/connections', { name: 'New', connection_string: 'mysql://reader:secret@db.acme.io/shop' }],
    ['/api/v1/connections', { name: 'New', connection_string: 'postgresql://reader:secret@10.0.0.1/shop' }],
  ])('at %s leaves nothing behind: %j', async (path, body) => {
    const { id } = await datasources().register.mutate({
      connectionString: customer.url('reader', { port: 1 }),
      waitSeconds: 20,
    })
    await query(mooring.databaseUrl, `update tasks set due_at = null where datasource_id = '${bareUuid(id)}'`)
    const counts = (lines: object) => JSON.stringify(lines).split(bareUuid(id)).length
    const before = counts(await effects(mooring.databaseUrl))
    const shown = path === '/v1/datasources' ? id : bareUuid(id)
    const answer = await mooring.call('PATCH', `${path}/${shown}`, { body })
    expect([400, 403, 422]).toContain(answer.status)
    expect(answer.text).not.toContain('secret')
    expect(counts(await effects(mooring.databaseUrl))).toBe(before)
    const { name, credentialVersion } = await datasources().get.query({ id })
    expect([name, credentialVersion]).toEqual([`${customer.host}:1/${customer.database}`, 1])
  })
})

describe('A PATCH with an Idempotency-Key', () => {
  it('is answered as the first time, and refused with another body', async () => {
    const { id } = await register()
    const send = (name: string) =>
      mooring.call('PATCH', `/v1/datasources/${id}`, { body: { name }, headers: { 'idempotency-key': 'patch-1' } })
    const first = await send('Shop')
    const repeat = await send('Shop')
    expect(repeat.headers.get('idempotent-replayed')).toBe('true')
    expect(repeat.body).toEqual(first.body)
    expect((await send('Store')).body.code).toBe('idempotency_conflict')
    expect((await datasources().get.query({ id })).name).toBe('Shop')
  })
})
