/**
 * An organization moves between two installations that share keyrings: the view of callers, leases and watchers at
 * both, and proof that nothing of it is lost, changed or left behind.
 */
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createClient } from '#client/index.ts'
import { newId } from '#server/domain/access/ids.ts'
import { COPIED, KEPT_AT_SOURCE, NOT_COPIED } from '#server/store/moves/move-tables.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import { watchDatasources } from '#test/support/changes/event-stream.ts'
import { query } from '#test/support/database/postgres.ts'
import { holderKey, leaseCapability, verifyKeysOf } from '#test/support/keys/leasing.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring, type TestOrganization } from '#test/support/mooring/mooring.ts'
import { copiedRows, moveOrganization } from '#test/support/mooring/moves.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

let source: Mooring
let target: Mooring
let customer: Customer
beforeAll(async () => {
  source = await startMooring()
  target = await startMooring({ keyrings: source.config.keyring ?? '' })
  customer = await makeCustomer()
})
afterAll(async () => {
  await target.stop()
  await source.stop()
  await customer.drop()
})

const at = (mooring: Mooring, key: string) => createClient({ url: mooring.url, key, seal: false, retries: 0 })

async function registered(organization: TestOrganization, name: string): Promise<DatasourceId> {
  const connectionString = customer.url('reader', { parameters: 'sslmode=require' })
  const made = await at(source, organization.testKey).datasources.register.mutate({
    connectionString,
    schema: 'app',
    name,
    waitSeconds: 20,
  })
  expect(made.status).toBe('active')
  return made.id
}

/** Every surface, read and written, with a key: the status and code of each. */
async function surfaces(mooring: Mooring, key: string) {
  const json = { 'content-type': 'application/json' }
  const calls = [
    ['GET', '/v1/datasources', undefined],
    ['POST', '/v1/datasources', '{}'],
    ['GET', '/api/v1/connections', undefined],
    ['POST', '/api/v1/connections', '{}'],
    ['GET', '/trpc/datasources.list?input={}', undefined],
    ['POST', '/trpc/datasources.remove', '{}'],
  ] as const
  const ends = []
  for (const [method, path, body] of calls) {
    const answer = await mooring.call(method, path, { key, ...(body === undefined ? {} : { body, headers: json }) })
    const code = answer.body?.code ?? answer.body?.error?.code ?? answer.body?.error?.data?.fault
    const fault = answer.body?.error?.data?.fault
    ends.push([answer.status, fault ?? code])
  }
  return ends
}

it('takes everything along, and each caller resumes at the target where they were', async () => {
  const organization = await source.newOrganization('Moves')
  const here = at(source, organization.testKey)
  const first = await registered(organization, 'one')
  await here.snapshots.introspect.mutate({ id: first })
  const idempotencyKey = newId()
  const made = await here.organization.createKey.mutate({ name: 'kept', idempotencyKey })
  const revoked = await here.organization.createKey.mutate({ name: 'revoked' })
  await here.organization.revokeKey.mutate({ id: revoked.id })
  const token = await leaseCapability({ ...source, organization })
  const { publicKey, open } = await holderKey()
  await at(source, token).datasources.lease.mutate({ id: first, publicKey })
  const stream = await watchDatasources({ url: source.url, key: organization.testKey })
  await here.datasources.update.mutate({ id: first, name: 'two' })
  const seen = await stream.first(({ text }) => text.includes('updated'))
  await here.datasources.update.mutate({ id: first, name: 'three' })
  await here.datasources.update.mutate({ id: first, name: 'four' })
  await stream.count(3)
  expect((await target.call('GET', '/v1/datasources', { key: organization.testKey })).status).toBe(401)

  const before = await copiedRows(source.databaseUrl, organization.id)
  const done = await moveOrganization(source, target, organization.id)
  expect([done.code, done.out, done.code === 0 ? '' : done.err]).toEqual([0, [], ''])

  const after = await copiedRows(target.databaseUrl, organization.id)
  // The target's own record holds the arrival.
  const arrived = after['audit_events']?.filter(row => row.includes('organization.arrived')) ?? []
  expect(arrived).toHaveLength(1)
  expect({ ...after, audit_events: after['audit_events']?.filter(row => !arrived.includes(row)) }).toEqual(before)
  for (const [table, rows] of Object.entries(before))
    expect([table, rows.length > 0]).toEqual([table, !EMPTY.includes(table)])

  // At the source every key gets the move, and nothing else is left.
  for (const key of [organization.testKey, organization.liveKey, token, made.key ?? ''])
    expect(await surfaces(source, key)).toEqual([
      [409, 'organization_moved'],
      [409, 'organization_moved'],
      [409, 'CONFLICT'],
      [409, 'CONFLICT'],
      [409, 'organization_moved'],
      [409, 'organization_moved'],
    ])
  const left = await copiedRows(source.databaseUrl, organization.id)
  for (const [table, rows] of Object.entries(left))
    expect([table, rows.length > 0]).toEqual([table, KEPT_AT_SOURCE.has(table)])

  // At the target they continue, and revoked ones stay revoked.
  expect((await target.call('GET', '/v1/datasources', { key: revoked.key ?? '' })).body.code).toBe('apikey_revoked')
  const there = at(target, organization.testKey)
  expect((await there.datasources.get.query({ id: first })).name).toBe('four')
  const leased = await at(target, token).datasources.lease.mutate({ id: first, publicKey })
  expect(open(leased.sealed).id).toBe(leased.leaseId)
  expect(verifyKeysOf(target)).toEqual(verifyKeysOf(source))
  expect((await there.organization.createKey.mutate({ name: 'kept', idempotencyKey })).id).toBe(made.id)
  const again = await watchDatasources({ url: target.url, key: organization.testKey, lastEventId: seen.id })
  await there.datasources.update.mutate({ id: first, name: 'five' })
  await again.count(3)
  expect(again.messages.map(({ text }) => JSON.parse(text).change)).toEqual(['updated', 'updated', 'updated'])
  await again.close()
  expect((await there.datasources.verify.mutate({ id: first, waitSeconds: 20 })).status).toBe('active')
  // The source ends the streams of its subscribers.
  await stream.ended
})

/** Tables without rows of this organization. */
const EMPTY: readonly string[] = ['feeds', 'feed_events', 'feed_pushes']

it('can return while its former place still reports the move', async () => {
  const organization = await source.newOrganization('Returns')
  const id = await registered(organization, 'home')
  expect((await moveOrganization(source, target, organization.id)).code).toBe(0)
  await at(target, organization.testKey).datasources.update.mutate({ id, name: 'abroad' })
  expect((await moveOrganization(target, source, organization.id)).code).toBe(0)
  expect((await at(source, organization.testKey).datasources.get.query({ id })).name).toBe('abroad')
  expect((await target.call('GET', '/v1/datasources', { key: organization.testKey })).status).toBe(409)
})

it('copies every table, or has a reason not to', async () => {
  const rows = await query(
    source.databaseUrl,
    `select relname as name from pg_class
     where relkind in ('r', 'p') and not relispartition and relnamespace = 'public'::regnamespace order by 1`,
  )
  const copied = COPIED.map(({ name }) => name)
  expect(rows.map(row => row['name'])).toEqual([...copied, ...Object.keys(NOT_COPIED)].toSorted())
  const tenants = await query(
    source.databaseUrl,
    "select distinct attrelid::regclass::text as name from pg_attribute where attname = 'org_id' and not attisdropped",
  )
  expect(tenants.map(row => row['name']).filter(name => Object.hasOwn(NOT_COPIED, String(name)))).toEqual([])
})
