/**
 * A6: how a failed login counts: fully when it is refused, half when the server breaks off after our proof, and at an
 * address for one organization only up to its own share.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { query } from '#test/support/database/postgres.ts'
import { failure, type HostileServer, type Script, startHostile } from '#test/support/dials/hostile-postgres.ts'
import { challenge, greet, welcome } from '#test/support/dials/hostile-scripts.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

let mooring: Mooring
let customer: Customer
beforeAll(async () => {
  mooring = await startMooring()
  customer = await makeCustomer()
})
beforeEach(() => query(mooring.databaseUrl, 'delete from dial_budgets'))
afterAll(async () => {
  await mooring.stop()
  await customer.drop()
})

async function validate(connectionString: string): Promise<string | null> {
  const { body } = await mooring.call('POST', '/v1/datasources/validate', { body: { connectionString } })
  return body.ready ? null : body.reason
}

/** The counters of a family of keys, in halves. */
async function halves(family: string): Promise<number[]> {
  const sql = `select used from dial_budgets where key like '${family} %' order by key`
  return (await query(mooring.databaseUrl, sql)).map(row => Number(row['used']))
}

async function against(script: Script, act: (server: HostileServer) => Promise<unknown>): Promise<void> {
  const server = await startHostile(script)
  try {
    await act(server)
  } finally {
    await server.stop()
  }
}

const string = ({ port }: HostileServer) => `postgresql://app:secret@127.0.0.1:${port}/shop?sslmode=disable`
const breakOff: Script = async peer => {
  await challenge(() => [])(peer)
  peer.socket.destroy()
}

describe('A login', () => {
  it.each<[string, Script, number[]]>([
    ['that is refused counts whole', challenge(() => [failure({ S: 'FATAL', C: '28P01', M: 'no' })]), [2]],
    ['that ends behind our proof without an answer counts half', breakOff, [1]],
    [
      'that is refused behind our proof with the code of a pooler counts whole',
      challenge(() => [failure({ S: 'FATAL', C: '08P01', M: 'no' })]),
      [2],
    ],
    [
      'that ends behind our proof because a pooler has no server counts half',
      challenge(() => [failure({ S: 'FATAL', C: '08P01', M: 'server login has been failing, try again later' })]),
      [1],
    ],
    ['that ends before our proof counts nothing', greet(failure({ S: 'FATAL', C: '57P03', M: 'starting' })), []],
    [
      'that was accepted counts nothing, whatever comes then',
      welcome(failure({ S: 'FATAL', C: '53300', M: 'full' })),
      [],
    ],
  ])('%s', async (_, script, counted) => {
    await against(script, async server => {
      expect(await validate(string(server))).not.toBeNull()
      for (const family of ['login', 'place', 'organization', 'address-of', 'address'])
        expect(await halves(family), family).toEqual(counted)
    })
  })

  it('is tried twenty times at most when the server closes the connection every time', async () => {
    let logins = 0
    const counting: Script = async peer => {
      logins += 1
      await breakOff(peer)
    }
    await against(counting, async server => {
      for (let count = 0; count < 20; count++) expect(await validate(string(server))).toBe('database_unreachable')
      expect(await validate(string(server))).toBe('rate_limit_exceeded')
      expect(logins).toBe(20)
    })
  })
})

describe('An address', () => {
  const spend = (key: string, used: number) =>
    query(
      mooring.databaseUrl,
      `insert into dial_budgets (key, used, resets_at) values ('${key}', ${used}, now() + interval '10 minutes')`,
    )

  it('delays an organization that has used up its share, and charges it no further', async () => {
    await spend(`address-of ${mooring.organization.id} 127.0.0.1`, 60)
    await spend('address 127.0.0.1', 60)
    const other = await mooring.newOrganization('Beside')
    const theirs = await mooring.call('POST', '/v1/datasources/validate', {
      key: other.testKey,
      body: { connectionString: customer.url() },
    })
    expect(theirs.body.ready).toBe(true)
    expect(await validate(customer.url())).toBe('rate_limit_exceeded')
    expect(await halves('address')).toEqual([60])
  })

  it('whose total is used up delays new credentials, and none that is in force and active', async () => {
    const client = mooring.client()
    const { id } = await client.datasources.register.mutate({ connectionString: customer.url(), waitSeconds: 20 })
    await spend('address 127.0.0.1', 600)
    expect(await validate(customer.url('reader', { user: 'other' }))).toBe('rate_limit_exceeded')
    const checked = await client.datasources.verify.mutate({ id, waitSeconds: 20 })
    expect(checked).toMatchObject({ status: 'active', statusReason: null })
    expect(await client.snapshots.introspect.mutate({ id })).toMatchObject({ changed: true })
  })
})
