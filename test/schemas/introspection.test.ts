/** Introspection through the API: requests, stored snapshots, and refusals. */
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { faultOf } from '#client/index.ts'
import { query } from '#test/support/database/postgres.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

let mooring: Mooring
let customer: Customer
let id: `ds_test_${string}`

beforeAll(async () => {
  mooring = await startMooring()
  customer = await makeCustomer()
  await customer.sql(`
    create table app.items (id int primary key, order_id int references app.orders, name text not null);
    grant select on app.items to ${customer.roles.reader}`)
  const made = await mooring.client().datasources.register.mutate({ connectionString: customer.url(), schema: 'app' })
  id = made.id as typeof id
})
afterAll(async () => {
  await mooring.stop()
  await customer.drop()
})

async function faultFrom(call: Promise<unknown>): Promise<string | null> {
  return call.then(
    () => null,
    error => faultOf(error),
  )
}

async function rowsOf(table: string): Promise<number> {
  const [row] = await query(mooring.databaseUrl, `select count(*)::int as count from ${table}`)
  return Number(row?.['count'])
}

describe('Introspection', () => {
  it('verifies an unverified datasource first and returns the tables that the role may see', async () => {
    const found = await mooring.client().snapshots.introspect.mutate({ id })
    expect(found.tables).toEqual(['app.items', 'app.orders'])
    expect(found.schemasIntrospected).toContain('app')
    expect(found.changed).toBe(true)
    const datasource = await mooring.client().datasources.get.query({ id })
    expect(datasource.status).toBe('active')
    expect(datasource.kind === 'direct' && datasource.introspectedAt).toBe(found.introspectedAt)
  })

  it('stores no second copy of an unchanged schema, only a new time', async () => {
    const before = await rowsOf('snapshots')
    const [first, again] = [
      await mooring.client().snapshots.introspect.mutate({ id }),
      await mooring.client().snapshots.introspect.mutate({ id }),
    ]
    expect(again.changed).toBe(false)
    expect(again.snapshot.id).toBe(first.snapshot.id)
    expect(Date.parse(again.introspectedAt)).toBeGreaterThan(Date.parse(first.introspectedAt))
    expect(await rowsOf('snapshots')).toBe(before)
  })

  it('reads exactly the requested schemas, and an unknown one is a finding', async () => {
    const found = await mooring.client().snapshots.introspect.mutate({ id, schemas: ['app', 'nowhere'] })
    expect(found.schemasIntrospected).toEqual(['app'])
    expect(found.findings).toEqual([{ schema: 'nowhere', finding: 'unknown' }])
    expect(found.hidden).toEqual({ schemas: 0, relations: 0, columns: 0, sequences: 0 })
    const body = { schemas: ['app', 'nowhere'] }
    const rest = await mooring.call('POST', `/v1/datasources/${id}/introspect`, { body })
    expect(rest.body).toMatchObject({ findings: found.findings, hidden: found.hidden })
  })

  it('reads a repeated schema parameter, and refuses values that no name can have', async () => {
    const path = `/api/v1/connections/${bareUuid(id)}/introspect`
    const found = await mooring.call('POST', `${path}?schemas=app,nowhere&schemas=public`)
    expect(found.body.data.schemas_introspected).toEqual(['app', 'public'])
    expect(await mooring.call('POST', `${path}?schemas=a%00b`)).toMatchObject({
      status: 422,
      body: { detail: [{ loc: ['query', 'schemas'], type: 'value_error' }] },
    })
  })

  it('counts the drift from the previous snapshot, and lists it between any two', async () => {
    const client = mooring.client()
    const before = await client.snapshots.introspect.mutate({ id })
    await customer.sql('alter table app.items drop column name')
    const after = await client.snapshots.introspect.mutate({ id })
    expect(after.changed).toBe(true)
    expect(after.snapshot.previousId).toBe(before.snapshot.id)
    expect(after.snapshot.drift).toEqual({ breaking: 1, risky: 0, safe: 0 })
    const drift = await client.snapshots.drift.query({ from: before.snapshot.id, to: after.snapshot.id })
    expect(drift.changes).toMatchObject([
      { kind: 'removed', object: 'column', path: ['app', 'items', 'name'], class: 'breaking' },
    ])
    const back = await client.snapshots.drift.query({ from: after.snapshot.id, to: before.snapshot.id })
    expect(back.changes).toMatchObject([{ kind: 'added', object: 'column', path: ['app', 'items', 'name'] }])
  })

  it('returns a whole snapshot, one schema of it, or one table', async () => {
    const client = mooring.client()
    const { id: snapshotId } = await client.snapshots.latest.query({ id })
    const whole = await client.snapshots.get.query({ snapshotId })
    const table = await client.snapshots.get.query({ snapshotId, schema: 'app', table: 'orders' })
    expect(whole.content.schemas.map(schema => schema.name)).toContain('app')
    expect(table.content.schemas.flatMap(schema => schema.relations.map(relation => relation.name))).toEqual(['orders'])
    const { items } = await client.snapshots.list.query({ id, limit: 1 })
    expect(items).toHaveLength(1)
  })

  it('of one schema hides no other: the latest is one of all schemas if such a one exists', async () => {
    const client = mooring.client()
    const whole = await client.snapshots.introspect.mutate({ id })
    const narrow = await client.snapshots.introspect.mutate({ id, schemas: ['ap'] })
    expect(narrow.snapshot.id).not.toBe(whole.snapshot.id)
    expect((await client.snapshots.latest.query({ id })).id).toBe(whole.snapshot.id)
    const schema = await mooring.call('GET', `/v1/datasources/${id}/schema`)
    expect(schema.body).toMatchObject({ id: whole.snapshot.id, tables: ['app.items', 'app.orders'] })
  })

  it('finds drift although other schemas are excluded than before', async () => {
    const client = mooring.client()
    const before = await client.snapshots.introspect.mutate({ id })
    await client.datasources.update.mutate({ id, excludedSchemas: ['scratch'] })
    await customer.sql('alter table app.items add column added text')
    const after = await client.snapshots.introspect.mutate({ id })
    expect(after.snapshot).toMatchObject({ previousId: before.snapshot.id, drift: { breaking: 0, risky: 0, safe: 1 } })
  })

  it('of a locked table reports that the schema is unreadable, not that the database is away', async () => {
    await customer.sql(
      `create view app.held as select id from app.items; grant select on app.held to ${customer.roles.reader}`,
    )
    const holder = new pg.Client({ connectionString: customer.url('superuser') })
    await holder.connect()
    try {
      await holder.query('begin; lock table app.items in access exclusive mode')
      const refused = await mooring.call('POST', `/api/v1/connections/${bareUuid(id)}/introspect`)
      expect(refused).toMatchObject({ status: 502, body: { error: { code: 'INTROSPECTION_FAILED' } } })
    } finally {
      await holder.end()
    }
    expect((await mooring.client().snapshots.introspect.mutate({ id })).tables).toEqual(['app.items', 'app.orders'])
  })

  it("treats another organization's datasource and snapshot as missing", async () => {
    const stranger = mooring.client((await mooring.newOrganization('Stranger')).testKey)
    const { id: snapshotId } = await mooring.client().snapshots.latest.query({ id })
    expect(await faultFrom(stranger.snapshots.introspect.mutate({ id }))).toBe('entity_not_found')
    expect(await faultFrom(stranger.snapshots.get.query({ snapshotId }))).toBe('entity_not_found')
  })

  it('refuses a rejected datasource and leaves no task behind', async () => {
    const client = mooring.client()
    const connectionString = customer.url('superuser')
    const rejected = await client.datasources.register.mutate({ connectionString, schema: 'app', waitSeconds: 20 })
    expect(rejected.status).toBe('rejected')
    expect(await faultFrom(client.snapshots.introspect.mutate({ id: rejected.id }))).toBe('conflict')
    expect(await rowsOf("tasks where kind = 'introspect' and not standing")).toBe(0)
  })
})
