/**
 * A6: one tenant's wrong passwords, by mistake or by guessing, delay every other tenant of the same host, pooler,
 * address or user name for a quarter of an hour. A table of who delays whom, and of what each learns.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { settled } from '#test/support/checks/verdicts.ts'
import { query } from '#test/support/database/postgres.ts'
import { type DnsServer, startDnsServer } from '#test/support/dials/dns-server.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { type Customer, makeCustomer, type Otherwise } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring, type TestOrganization } from '#test/support/mooring/mooring.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const QUARTER_MS = 900_000
const WRONG = 'a-mistake'

let now = new Date('2026-11-21T12:00:00.000Z')
let dns: DnsServer
let mooring: Mooring
let customer: Customer
/** Another database and role on the same host, port and address: a neighbour on a shared pooler. */
let neighbour: Customer
let guesser: TestOrganization
let other: TestOrganization
beforeAll(async () => {
  dns = await startDnsServer()
  dns.answer('db.acme.io', { addresses: ['127.0.0.1'] })
  dns.answer('alias.acme.io', { addresses: ['127.0.0.1'] })
  mooring = await startMooring({ clock: () => now, env: { MOORING_DNS_SERVERS: dns.address } })
  customer = await makeCustomer()
  neighbour = await makeCustomer()
})
beforeEach(async () => {
  await query(mooring.databaseUrl, 'delete from dial_budgets')
  guesser = await mooring.newOrganization('Guesser')
  other = await mooring.newOrganization('Other')
})
afterAll(async () => {
  await mooring.stop()
  await customer.drop()
  await neighbour.drop()
  await dns.close()
})

const at = ({ url }: Customer, otherwise: Otherwise = {}) =>
  url('reader', { host: 'db.acme.io', parameters: 'sslmode=disable', ...otherwise })

/** Validates, and returns the reason; null when the database is ready. */
async function validate(key: string, connectionString: string): Promise<string | null> {
  const { body } = await mooring.call('POST', '/v1/datasources/validate', { key, body: { connectionString } })
  return body.ready ? null : body.reason
}

async function guess(key: string, connectionString: string, times: number): Promise<(string | null)[]> {
  const reasons: (string | null)[] = []
  for (let count = 0; count < times; count++) reasons.push(await validate(key, connectionString))
  return reasons
}

const wrong = (customer: Customer, otherwise: Otherwise = {}) => at(customer, { password: WRONG, ...otherwise })
const REFUSED = 'authentication_failed'
const KEPT = 'rate_limit_exceeded'

/** Sends ten wrong passwords of one organization to the customer's login, then returns who is delayed. */
const TABLE: readonly [who: string, waits: boolean, ask: () => Promise<string | null>][] = [
  ['the one who guessed, at that login', true, () => validate(guesser.testKey, at(customer))],
  [
    '… under another name of the same host',
    true,
    () => validate(guesser.testKey, at(customer, { host: 'alias.acme.io' })),
  ],
  ['… under its address', true, () => validate(guesser.testKey, at(customer, { host: '127.0.0.1' }))],
  ['… with another user at the same host and port', true, () => validate(guesser.testKey, at(neighbour))],
  ['another organization, at a database of its own on that host', false, () => validate(other.testKey, at(neighbour))],
  ['… of the same user name', false, () => validate(other.testKey, at(neighbour, { user: neighbour.roles.reader }))],
  ['… under the address', false, () => validate(other.testKey, at(neighbour, { host: '127.0.0.1' }))],
  [
    'another organization that tries that very login for the first time',
    false,
    () => validate(other.testKey, at(customer)),
  ],
]

describe('Ten refused logins of one organization', () => {
  it.each(TABLE)('%s: delayed is %s', async (_, waits, ask) => {
    expect(new Set(await guess(guesser.testKey, wrong(customer), 10))).toEqual(new Set([REFUSED]))
    expect(await ask()).toBe(waits ? KEPT : null)
    now = new Date(now.getTime() + QUARTER_MS)
    expect(await ask()).toBeNull()
  })

  it('leave another organization one try of that login, and no second guess', async () => {
    await guess(guesser.testKey, wrong(customer), 10)
    expect(await guess(other.testKey, wrong(customer), 2)).toEqual([REFUSED, KEPT])
    expect(await validate(other.testKey, wrong(customer, { host: '127.0.0.1' }))).toBe(KEPT)
  })

  it('never delay the organization whose credential for that login is in force, whatever others guess', async () => {
    const client = mooring.client(other.testKey)
    const { id } = await client.datasources.register.mutate({ connectionString: at(customer), waitSeconds: 20 })
    await guess(guesser.testKey, wrong(customer), 10)
    const checked = await client.datasources.verify.mutate({ id, waitSeconds: 20 })
    expect(checked).toMatchObject({ status: 'active', statusReason: null })
    // A mistake of their own, then a string for the same login again: both are tried.
    expect(await validate(other.testKey, wrong(customer))).toBe(REFUSED)
    expect(await guess(other.testKey, at(customer), 2)).toEqual([null, null])
  })

  it('count once for all concurrent guesses', async () => {
    const keys = await Promise.all(Array.from({ length: 4 }, (_, n) => mooring.newOrganization(`Crowd ${n}`)))
    const tries = keys.flatMap(({ testKey }) => Array.from({ length: 6 }, () => validate(testKey, wrong(customer))))
    const reasons = await Promise.all(tries)
    // Ten in total, and the first one of each organization.
    expect(reasons.filter(reason => reason === REFUSED).length).toBeLessThanOrEqual(14)
    expect(reasons.filter(reason => reason === KEPT).length).toBeGreaterThanOrEqual(10)
  })
})

describe('A person who mistypes the password', () => {
  it('nine times before the correct one is active at once', async () => {
    const client = mooring.client(guesser.testKey)
    const first = await client.datasources.register.mutate({ connectionString: wrong(customer), waitSeconds: 20 })
    expect(first).toMatchObject({ status: 'rejected', statusReason: REFUSED })
    for (let count = 1; count < 9; count++) {
      const connectionString = wrong(customer, { password: `mistake ${count}` })
      await client.datasources.rotate.mutate({ id: first.id, connectionString, waitSeconds: 20 })
    }
    const right = await client.datasources.rotate.mutate({
      id: first.id,
      connectionString: at(customer),
      waitSeconds: 20,
    })
    expect(right).toMatchObject({ status: 'active', statusReason: null })
    expect(await validate(other.testKey, at(neighbour))).toBeNull()
  })

  it('ten times sees the true cause and the next time, and the check then runs unasked', async () => {
    const client = mooring.client(guesser.testKey)
    const first = await client.datasources.register.mutate({ connectionString: wrong(customer), waitSeconds: 20 })
    for (let count = 1; count < 10; count++) {
      const connectionString = wrong(customer, { password: `mistake ${count}` })
      await client.datasources.rotate.mutate({ id: first.id, connectionString, waitSeconds: 20 })
    }
    const kept = await client.datasources.rotate.mutate({
      id: first.id,
      connectionString: at(customer),
      waitSeconds: 20,
    })
    expect(kept).toMatchObject({ status: 'rejected', statusReason: REFUSED })
    const waitMs = Date.parse(kept.nextCheckAt ?? '') - now.getTime()
    expect(waitMs).toBeGreaterThan(QUARTER_MS - 60_000)
    expect(waitMs).toBeLessThanOrEqual(QUARTER_MS + 1_000)
    now = new Date(Date.parse(kept.nextCheckAt ?? ''))
    await query(mooring.databaseUrl, 'notify mooring_work')
    await vi.waitFor(
      async () => {
        const { body } = await mooring.call('GET', `/v1/datasources/${first.id}`, { key: guesser.testKey })
        expect(body).toMatchObject({ status: 'active', status_reason: null })
      },
      { timeout: 30_000, interval: 200 },
    )
  })

  it('and never corrects it is tried again only after a change or on request', async () => {
    const client = mooring.client(guesser.testKey)
    const { id } = await client.datasources.register.mutate({ connectionString: wrong(customer), waitSeconds: 20 })
    expect(await client.datasources.get.query({ id })).toMatchObject({ status: 'rejected', nextCheckAt: null })
    const due = await query(
      mooring.databaseUrl,
      `select kind from tasks where datasource_id = '${bareUuid(id)}' and due_at is not null`,
    )
    expect(due).toEqual([])
  })
})

describe('An active credential in force', () => {
  it('is checked and read after its password is refused, counts, and is tried again only at its daily check', async () => {
    const own = await makeCustomer()
    const client = mooring.client(other.testKey)
    const { id } = await client.datasources.register.mutate({ connectionString: at(own), waitSeconds: 20 })
    await own.sql(`alter role ${own.roles.reader} password 'changed'`)
    for (let count = 0; count < 12; count++) {
      const checked = await client.datasources.verify.mutate({ id, waitSeconds: 20 })
      expect(checked).toMatchObject({ status: 'active', statusReason: REFUSED })
      expect(Date.parse(checked.nextCheckAt ?? '') - now.getTime()).toBeGreaterThan(70_000_000)
    }
    // All of them counted, though none was delayed.
    expect(await validate(other.testKey, at(neighbour))).toBe(KEPT)
    expect(await validate(guesser.testKey, at(neighbour))).toBeNull()
    await own.sql(`alter role ${own.roles.reader} password '${own.password}'`)
    const back = await client.datasources.verify.mutate({ id, waitSeconds: 20 })
    expect(back).toMatchObject({ status: 'active', statusReason: null })
    await own.drop()
  })
})

describe('A re-registration with another password', () => {
  const counted = async (key: string) => {
    const rows = await query(
      mooring.databaseUrl,
      `select key, used from dial_budgets where key like '${key} %' order by key`,
    )
    return rows.map(row => Number(row['used']))
  }

  it('counts once when it is refused, and nothing when it succeeds', async () => {
    const own = await makeCustomer()
    const register = (connectionString: string) =>
      mooring.call('POST', '/v1/datasources', {
        key: other.testKey,
        body: { connectionString },
        headers: { prefer: 'wait=20' },
      })
    expect((await register(at(own))).body).toMatchObject({ status: 'active' })
    await register(wrong(own))
    expect(await counted('organization')).toEqual([2])
    await own.sql(`alter role ${own.roles.reader} password 'the next one'`)
    const { body } = await register(at(own, { password: 'the next one' }))
    await settled(mooring.databaseUrl, bareUuid(body.id))
    expect(await counted('organization')).toEqual([2])
    expect(await counted('counted')).toEqual([])
    await own.drop()
  })
})
