/**
 * No metric is constant: each changes with the work that it counts. `metrics.test.ts` checks what they count; this test
 * fails for a metric that nothing updates, and for a new one until some work changes it.
 */
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import pg from 'pg'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { readConfig } from '#server/config.ts'
import { createLog } from '#server/log.ts'
import { METRICS } from '#server/metrics/table.ts'
import { startClock } from '#server/process/clock.ts'
import { type Health, startHealth } from '#server/process/health.ts'
import { purgeExpired } from '#server/work/retention.ts'
import { type EventStream, watchDatasources } from '#test/support/changes/event-stream.ts'
import { query } from '#test/support/database/postgres.ts'
import { portOf } from '#test/support/dials/recorded-connect.ts'
import { type Followed, hosted, startFollowed } from '#test/support/feeds/followed.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { scraped } from '#test/support/operations/prometheus-text.ts'

/** Changed by other tests, which need a process of their own or a broken machine. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  mooring_quarantined_total: 'test/attacks/sizes/task-takes-workers-down.test.ts',
}

let followed: Followed
let customer: Customer
let health: Health
let stream: EventStream
const clockwork = new AsyncDisposableStack()
const moved = new Set<string>()
beforeAll(async () => {
  ;[followed, customer] = await Promise.all([
    startFollowed({ env: { MOORING_RATE_FAILED_LOGINS: '3', MOORING_HEALTH_PORT: '0' } }),
    makeCustomer(),
  ])
  const { config, meter, db } = followed.mooring
  const log = createLog({ level: 'silent' })
  // A machine whose clock is five seconds ahead.
  vi.setSystemTime(Date.now() + 5_000)
  await startClock(clockwork, { db, meter, log })
  vi.useRealTimers()
  // A condition that /readyz reports, as when no worker of this release has been seen.
  const ready = async () => ({ ok: true, failing: [], worker: 'not_seen' as const })
  const started = await startHealth('web', { config, meter, ready, log })
  if (started === null) throw new Error('nothing listens')
  health = started
})
afterAll(async () => {
  await stream?.close()
  await health[Symbol.asyncDispose]()
  await clockwork.disposeAsync()
  await followed.stop()
  await customer.drop()
})

/** Records the metrics that are not zero now. */
async function look(): Promise<Set<string>> {
  const text = await (await fetch(`http://127.0.0.1:${health.port}/metrics`)).text()
  for (const { name, value } of scraped(text).series)
    if (value !== 0) moved.add(name.replace(/_(bucket|sum|count)$/, ''))
  return moved
}

const becomes = (name: string) => expect.poll(async () => (await look()).has(name), { message: name }).toBe(true)

const register = (connectionString: string, seconds: number) =>
  followed.mooring.call('POST', '/v1/datasources', {
    body: { connectionString },
    headers: { Prefer: `wait=${seconds}` },
  })

it('Every metric moves by the work that it counts', async () => {
  const { mooring } = followed
  // Verdicts, dials, feeds, requests, faults, limits.
  const made = await register(customer.url(), 20)
  followed.stranger.be(hosted({ count: () => 3 }))
  await followed.run('poll', (await followed.register()).id)
  for (let tries = 0; tries < 5; tries += 1) await mooring.call('GET', '/v1/datasources', { key: 'sk_test_wrong' })
  await query(mooring.databaseUrl, 'alter table datasources rename to away')
  await mooring.call('GET', `/v1/datasources/${made.body.id}`)
  await query(mooring.databaseUrl, 'alter table away rename to datasources')
  // Subscribers, and requests that run.
  stream = await watchDatasources({ url: mooring.url, key: mooring.organization.testKey })
  await becomes('mooring_subscribers')
  await becomes('mooring_http_requests_running')
  await heldUp()
  await ended(String(made.body.id))
  await due(String(made.body.id))
  await retention()
  await look()
  expect(Object.keys(METRICS).filter(name => !moved.has(name))).toEqual(Object.keys(ELSEWHERE))
})

/** Servers that accept connections and send nothing occupy workers, dials and waiting callers. */
async function heldUp(): Promise<void> {
  const silent = createServer(() => undefined).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const sockets = new Set<Socket>()
  silent.on('connection', socket => sockets.add(socket))
  const strings = Array.from(
    { length: 12 },
    (_, at) => `postgres://app:secret@127.0.0.1:${portOf(silent)}/silent_${at}`,
  )
  const waiting = strings.map(text => register(text, 20))
  await becomes('mooring_waiting_callers')
  await becomes('mooring_tasks_running')
  await becomes('mooring_dials_waiting')
  for (const pid of await dialling()) process.kill(pid, 'SIGKILL')
  await becomes('mooring_dial_processes_ended_total')
  for (const socket of sockets) socket.destroy()
  silent.close()
  await Promise.all(waiting)
}

/** Returns the dialling processes of this process. */
async function dialling(): Promise<number[]> {
  const threads = await readdir('/proc/self/task')
  const children = await Promise.all(threads.map(id => readFile(`/proc/self/task/${id}/children`, 'utf8')))
  const pids = children.flatMap(text => text.split(' ').map(Number).filter(Boolean))
  const commands = await Promise.all(pids.map(pid => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return pids.filter((_, at) => commands[at]?.includes('dial-child') === true)
}

/** A lock on the queue fails claims and keeps connections of the pool; sessions that are ended are lost. */
async function ended(id: string): Promise<void> {
  const holder = new pg.Client({ connectionString: followed.mooring.databaseUrl })
  await holder.connect()
  await holder.query('begin')
  await holder.query('lock table tasks in access exclusive mode')
  await Promise.all(Array.from({ length: 60 }, () => followed.mooring.call('POST', `/v1/datasources/${id}/verify`)))
  await becomes('mooring_pool_refused_total')
  await becomes('mooring_claims_failed_total')
  await holder.query('rollback')
  await holder.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  )
  await holder.end()
  await becomes('mooring_connections_lost_total')
}

/** Creates a task that nobody processes. */
async function due(id: string): Promise<void> {
  await query(
    followed.mooring.databaseUrl,
    `update tasks set ran_out = 2, due_at = now() - interval '10 min', locked_until = now() - interval '1 s'
     where kind = 'verify' and datasource_id = '${bareUuid(id)}'`,
  )
  await becomes('mooring_tasks_due')
  await becomes('mooring_tasks_oldest_due_seconds')
}

/** Runs a turn of retention that removes something. */
async function retention(): Promise<void> {
  const { db, meter, databaseUrl } = followed.mooring
  await query(databaseUrl, `update changes set at = now() - interval '90 days'`)
  const kept = { retention: readConfig({}).retention, eventsMs: 1e12 }
  await purgeExpired({ db, clock: () => new Date(), meter }, { kept, goesOn: async () => true })
  await becomes('mooring_retention_batches_total')
}
