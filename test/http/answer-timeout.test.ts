/** A lease or a signed push that no worker completes in time: the caller gets a timeout, and their input is deleted. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createClient, faultOf } from '#client/index.ts'
import { sign } from '#server/net/endpoint/signature.ts'
import { query } from '#test/support/database/postgres.ts'
import { difference, effects } from '#test/support/database/rows.ts'
import { events } from '#test/support/feeds/followed.ts'
import { holderKey, leaseCapability } from '#test/support/keys/leasing.ts'
import { type Impatient, startImpatient } from '#test/support/mooring/impatient-web.ts'
import type { Mooring } from '#test/support/mooring/mooring.ts'

const KEY = 'sk_test_the_key_of_nobody'

let started: Impatient
let mooring: Mooring
let url: string
beforeAll(async () => {
  started = await startImpatient()
  ;({ mooring, url } = started)
})
afterAll(() => started.stop())

const ownTasks = () => query(mooring.databaseUrl, 'select kind from tasks where not standing')

it('A lease that no worker takes within its time is a timeout, and leaves neither task nor token behind', async () => {
  const connectionString = 'postgresql://app:secret@db.example.com/app'
  const { id } = await mooring.client().datasources.register.mutate({ connectionString })
  const token = await leaseCapability(mooring)
  const { publicKey } = await holderKey()
  const before = await effects(mooring.databaseUrl)
  const lease = createClient({ url, key: token, retries: 0 }).datasources.lease.mutate({
    id,
    publicKey,
    ttlSeconds: 60,
  })
  expect(await lease.catch(faultOf)).toBe('timeout')
  expect(difference(before, await effects(mooring.databaseUrl))).toEqual([])
  expect(await ownTasks()).toEqual([])
})

it('A signed push that no worker takes within its time is a 504, each time, and leaves neither task nor events behind', async () => {
  const registration = { endpoint: 'https://127.0.0.1/source', signingKey: KEY }
  const { id } = await mooring.client().datasources.register.mutate(registration)
  const body = JSON.stringify({ events: events(0, 3) })
  const timestamp = String(Math.floor(Date.now() / 1_000))
  const headers = {
    authorization: `Bearer ${mooring.organization.testKey}`,
    'content-type': 'application/json',
    'idempotency-key': 'once',
    'webhook-id': 'msg_1',
    'webhook-timestamp': timestamp,
    'webhook-signature': sign({ id: 'msg_1', timestamp, body }, [KEY]),
  }
  const before = await effects(mooring.databaseUrl)
  for (const _ of ['first', 'second']) {
    const answer = await fetch(`${url}/v1/datasources/${id}/events`, { method: 'POST', headers, body })
    expect(answer.status).toBe(504)
  }
  expect(difference(before, await effects(mooring.databaseUrl))).toEqual([])
  expect(await ownTasks()).toEqual([])
})
