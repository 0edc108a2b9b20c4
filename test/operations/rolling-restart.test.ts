/** Web processes are replaced one after the other behind a balancer that polls once a second: no caller notices. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createClient } from '#client/index.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { makeTiers, type TierProcess, type Tiers } from '#test/support/mooring/tiers.ts'
import { type Balancer, startBalancer } from '#test/support/operations/balancer.ts'

// Production's default, since the variable is unset: a process serves for five seconds after the signal.
const AS_DOCUMENTED = { MOORING_DRAIN_SECONDS: '' }
const CALLERS = 4
/** Between two calls of a caller: calls cover every moment of a restart, and the machine has time for the restart. */
const PACE_MS = 25

let tiers: Tiers
let customer: Customer
let balancer: Balancer
beforeAll(async () => {
  tiers = await makeTiers()
  customer = await makeCustomer()
  balancer = await startBalancer()
})
afterAll(async () => {
  await balancer.stop()
  await tiers.stop()
  await customer.drop()
})

async function startedWeb(): Promise<TierProcess> {
  const web = await tiers.start('web', { env: AS_DOCUMENTED })
  await balancer.add(await tiers.urlOf(web))
  return web
}

it('A rolling restart of two web processes loses no request', async () => {
  const webs = [await startedWeb(), await startedWeb()]
  const client = createClient({ url: balancer.url, key: tiers.organization.testKey, seal: true, retries: 0 })
  const connectionString = customer.url()
  const acknowledged: string[] = []
  const ended = new AbortController()
  const call = async () => {
    while (!ended.signal.aborted) {
      const { id } = await client.datasources.register.mutate({ connectionString })
      acknowledged.push(id)
      expect((await client.datasources.get.query({ id })).id).toBe(id)
      await sleep(PACE_MS)
    }
  }
  const callers = Promise.all(Array.from({ length: CALLERS }, call))
  const restarts = (async () => {
    for (const web of webs) {
      const before = acknowledged.length
      await startedWeb()
      await web.end()
      expect(web.process.exitCode).toBe(0)
      expect(acknowledged.length).toBeGreaterThan(before)
    }
  })().finally(() => ended.abort())
  await Promise.all([callers, restarts])

  expect(balancer.failures).toEqual([])
  for (const web of webs) expect(web.lines().filter(line => Number(line['level']) >= 50)).toEqual([])
  const kept = await tiers.db.selectFrom('datasources').select('id').execute()
  const found = new Set(kept.map(row => `ds_test_${row.id.replaceAll('-', '')}`))
  expect(acknowledged.filter(id => !found.has(id))).toEqual([])
  expect(found.size).toBe(acknowledged.length)
})

it('A process that stops becomes unready, and sends Connection: close, before it ends', async () => {
  const web = await tiers.start('web', { env: AS_DOCUMENTED })
  const url = await tiers.urlOf(web)
  const ready = await fetch(`${url}/readyz`)
  expect([ready.status, ready.headers.get('connection')]).toEqual([200, 'keep-alive'])
  const ended = web.end()
  await web.logged('stopping')
  const readiness = await fetch(`${url}/readyz`)
  expect(readiness.status).toBe(503)
  const served = await fetch(`${url}/healthz`)
  expect([served.status, served.headers.get('connection')]).toEqual([200, 'close'])
  await ended
  await expect(fetch(`${url}/healthz`)).rejects.toThrow('fetch failed')
})
