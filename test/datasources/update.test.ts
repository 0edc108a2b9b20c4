/**
 * The non-secret parts of a datasource can be changed: name, metadata, schema, excluded schemas; nothing else, and not
 * twice.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { faultOf } from '#client/index.ts'
import { quiet, settled } from '#test/support/checks/verdicts.ts'
import { difference, effects } from '#test/support/database/rows.ts'
import { type DnsServer, startDnsServer } from '#test/support/dials/dns-server.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

let dns: DnsServer
let mooring: Mooring
let customer: Customer
beforeAll(async () => {
  dns = await startDnsServer()
  // Refused for good, so that the worker checks an endpoint once and not repeatedly.
  dns.answer('api.acme.io', { addresses: ['10.0.0.1'] })
  mooring = await startMooring({ env: { MOORING_DNS_SERVERS: dns.address } })
  customer = await makeCustomer()
  await customer.sql(`create schema other; grant usage on schema other to ${customer.roles.reader}`)
})
afterAll(async () => {
  await mooring.stop()
  await customer.drop()
  await dns.close()
})

const datasources = () => mooring.client().datasources
const uuid = (id: string) => id.slice(-32).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
const registered = () =>
  datasources().register.mutate({ connectionString: customer.url(), schema: 'app', waitSeconds: 20 })
const post = (schema: string) =>
  mooring.call('POST', '/v1/datasources', { body: { connectionString: customer.url(), schema } })

describe('An update', () => {
  it('changes the named fields and nothing else', async () => {
    const made = await registered()
    const name = 'Shop'
    const metadata = { team: 'eu' }
    const updated = await datasources().update.mutate({ id: made.id, name, metadata })
    const { updatedAt } = updated
    expect(Date.parse(updatedAt)).toBeGreaterThan(Date.parse(made.updatedAt))
    expect(updated).toEqual({ ...made, name, metadata, updatedAt })
    const excludedSchemas = ['internal']
    const { updatedAt: _, ...narrowed } = await datasources().update.mutate({ id: made.id, excludedSchemas })
    expect({ ...narrowed, updatedAt }).toEqual({ ...updated, excludedSchemas })
    expect(await datasources().update.mutate({ id: made.id, excludedSchemas: [] })).toMatchObject({
      excludedSchemas: [],
    })
    expect(await datasources().update.mutate({ id: made.id, metadata: {} })).toMatchObject({ metadata: {}, name })
  })

  it('of the schema makes the check due, whose verdict covers the new one', async () => {
    const { id } = await registered()
    await datasources().update.mutate({ id, schema: 'nowhere' })
    await settled(mooring.databaseUrl, uuid(id))
    expect(await datasources().get.query({ id })).toMatchObject({
      status: 'active',
      statusReason: 'schema_not_found',
    })
    await datasources().update.mutate({ id, schema: 'other' })
    await settled(mooring.databaseUrl, uuid(id))
    expect(await datasources().get.query({ id })).toMatchObject({ status: 'active', schema: 'other' })
  })

  it('of the schema moves the natural key, and conflicts with another datasource that has it', async () => {
    const { body: app } = await post('app')
    await datasources().update.mutate({ id: app.id, schema: 'other' })
    const { status, body: again } = await post('other')
    expect([status, again.id]).toEqual([200, app.id])
    const { body: second } = await post('app')
    expect(second.id).not.toBe(app.id)
    await quiet(mooring.databaseUrl)
    const before = await effects(mooring.databaseUrl)
    expect(await datasources().update.mutate({ id: second.id, schema: 'other' }).catch(faultOf)).toBe('conflict')
    expect(difference(before, await effects(mooring.databaseUrl))).toEqual([])
    for (const id of [app.id, second.id]) await datasources().remove.mutate({ id })
  })

  it('of two datasources to the same schema at once succeeds for one and conflicts for the other', async () => {
    const made = [await post('app'), await post('public')]
    const ends = await Promise.all(
      made.map(({ body }) =>
        datasources()
          .update.mutate({ id: body.id, schema: 'other' })
          .then(() => 'updated', faultOf),
      ),
    )
    expect(ends.toSorted()).toEqual(['conflict', 'updated'])
    for (const { body } of made) await datasources().remove.mutate({ id: body.id })
  })

  it('of the schema is refused for an endpoint', async () => {
    const { id } = await datasources().register.mutate({
      endpoint: 'https://api.acme.io/feed',
      signingKey: 'a signing key',
    })
    await quiet(mooring.databaseUrl)
    const before = await effects(mooring.databaseUrl)
    for (const change of [{ schema: 'app' }, { excludedSchemas: [] }])
      expect(
        await datasources()
          .update.mutate({ id, ...change })
          .catch(faultOf),
      ).toBe('invalid_body')
    expect(difference(before, await effects(mooring.databaseUrl))).toEqual([])
    expect(await datasources().update.mutate({ id, name: 'Feed' })).toMatchObject({ name: 'Feed' })
  })

  it('is refused to the other mode, to another organization, and for a removed datasource; nothing changes', async () => {
    const { id } = await registered()
    const gone = await registered()
    await datasources().remove.mutate({ id: gone.id })
    const { testKey: stranger } = await mooring.newOrganization('Stranger')
    await quiet(mooring.databaseUrl)
    const before = await effects(mooring.databaseUrl)
    const rename = (datasource: typeof id, key?: string) =>
      mooring.client(key).datasources.update.mutate({ id: datasource, name: 'Mine' }).catch(faultOf)
    expect(await rename(id, mooring.organization.liveKey)).toBe('forbidden')
    expect(await rename(id, stranger)).toBe('entity_not_found')
    expect(await rename(gone.id)).toBe('entity_not_found')
    expect(difference(before, await effects(mooring.databaseUrl))).toEqual([])
  })
})
