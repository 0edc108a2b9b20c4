/**
 * Attack: one stray answer from DNS, a server or a role's catalog ends a database in use. The database is checked again
 * after 60 s and after 10 min, and is not leased, introspected or polled meanwhile. The third refusal is final.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import type { Datasource } from '#shared/datasources/datasource.ts'
import { settled } from '#test/support/checks/verdicts.ts'
import { query } from '#test/support/database/postgres.ts'
import { type DnsServer, startDnsServer } from '#test/support/dials/dns-server.ts'
import { type Followed, hosted, startFollowed } from '#test/support/feeds/followed.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { holderKey, leaseCapability } from '#test/support/keys/leasing.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'

vi.setConfig({ testTimeout: 90_000 })

const HOST = 'db.acme.io'
const MINUTE_MS = 60_000
const STRAY = { addresses: ['10.0.0.1'] }
const GOOD = { addresses: ['127.0.0.1'] }

let aheadMs = 0
const nowSeconds = () => Math.floor(clock().getTime() / 1_000)
const clock = () => new Date(Date.now() + aheadMs)
const cleanup = new AsyncDisposableStack()
let dns: DnsServer
let followed: Followed
let customer: Customer
let token: string
let name = 0
beforeAll(async () => {
  dns = await startDnsServer()
  cleanup.defer(() => dns.close())
  dns.answer('api.acme.io', GOOD)
  followed = await startFollowed({ clock, env: { MOORING_DNS_SERVERS: dns.address } })
  cleanup.defer(() => followed.stop())
  customer = await makeCustomer()
  cleanup.defer(() => customer.drop())
  token = await leaseCapability(followed.mooring, { ttlSeconds: 300 * 24 * 3600 })
})
afterAll(() => cleanup.disposeAsync())
beforeEach(async () => {
  dns.answer(HOST, GOOD)
  dns.answer('api.acme.io', GOOD)
  await sql('update tasks set due_at = null where standing')
})

const sql = (text: string) => query(followed.mooring.databaseUrl, text)
const datasources = () => followed.mooring.client().datasources
const get = (id: DatasourceId) => datasources().get.query({ id })
const verify = (id: DatasourceId) => datasources().verify.mutate({ id, waitSeconds: 30 })
const own = (id: DatasourceId, column = 'datasource_id') => `${column} = '${bareUuid(id)}'`
const checks = async (id: DatasourceId) => (await sql(`select id from verifications where ${own(id)}`)).length
const kept = async (id: DatasourceId) =>
  (await sql(`select status, verdict_usable as usable, refusals from datasources where ${own(id, 'id')}`))[0]
const reading = (id: DatasourceId) => followed.mooring.client().snapshots.introspect.mutate({ id })
const dueInMs = ({ nextCheckAt }: Datasource) => Date.parse(nextCheckAt ?? '') - clock().getTime()
const url = (parameters: string) => customer.url('reader', { host: HOST, parameters })

async function registered(): Promise<{ id: DatasourceId; connectionString: string }> {
  name += 1
  const connectionString = url(`application_name=n${name}`)
  const made = await datasources().register.mutate({ connectionString, schema: 'app', waitSeconds: 30 })
  expect(made).toMatchObject({ status: 'active', statusReason: null })
  return { id: made.id, connectionString }
}

/** The error of a call as a caller sees it; `granted` for success. */
const refusalOf = (call: Promise<unknown>) =>
  call.then(
    () => 'granted',
    error => Reflect.get(Object(error), 'data'),
  )

async function lease(id: DatasourceId) {
  const { publicKey } = await holderKey()
  return followed.mooring.client(token).datasources.lease.mutate({ id, publicKey, ttlSeconds: 60 })
}

/** Moves the clock and resolves after the check that is due by then. */
async function pass(id: DatasourceId, ms: number): Promise<Datasource> {
  const before = await checks(id)
  aheadMs += ms
  await sql('notify mooring_work')
  await vi.waitFor(async () => expect(await checks(id)).toBe(before + 1), 30_000)
  return get(id)
}

const expectNear = (ms: number, wantedMs: number) => {
  expect(ms).toBeGreaterThan(wantedMs - 20_000)
  expect(ms).toBeLessThanOrEqual(wantedMs + 1_000)
}

describe('One stray DNS record', () => {
  it('leaves an active datasource active and unused, reports why and until when, and clears with the next good answer', async () => {
    const { id } = await registered()
    expect(await refusalOf(lease(id))).toBe('granted')
    dns.answer(HOST, STRAY)
    const refused = await verify(id)
    expect(refused).toMatchObject({ status: 'active', statusReason: 'byo_host_not_allowed' })
    expectNear(dueInMs(refused), MINUTE_MS)
    expect(await kept(id)).toEqual({ status: 'active', usable: false, refusals: 1 })
    dns.answer(HOST, GOOD)
    const meanwhile = {
      fault: 'conflict',
      retryable: true,
      issues: [{ code: 'byo_host_not_allowed', message: expect.any(String) }],
    }
    expect(await refusalOf(lease(id))).toMatchObject(meanwhile)
    expect(await refusalOf(reading(id))).toMatchObject(meanwhile)
    expect(await sql(`select version from leases where ${own(id)}`)).toHaveLength(1)
    expect(await sql(`select id from snapshots where ${own(id)}`)).toEqual([])
    const again = await pass(id, MINUTE_MS)
    expect(again).toMatchObject({ status: 'active', statusReason: null })
    expect(await kept(id)).toEqual({ status: 'active', usable: true, refusals: 0 })
    expect(await refusalOf(lease(id))).toBe('granted')
    expect(await refusalOf(reading(id))).toBe('granted')
  })

  it('sets Retry-After over HTTP', async () => {
    const { id } = await registered()
    dns.answer(HOST, STRAY)
    await verify(id)
    const { status, headers } = await followed.mooring.call('POST', `/v1/datasources/${id}/introspect`, { body: {} })
    expect(status).toBe(409)
    expectNear(Number(headers.get('retry-after')) * 1_000, MINUTE_MS)
  })

  it('that persists is final at the third check, each with its own resolution', async () => {
    const { id } = await registered()
    dns.answer(HOST, STRAY)
    await verify(id)
    const resolutions = () => dns.asked.filter(line => line === `A ${HOST}`).length
    let before = resolutions()
    const second = await pass(id, MINUTE_MS)
    expect(second).toMatchObject({ status: 'active', statusReason: 'byo_host_not_allowed' })
    expectNear(dueInMs(second), 10 * MINUTE_MS)
    expect(resolutions()).toBe(before + 1)
    before = resolutions()
    const third = await pass(id, 10 * MINUTE_MS)
    expect(third).toMatchObject({ status: 'rejected', statusReason: 'byo_host_not_allowed', nextCheckAt: null })
    expect(resolutions()).toBe(before + 1)
    expect(await kept(id)).toEqual({ status: 'rejected', usable: false, refusals: 0 })
    dns.answer(HOST, GOOD)
    expect(await refusalOf(lease(id))).toMatchObject({ fault: 'conflict', retryable: false })
    expect(await verify(id)).toMatchObject({ status: 'active', statusReason: null })
  })

  it('that appears twice and then disappears is not a refusal', async () => {
    const { id } = await registered()
    dns.answer(HOST, STRAY)
    await verify(id)
    await pass(id, MINUTE_MS)
    dns.answer(HOST, GOOD)
    expect(await pass(id, 10 * MINUTE_MS)).toMatchObject({ status: 'active', statusReason: null })
    // The refusals are counted from zero again.
    dns.answer(HOST, STRAY)
    await verify(id)
    expect(await kept(id)).toEqual({ status: 'active', usable: false, refusals: 1 })
  })

  it('during a lease refuses that lease as retryable, and has no other effect', async () => {
    const { id } = await registered()
    dns.answer(HOST, STRAY)
    expect(await refusalOf(lease(id))).toMatchObject({ fault: 'byo_host_not_allowed', retryable: true })
    expect(await refusalOf(reading(id))).toMatchObject({ fault: 'byo_host_not_allowed', retryable: true })
    dns.answer(HOST, GOOD)
    expect(await kept(id)).toEqual({ status: 'active', usable: true, refusals: 0 })
    expect(await refusalOf(lease(id))).toBe('granted')
  })
})

describe('A requested check', () => {
  it('counts only after 60 s, and moves no scheduled check', async () => {
    const { id } = await registered()
    dns.answer(HOST, STRAY)
    const first = await verify(id)
    for (const _ of [1, 2, 3]) expect(await verify(id)).toMatchObject({ nextCheckAt: first.nextCheckAt })
    expect(await kept(id)).toEqual({ status: 'active', usable: false, refusals: 1 })
    await sql(`update tasks set due_at = null where ${own(id)} and kind = 'verify'`)
    aheadMs += MINUTE_MS
    const second = await verify(id)
    expectNear(dueInMs(second), 10 * MINUTE_MS)
    expect(await verify(id)).toMatchObject({ status: 'active', nextCheckAt: second.nextCheckAt })
    expect(await kept(id)).toMatchObject({ refusals: 2 })
    await sql(`update tasks set due_at = null where ${own(id)} and kind = 'verify'`)
    aheadMs += MINUTE_MS
    expect(await verify(id)).toMatchObject({ status: 'rejected', nextCheckAt: null })
  })

  it('makes a repaired database usable at once, and so does the same string once more', async () => {
    const { id, connectionString } = await registered()
    dns.answer(HOST, STRAY)
    await verify(id)
    dns.answer(HOST, GOOD)
    expect(await verify(id)).toMatchObject({ status: 'active', statusReason: null })
    expect(await kept(id)).toMatchObject({ usable: true, refusals: 0 })
    dns.answer(HOST, STRAY)
    await verify(id)
    dns.answer(HOST, GOOD)
    const same = await datasources().rotate.mutate({ id, connectionString, waitSeconds: 30 })
    expect(same).toMatchObject({ status: 'active', statusReason: null, credentialVersion: 1 })
    expect(await kept(id)).toMatchObject({ usable: true, refusals: 0 })
  })
})

describe('A role that is refused once', () => {
  it.each([
    [
      'its attributes',
      'byo_role_cannot_enforce_rls',
      () => [`alter role ${reader()} bypassrls`, `alter role ${reader()} nobypassrls`],
    ],
    [
      'the catalog, which it may not read',
      'byo_role_unreadable',
      () => ['revoke select on pg_catalog.pg_roles from public', 'grant select on pg_catalog.pg_roles to public'],
    ],
    [
      'the schema',
      'schema_not_found',
      () => [`revoke usage on schema app from ${reader()}`, `grant usage on schema app to ${reader()}`],
    ],
  ])('for %s is checked again, and rejected at the third time', async (_what, reason, statements) => {
    const { id } = await registered()
    const [worse = '', better = ''] = statements()
    await customer.sql(worse)
    expect(await verify(id)).toMatchObject({ status: 'active', statusReason: reason })
    expect(await refusalOf(lease(id))).toMatchObject({ fault: 'conflict', issues: [{ code: reason }] })
    await customer.sql(better)
    expect(await pass(id, MINUTE_MS)).toMatchObject({ status: 'active', statusReason: null })
    await customer.sql(worse)
    await verify(id)
    await pass(id, MINUTE_MS)
    expect(await pass(id, 10 * MINUTE_MS)).toMatchObject({ status: 'rejected', statusReason: reason })
    await customer.sql(better)
  })

  it('stays refused through a check that could not run, keeps its reason, and is checked soon', async () => {
    const { id } = await registered()
    await customer.sql(`alter role ${reader()} bypassrls`)
    await verify(id)
    dns.answer(HOST, 'nxdomain')
    const away = await verify(id)
    expect(away).toMatchObject({ status: 'active', statusReason: 'byo_role_cannot_enforce_rls' })
    expect(dueInMs(away)).toBeLessThanOrEqual(MINUTE_MS)
    expect(await kept(id)).toEqual({ status: 'active', usable: false, refusals: 1 })
    dns.answer(HOST, GOOD)
    await customer.sql(`alter role ${reader()} nobypassrls password 'another'`)
    const barred = await verify(id)
    expect(barred).toMatchObject({ status: 'active', statusReason: 'byo_role_cannot_enforce_rls' })
    expect(dueInMs(barred)).toBeLessThanOrEqual(10 * MINUTE_MS)
    expect(await kept(id)).toEqual({ status: 'active', usable: false, refusals: 1 })
    await customer.sql(`alter role ${reader()} password '${customer.password}'`)
    expect(await verify(id)).toMatchObject({ status: 'active', statusReason: null })
    expect(await kept(id)).toMatchObject({ usable: true, refusals: 0 })
  })

  it('is not read by the scheduled introspection meanwhile', async () => {
    const { id } = await registered()
    await customer.sql(`alter role ${reader()} bypassrls`)
    await verify(id)
    await sql(`update tasks set due_at = '${clock().toISOString()}', requested = requested + 1
      where ${own(id)} and kind = 'introspect' and standing; notify mooring_work`)
    const task = `select due_at from tasks where ${own(id)} and kind = 'introspect' and standing and settled >= requested`
    await vi.waitFor(async () => expect(await sql(task)).toEqual([{ due_at: null }]), 30_000)
    expect(await get(id)).toMatchObject({ introspectedAt: null })
    await customer.sql(`alter role ${reader()} nobypassrls`)
    await verify(id)
    expect(await sql(task)).toEqual([{ due_at: expect.any(Date) }])
  })

  it('keeps its reason through a refused rotation, and is in use again after a successful one', async () => {
    const { id } = await registered()
    dns.answer(HOST, STRAY)
    const first = await verify(id)
    const wrong = customer.url('reader', { host: HOST, password: 'wrong' })
    dns.answer(HOST, GOOD)
    const refused = await datasources().rotate.mutate({ id, connectionString: wrong, waitSeconds: 30 })
    expect(refused).toMatchObject({ status: 'active', statusReason: 'byo_host_not_allowed', credentialVersion: 1 })
    expect(refused.nextCheckAt).toBe(first.nextCheckAt)
    expect(await kept(id)).toEqual({ status: 'active', usable: false, refusals: 1 })
    const next = url(`application_name=other${name}`)
    const rotated = await datasources().rotate.mutate({ id, connectionString: next, waitSeconds: 30 })
    expect(rotated).toMatchObject({ status: 'active', statusReason: null })
    expect(await kept(id)).toEqual({ status: 'active', usable: true, refusals: 0 })
  })

  it('is not rejected either if it was in use before verdicts were signed', async () => {
    const { id } = await registered()
    await sql(`update datasources set verdict_version = null, verdict_usable = null, usable_until = null,
      verdict_signer_id = null, verdict_signature = null where ${own(id, 'id')}`)
    dns.answer(HOST, STRAY)
    expect(await refusalOf(lease(id))).toMatchObject({ fault: 'conflict', retryable: true })
    expect(await kept(id)).toEqual({ status: 'active', usable: false, refusals: 1 })
    const before = await checks(id)
    expect(await refusalOf(lease(id))).toMatchObject({ fault: 'conflict', retryable: true })
    expect(await checks(id)).toBe(before)
    dns.answer(HOST, GOOD)
    expect(await pass(id, MINUTE_MS)).toMatchObject({ status: 'active', statusReason: null })
    expect(await refusalOf(lease(id))).toBe('granted')
  })
})

describe('A datasource that has never passed', () => {
  it('is rejected at the first refusal', async () => {
    dns.answer(HOST, STRAY)
    const made = await datasources().register.mutate({ connectionString: url('application_name=new'), waitSeconds: 30 })
    expect(made).toMatchObject({ status: 'rejected', statusReason: 'byo_host_not_allowed', nextCheckAt: null })
  })
})

describe('An endpoint', () => {
  it('with one stray record is not polled until its next check, and then continues its feed', async () => {
    followed.stranger.be(hosted({ count: () => 3, nowSeconds }))
    const id = (await followed.register('/stray')).id as DatasourceId
    await followed.run('poll', id)
    dns.answer('api.acme.io', STRAY)
    expect(await verify(id)).toMatchObject({ status: 'active', statusReason: 'byo_host_not_allowed' })
    dns.answer('api.acme.io', GOOD)
    const before = followed.stranger.received.length
    await followed.run('poll', id)
    expect(followed.stranger.received).toHaveLength(before)
    followed.stranger.be(hosted({ count: () => 5, nowSeconds }))
    expect(await pass(id, MINUTE_MS)).toMatchObject({ status: 'active', statusReason: null })
    await vi.waitFor(async () => expect(await followed.stored(id)).toHaveLength(5), 30_000)
  })

  it('with a persistent bad record is rejected at the third check; a poll alone never rejects it', async () => {
    followed.stranger.be(hosted({ nowSeconds }))
    const id = (await followed.register('/gone')).id as DatasourceId
    dns.answer('api.acme.io', STRAY)
    for (const _ of [1, 2, 3]) await followed.run('poll', id)
    expect(await kept(id)).toEqual({ status: 'active', usable: true, refusals: 0 })
    const first = await verify(id)
    expectNear(dueInMs(first), MINUTE_MS)
    const second = await pass(id, MINUTE_MS)
    expectNear(dueInMs(second), 10 * MINUTE_MS)
    expect(await pass(id, 10 * MINUTE_MS)).toMatchObject({ status: 'rejected', nextCheckAt: null })
    await settled(followed.mooring.databaseUrl, bareUuid(id))
  })
})

const reader = () => customer.roles.reader
