/**
 * Mooring dials on request, and counts: it is no tool for guessing passwords, nor for locking others out of their
 * database.
 */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { query } from '#test/support/database/postgres.ts'
import { type DnsServer, startDnsServer } from '#test/support/dials/dns-server.ts'
import { failure } from '#test/support/dials/hostile-postgres.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

let now = new Date('2026-11-21T12:00:00.000Z')
let dns: DnsServer
let mooring: Mooring
let customer: Customer
beforeAll(async () => {
  dns = await startDnsServer()
  mooring = await startMooring({ clock: () => now, env: { MOORING_DNS_SERVERS: dns.address } })
  customer = await makeCustomer()
})
beforeEach(() => query(mooring.databaseUrl, 'delete from dial_budgets'))
afterAll(async () => {
  await mooring.stop()
  await customer.drop()
  await dns.close()
})

/** Validates, and returns the reason; null when the database is ready. */
async function validate(connectionString: string, key = mooring.organization.testKey): Promise<string | null> {
  const { body } = await mooring.call('POST', '/v1/datasources/validate', { key, body: { connectionString } })
  return body.ready ? null : body.reason
}

const guess = (host: string) => customer.url('reader', { host, password: 'a-guess', parameters: 'sslmode=disable' })

/** A server at the customer's port on another address, which refuses every client. */
async function refusing(address: string) {
  let logins = 0
  const server = createServer(socket => {
    socket.on('error', () => socket.destroy())
    socket.once('data', () => {
      logins += 1
      socket.end(failure({ S: 'FATAL', C: '28P01', M: 'no' }))
    })
  })
  server.listen(customer.port, address)
  await once(server, 'listening')
  return { logins: () => logins, close: () => server.close() }
}

describe('A target', () => {
  it('is not used up by a caller who lists its address beside their own', async () => {
    const own = await refusing('127.0.0.2')
    const attacker = await mooring.newOrganization('Attacker')
    dns.answer('db.attacker.io', { addresses: ['127.0.0.2', '127.0.0.1'] })
    for (let count = 0; count < 10; count++) await validate(guess('db.attacker.io'), attacker.testKey)
    expect(own.logins()).toBe(10)
    expect(await validate(guess('db.attacker.io'), attacker.testKey)).toBe('rate_limit_exceeded')
    expect(await validate(customer.url())).toBeNull()
    own.close()
  })

  it('is dialled sixty times a minute at most for one organization, under any number of names, and still for others', async () => {
    const names = Array.from({ length: 61 }, (_, at) => `n${at}.acme.io`)
    for (const name of names) dns.answer(name, { addresses: ['127.0.0.1'] })
    const reasons: (string | null)[] = []
    for (const host of names) reasons.push(await validate(customer.url('reader', { host })))
    expect(reasons).toEqual([...Array.from({ length: 60 }, () => null), 'rate_limit_exceeded'])
    const other = await mooring.newOrganization('Beside')
    expect(await validate(customer.url('reader', { host: 'n0.acme.io' }), other.testKey)).toBeNull()
    now = new Date(now.getTime() + 60_000)
    expect(await validate(customer.url('reader', { host: 'n0.acme.io' }))).toBeNull()
  })
})
