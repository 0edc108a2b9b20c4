/** Validation runs the whole checklist on an unregistered string, and leaves nothing of it behind. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DIRECT_ITEMS } from '#shared/checks/items.ts'
import { allRows, difference, effects } from '#test/support/database/rows.ts'
import { portOf } from '#test/support/dials/recorded-connect.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

const PASSWORD = 'validated-and-forgotten'

let mooring: Mooring
let customer: Customer
beforeAll(async () => {
  mooring = await startMooring()
  customer = await makeCustomer(PASSWORD)
})
afterAll(async () => {
  await mooring.stop()
  await customer.drop()
})

const validate = (connectionString: string, schema = 'app') =>
  mooring.call('POST', '/v1/datasources/validate', { body: { connectionString, schema } })

/** The dial itself stays counted: the counters prevent guessing passwords through Mooring. */
async function leftBehind(work: () => Promise<unknown>): Promise<string[]> {
  const before = await effects(mooring.databaseUrl)
  await work()
  const lines = difference(before, await effects(mooring.databaseUrl))
  return lines.filter(line => !line.includes('public.dial_budgets '))
}

async function closedPort(): Promise<number> {
  const closed = createServer().listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const port = portOf(closed)
  closed.close()
  await once(closed, 'close')
  return port
}

describe('A validation', () => {
  it('of a good string is reachable and ready, and stores neither datasource, credential nor task', async () => {
    const left = await leftBehind(async () => {
      const answer = await validate(customer.url())
      const verdict = {
        object: 'datasource_validation',
        connection: 'direct',
        reachable: true,
        ready: true,
        failures: [],
      }
      expect(answer).toMatchObject({ status: 200, body: verdict })
      expect(answer.body).not.toHaveProperty('reason')
      expect(answer.text).not.toContain(PASSWORD)
    })
    expect(left).toEqual([])
    expect(JSON.stringify(await allRows(mooring.databaseUrl))).not.toContain(PASSWORD)
  })

  it.each([
    ['a superuser', () => customer.url('superuser'), 'role_superuser', 'byo_role_cannot_enforce_rls', true],
    [
      'a wrong password',
      () => customer.url('reader', { password: 'not-it' }),
      'authenticate',
      'authentication_failed',
      true,
    ],
  ] as const)('of %s names the failing line and its fix', async (_what, url, ...[item, reason, reachable]) => {
    const left = await leftBehind(async () => {
      const { status, body } = await validate(url())
      expect(status).toBe(200)
      expect(body).toMatchObject({ reachable, ready: false, reason })
      expect(body.failures.map((failure: { item: string }) => failure.item)).toContain(item)
      for (const failure of body.failures) {
        expect(DIRECT_ITEMS).toContain(failure.item)
        expect(failure.fix).toMatch(/\S/)
      }
    })
    expect(left).toEqual([])
  })

  it('of a closed port or a missing schema is a verdict, too', async () => {
    const unreachable = await validate(customer.url('reader', { port: await closedPort() }))
    expect(unreachable).toMatchObject({ status: 200, body: { reachable: false, reason: 'database_unreachable' } })
    const missing = await validate(customer.url(), 'nowhere')
    expect(missing).toMatchObject({ status: 200, body: { reachable: true, ready: false, reason: 'schema_not_found' } })
  })

  it('of a host that may not be dialled is a verdict, not an error, and needs no task', async () => {
    const left = await leftBehind(async () => {
      const { status, body } = await validate('postgres://reader:secret@10.0.0.1/shop')
      expect(status).toBe(200)
      expect(body).toMatchObject({ reachable: false, ready: false, reason: 'byo_host_not_allowed' })
      expect(body.failures).toMatchObject([{ item: 'host', fix: expect.any(String) }])
    })
    expect(left).toEqual([])
  })

  it.each([{ schema: 'app' }, { connectionString: 'nonsense' }, { connectionString: 7 }])(
    'of %j is refused',
    async body => {
      const refused = await mooring.call('POST', '/v1/datasources/validate', { body })
      expect(refused).toMatchObject({ status: 400, body: { code: 'invalid_body', param: 'connectionString' } })
    },
  )
})
