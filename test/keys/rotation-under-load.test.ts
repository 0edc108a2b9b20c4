/** Thousands of credentials are resealed under load, and the worker is killed twice on the way: nothing is lost. */
import type { Pool } from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { faultOf } from '#client/index.ts'
import { withDatasource } from '#client/node.ts'
import { onNotification } from '#test/support/checks/verdicts.ts'
import { query } from '#test/support/database/postgres.ts'
import { howMany } from '#test/support/database/whole.ts'
import { leaseCapability, verifyKeysOf } from '#test/support/keys/leasing.ts'
import { makeCredentials, numberedSecret, openAll } from '#test/support/keys/many-credentials.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { operator } from '#test/support/mooring/operator.ts'
import { makeTiers, type TierProcess, type Tiers } from '#test/support/mooring/tiers.ts'

const COUNT = howMany({ usual: 3_000, whole: 10_000 })

let tiers: Tiers
let web: TierProcess
let customer: Customer
beforeAll(async () => {
  tiers = await makeTiers()
  customer = await makeCustomer()
  const { db, organization } = tiers
  await makeCredentials({ db, keyring: await tiers.keyring(), organizationId: organization.id }, COUNT)
  web = await tiers.start('web')
}, 120_000)
afterAll(async () => {
  await tiers.stop()
  await customer.drop()
})

const LEFT = `select count(*)::int as n from credentials c where c.sealed is not null and c.key_id in (
  select k.id from organization_keys k where k.org_id = c.org_id and k.retired_at is not null)`

const left = async () => Number((await query(tiers.databaseUrl, LEFT))[0]?.['n'])

/** Resolves once the command has retired their previous key. */
const begun = () =>
  onNotification(tiers.databaseUrl, async client => ((await client.query(LEFT)).rows[0].n > 0 ? true : undefined))

/** Resolves once no more than this many are left. */
const downTo = (count: number) =>
  onNotification(tiers.databaseUrl, async client => ((await client.query(LEFT)).rows[0].n <= count ? true : undefined))

it('reseals all of them during registrations, checks and leases, however often a worker dies', async () => {
  const { db, organization } = tiers
  const client = await tiers.client(web)
  const connectionString = customer.url()
  let worker = await tiers.start('worker')
  const first = await client.datasources.register.mutate({ connectionString, waitSeconds: 30 })
  expect(first.status).toBe('active')
  const keyring = await tiers.keyring()
  const verifyKeys = verifyKeysOf({ keyring })
  const token = await leaseCapability({ db, organization, keyring })
  const leaser = await tiers.client(web, { key: token })

  const ended = new AbortController()
  const done = { registered: 0, checked: 0, leased: 0 }
  // Each continues until it was served: on a slow machine the rotation may end before a killed worker's check is
  // settled.
  const load = async (kind: keyof typeof done, one: () => Promise<void>) => {
    while (!ended.signal.aborted || done[kind] === 0) await one()
  }
  const under = [
    load('registered', async () => {
      await client.datasources.register.mutate({ connectionString })
      done.registered += 1
    }),
    load('checked', async () => {
      const { statusReason } = await client.datasources.verify.mutate({ id: first.id, waitSeconds: 10 })
      expect(statusReason).toBeNull()
      done.checked += 1
    }),
    load('leased', async () => {
      // A lease whose worker was killed is not answered: that is a timeout, and the only permitted failure.
      const use = (pool: Pool) => pool.query('select 1 as one')
      const leased = withDatasource(leaser, { id: first.id, ttlSeconds: 60, verifyKeys }, use)
      const answer = await leased.catch((error: unknown) => faultOf(error))
      if (answer === 'timeout') return
      expect(answer).toMatchObject({ rows: [{ one: 1 }] })
      done.leased += 1
    }),
  ]
  // Requested once; killed together with its command, it would still continue.
  const run = operator({ db, databaseUrl: tiers.databaseUrl, keyringDir: tiers.dir })
  const command = run('keyring', 'rotate-org', organization.id)
  await begun()
  let rest = await left()
  for (let kill = 0; kill < 2; kill += 1) {
    // As soon as there is progress: most of the work is still ahead then, however busy the machine is.
    await downTo(rest - 1)
    await worker.end('SIGKILL')
    rest = await left()
    expect(rest).toBeGreaterThan(0)
    worker = await tiers.start('worker')
  }
  expect((await command).shown).toMatch(/\(100 %\)\n$/)
  ended.abort()
  // Every load was served at least once, or this never ends.
  await Promise.all(under)
  // The boxes that the web tier sealed to the key that it held when the command was done.
  await downTo(0)

  const opened = await openAll({ db, keyring: await tiers.keyring(), organizationId: organization.id })
  for (let number = 0; number < COUNT; number += 1) {
    const { user, password } = numberedSecret(number).target
    expect(opened.passwords.has(`${user} ${password}`)).toBe(true)
  }
  const current = await query(tiers.databaseUrl, 'select id from organization_keys where retired_at is null')
  expect([...opened.keyIds]).toEqual(current.map(row => row['id']))
  const [{ n } = {}] = await query(
    tiers.databaseUrl,
    'select count(*)::int as n from credentials where sealed is not null',
  )
  expect(n).toBe(COUNT + 1 + done.registered)
  expect(worker.lines().filter(line => Number(line['level']) >= 50)).toEqual([])
}, 180_000)
