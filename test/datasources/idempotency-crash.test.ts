/**
 * A web process dies after its commit, while its caller waits for the verdict: a caller who repeats the request misses
 * nothing.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { onNotification, settled } from '#test/support/checks/verdicts.ts'
import { query } from '#test/support/database/postgres.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Installation, prepareInstallation } from '#test/support/mooring/installation.ts'
import { type Running, startEntry } from '#test/support/operations/processes.ts'

// Each test starts several processes: each takes seconds on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let installation: Installation
let customer: Customer
const running: Running[] = []
beforeAll(async () => {
  customer = await makeCustomer()
})
beforeEach(async () => {
  installation = await prepareInstallation()
})
afterEach(async () => {
  await Promise.all(running.splice(0).map(one => one.stop('SIGKILL')))
  await installation.remove()
})
afterAll(() => customer.drop())

const sql = (text: string) => query(installation.databaseUrl, text)

function start(entry: 'web' | 'worker'): Running {
  const one = startEntry(entry, installation.env(entry))
  running.push(one)
  return one
}

async function startWeb(): Promise<{ web: Running; url: string }> {
  const web = start('web')
  return { web, url: `http://127.0.0.1:${(await web.line(/"port":(\d+),"msg":"web/))[1]}` }
}

interface Answered {
  readonly status: number
  readonly replayed: boolean
  readonly body: ReturnType<typeof JSON.parse>
}

/** Sends a request with an idempotency key. Rejects when the connection ends without an answer. */
async function ask(
  url: string,
  more: Pick<RequestInit, 'signal'> & { body?: object; headers?: Record<string, string> },
): Promise<Answered> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${installation.testKey}`, 'content-type': 'application/json', ...more.headers },
    body: JSON.stringify({ connectionString: customer.url(), ...more.body }),
    signal: more.signal ?? null,
  })
  const replayed = answer.headers.get('idempotent-replayed') === 'true'
  return { status: answer.status, replayed, body: await answer.json() }
}

/** Resolves once the effect is committed and its caller waits, before there is an answer. */
async function committed(): Promise<void> {
  const row = await onNotification(installation.databaseUrl, async client => {
    const { rows } = await client.query('select answer from idempotency_keys where result is not null')
    return rows[0]
  })
  expect(row).toEqual({ answer: null })
}

const made = () =>
  sql(
    `select d.id, d.status, c.version, c.state,
       (select count(*)::int from datasources) as datasources, (select count(*)::int from credentials) as credentials,
       (select count(*)::int from tasks where kind = 'verify') as checks,
       (select count(*)::int from audit_events where action = 'datasource.registered') as events
     from datasources d join credentials c on c.org_id = d.org_id and c.datasource_id = d.id`,
  )

const ONCE = { datasources: 1, credentials: 1, version: 1, checks: 1, events: 1 }

/**
 * Has a web process take the request, commit it, and die while its caller waits. Returns the committed rows and another
 * process.
 */
async function takenByOneThatDies(sent: (url: string) => Promise<Answered>) {
  const [{ web, url }, other] = await Promise.all([startWeb(), startWeb()])
  const dying = sent(url).then(
    () => 'answered',
    () => 'broken off',
  )
  await committed()
  expect(await web.stop('SIGKILL')).toBeNull()
  expect(await dying).toBe('broken off')
  const left = await made()
  expect(left).toEqual([{ ...ONCE, id: expect.any(String), status: 'unverified', state: 'current' }])
  // Half a minute passes: the first request, had it lived, would have been answered by now.
  await sql(`update idempotency_keys set created_at = created_at - interval '36 s'`)
  return { left: left[0] ?? {}, url: other.url }
}

describe('A web process that is killed after its commit, while its caller waits for the verdict,', () => {
  it('has registered: another one answers with that datasource, at once for a caller who does not wait, and the verdict follows', async () => {
    const headers = { 'idempotency-key': 'crash' }
    const { left, url } = await takenByOneThatDies(at =>
      ask(`${at}/v1/datasources`, { headers: { ...headers, prefer: 'wait=30' } }),
    )
    // Less than the half minute that it would wait for the answer of a living process.
    const again = await ask(`${url}/v1/datasources`, { headers, signal: AbortSignal.timeout(25_000) })
    expect(again).toMatchObject({ status: 201, replayed: true, body: { status: 'unverified' } })
    expect(bareUuid(again.body.id)).toBe(left['id'])
    expect(await made()).toEqual([left])

    start('worker')
    await settled(installation.databaseUrl, String(left['id']))
    expect(await made()).toEqual([{ ...left, status: 'active' }])
    expect(await ask(`${url}/v1/datasources`, { headers })).toEqual(again)
  })

  it('has registered: another one waits for the verdict in its place, and stores it as the answer', async () => {
    const body = { waitSeconds: 30, idempotencyKey: 'crash' }
    const register = (at: string) => ask(`${at}/trpc/datasources.register`, { body })
    const { left, url } = await takenByOneThatDies(register)
    const [again] = await Promise.all([register(url), start('worker').line(/worker is running/)])
    expect(again).toMatchObject({ status: 200, body: { result: { data: { status: 'active', statusReason: null } } } })
    expect(bareUuid(again.body.result.data.id)).toBe(left['id'])
    expect(await made()).toEqual([{ ...left, status: 'active' }])
    expect(await register(url)).toEqual(again)
  })
})
