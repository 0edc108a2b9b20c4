/**
 * A task kills the worker that runs it, and each later one. The second time it runs alone, in a process that is killed
 * at its deadline: the task ends there, and tasks held beside it lose nothing. Real workers are killed; only the minute
 * until a dead worker's claims expire is skipped, by changing the rows.
 */
import { execFile } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createKeyAsOperator } from '#server/operator/access/keys.ts'
import { createOrganization } from '#server/operator/organizations.ts'
import { query } from '#test/support/database/postgres.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { makeTiers, type TierProcess, type Tiers } from '#test/support/mooring/tiers.ts'
import { type Impostor, startImpostor } from '#test/support/schemas/catalog-impostor.ts'

let tiers: Tiers
let customer: Customer
let web: TierProcess
let poison: Impostor
let slow: Impostor
let otherKey: string
const workers: TierProcess[] = []
beforeAll(async () => {
  tiers = await makeTiers()
  customer = await makeCustomer()
  web = await tiers.start('web')
  const deps = { db: tiers.db, keyring: await tiers.keyring(), now: new Date() }
  const organizationId = await createOrganization(deps, 'Innocent')
  otherKey = await createKeyAsOperator(deps, { organizationId, mode: 'test', name: null })
  ;[poison, slow] = await Promise.all([startImpostor(customer.port), startImpostor(customer.port)])
})
afterEach(async () => {
  for (const worker of workers.splice(0)) await worker.end('SIGKILL')
  await query(tiers.databaseUrl, 'delete from tasks')
})
afterAll(async () => {
  await Promise.all([poison?.stop(), slow?.stop()])
  await tiers?.stop()
  await customer?.drop()
})

async function startWorker(): Promise<TierProcess> {
  const worker = await tiers.start('worker')
  workers.push(worker)
  return worker
}

async function register(port: number, key = tiers.organization.testKey) {
  const client = await tiers.client(web, { key })
  const connectionString = customer.url('reader', { port, parameters: 'sslmode=disable' })
  const { id } = await client.datasources.register.mutate({ connectionString })
  return { client, id, uuid: bareUuid(id) }
}

interface TaskRow {
  readonly held: boolean
  readonly ran_out: number
  readonly in_hours: number | null
  readonly outcome: unknown
}

async function task(uuid: string, kind = 'verify'): Promise<TaskRow> {
  const [row] = await query(
    tiers.databaseUrl,
    `select coalesce(locked_until > now(), false) as held, ran_out, outcome,
       extract(epoch from due_at - now())::float8 / 3600 as in_hours
     from tasks where datasource_id = '${uuid}' and kind = '${kind}'
     order by standing = (kind = 'introspect') limit 1`,
  )
  // The queried columns of a task that the test made.
  return row as unknown as TaskRow
}

const isHeld = (uuid: string, kind?: string) =>
  expect.poll(async () => (await task(uuid, kind)).held, { timeout: 30_000 }).toBe(true)

/** Kills a worker that holds these tasks, and expires its claims at once instead of after a minute. */
async function dies(worker: TierProcess, uuids: readonly string[], kind?: string): Promise<void> {
  for (const uuid of uuids) await isHeld(uuid, kind)
  await worker.end('SIGKILL')
  const now = "now() - interval '1 second'"
  await query(tiers.databaseUrl, `update tasks set locked_until = ${now} where locked_until is not null`)
}

/** The running single-task processes that a worker has started. */
async function alone(worker: TierProcess): Promise<number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'pid=,args=', '--ppid', String(worker.pid)])
  return stdout
    .split('\n')
    .filter(line => line.includes('quarantine.ts'))
    .map(line => Number.parseInt(line, 10))
}

const said = (worker: TierProcess, message: string) => worker.lines().filter(line => line['msg'] === message)

describe('A task that kills workers', () => {
  it('ends in quarantine the second time, and its innocent neighbour completes as usual', async () => {
    poison.hold(true)
    slow.hold(true)
    const bad = await register(poison.port)
    const good = await register(slow.port, otherKey)
    const both = [bad.uuid, good.uuid]
    await dies(await startWorker(), both)
    const second = await startWorker()
    for (const uuid of both) await isHeld(uuid)
    expect(await alone(second)).toEqual([])
    expect([(await task(bad.uuid)).ran_out, (await task(good.uuid)).ran_out]).toEqual([1, 1])
    await dies(second, both)
    const third = await startWorker()
    await expect.poll(() => said(third, 'task runs in quarantine').length, { timeout: 30_000 }).toBe(2)
    slow.hold(false)
    await expect.poll(async () => (await good.client.datasources.get.query({ id: good.id })).status).toBe('active')
    expect((await task(good.uuid)).ran_out).toBe(0)
    const left = () => alone(third)
    await expect.poll(async () => (await left()).length, { timeout: 10_000 }).toBe(1)
    for (const pid of await left()) process.kill(pid, 'SIGKILL')
    await expect
      .poll(async () => (await bad.client.datasources.get.query({ id: bad.id })).statusReason)
      .toBe('internal_error')
    expect(await bad.client.datasources.get.query({ id: bad.id })).toMatchObject({ status: 'unverified' })
    const ended = await task(bad.uuid)
    expect(ended).toMatchObject({ held: false, ran_out: 0 })
    expect(ended.in_hours).toBeGreaterThan(1)
    // The worker itself has neither died nor waited.
    expect(third.process.exitCode).toBeNull()
    poison.hold(false)
    await bad.client.datasources.verify.mutate({ id: bad.id, waitSeconds: 20 })
    expect(await bad.client.datasources.get.query({ id: bad.id })).toMatchObject({
      status: 'active',
      statusReason: null,
    })
  })

  it('runs as one of its organization and two in all at a time', async () => {
    poison.hold(true)
    slow.hold(true)
    const own = [await register(poison.port), await register(poison.port)]
    const others = [await register(slow.port, otherKey), await register(slow.port, otherKey)]
    const first = await startWorker()
    await isHeld(own[0]?.uuid ?? '')
    await first.end('SIGKILL')
    // As if two workers had died over each of them.
    await query(tiers.databaseUrl, `update tasks set ran_out = 2, locked_until = null`)
    const [one, two] = [await startWorker(), await startWorker()]
    const seen: number[] = []
    for (let look = 0; look < 20; look += 1) {
      const rows = await query(
        tiers.databaseUrl,
        'select org_id, count(*)::int as held from tasks where ran_out > 1 and locked_until > now() group by org_id',
      )
      expect(rows.every(row => row['held'] === 1)).toBe(true)
      // For the first worker, count only those seen both before and after the other one was inspected: they ran beside
      // its own.
      const before = await alone(one)
      const beside = await alone(two)
      const running = (await alone(one)).filter(process => before.includes(process)).length + beside.length
      expect(running).toBeLessThanOrEqual(2)
      seen.push(running)
      await delay(250)
    }
    expect(Math.max(...seen)).toBe(2)
    poison.hold(false)
    slow.hold(false)
    for (const { uuid } of [...own, ...others])
      await expect.poll(async () => (await task(uuid)).ran_out, { timeout: 120_000 }).toBe(0)
  }, 300_000)

  it('is not charged for tasks that are released at SIGTERM', async () => {
    poison.hold(true)
    const { uuid } = await register(poison.port)
    const worker = await startWorker()
    await isHeld(uuid)
    const startedAt = performance.now()
    await worker.end('SIGTERM')
    expect(performance.now() - startedAt).toBeLessThan(25_000)
    expect(await task(uuid)).toMatchObject({ held: false, ran_out: 0 })
    poison.hold(false)
  })
})
