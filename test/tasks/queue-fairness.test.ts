/**
 * The service of a worker while databases hang: hundreds accept a connection and stay silent, of many organizations,
 * none of them tried before.
 */
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { query } from '#test/support/database/postgres.ts'
import { portOf } from '#test/support/dials/recorded-connect.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring, type TestOrganization } from '#test/support/mooring/mooring.ts'

const ORGANIZATIONS = 60
const OF_EACH = 5

let mooring: Mooring
let customer: Customer
let silent: Server
const sockets: Socket[] = []
let theirs: TestOrganization[]

beforeAll(async () => {
  mooring = await startMooring()
  customer = await makeCustomer()
  silent = createServer(socket => void sockets.push(socket.on('error', () => socket.destroy()))).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  theirs = await Promise.all(Array.from({ length: ORGANIZATIONS }, (_, at) => mooring.newOrganization(`Hanging ${at}`)))
})
afterAll(async () => {
  for (const socket of sockets) socket.destroy()
  silent.close()
  await mooring.stop()
  await customer.drop()
})

const healthy = (key: string, waitSeconds: number) =>
  mooring.client(key).datasources.register.mutate({ connectionString: customer.url(), schema: 'app', waitSeconds })

async function registerHanging(key: string): Promise<void> {
  const connectionString = customer.url('reader', { port: portOf(silent) })
  await mooring.client(key).datasources.register.mutate({ connectionString })
}

/** Registers those of every nth organization, one after the other. */
async function registerEvery(step: number, start: number): Promise<void> {
  for (let at = start; at < ORGANIZATIONS * OF_EACH; at += step)
    await registerHanging(theirs[at % ORGANIZATIONS]?.testKey ?? '')
}

describe('While three hundred databases of sixty organizations hang', () => {
  beforeAll(async () => {
    // One after the other for each: our own database's pool is not under test here.
    await Promise.all([0, 1, 2, 3].map(start => registerEvery(4, start)))
  })

  it('a healthy one of another organization has its verdict within five seconds, whether a caller waits or not', async () => {
    // Every slot that may be occupied is occupied.
    await expect.poll(() => sockets.length).toBeGreaterThanOrEqual(8)
    const [waited, unwaited] = await Promise.all(
      ['Sixty-first', 'Sixty-second'].map(name => mooring.newOrganization(name)),
    )
    const made = await healthy(unwaited?.testKey ?? '', 0)
    // The promise of the specification.
    expect(await healthy(waited?.testKey ?? '', 5)).toMatchObject({ status: 'active' })
    const client = mooring.client(unwaited?.testKey ?? '')
    const status = async () => (await client.datasources.get.query({ id: made.id })).status
    await expect.poll(status, { timeout: 5_000 }).toBe('active')
  })

  it('a healthy one of one of them has its verdict within thirty seconds when a caller waits', async () => {
    expect(await healthy(theirs[0]?.testKey ?? '', 30)).toMatchObject({ status: 'active' })
  })

  it('the cut-off ones get no verdict, and are tried for longer behind the others', async () => {
    const hung = () => query(mooring.databaseUrl, 'select attempts, settled::int as settled from tasks where hung')
    await expect.poll(async () => (await hung()).length).toBeGreaterThan(0)
    // One read: between two of them others are cut off, or verified.
    const seen = await hung()
    expect(seen).toEqual(seen.map(() => ({ attempts: 0, settled: 0 })))
    const verified = () =>
      query(mooring.databaseUrl, "select distinct reason from verifications where outcome <> 'passed'")
    // Every first try, of two seconds each in nine slots or more, may come before.
    const timeout = (ORGANIZATIONS * OF_EACH * 2_000) / 9 + 20_000
    await expect.poll(verified, { timeout }).toEqual([{ reason: 'database_unreachable' }])
  })
})
