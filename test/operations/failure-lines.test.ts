/**
 * Each kind of failure logs a line with its request or task, organization, datasource, stage and reason: the message of
 * each cause. Real failures of a running Mooring, whose tables are renamed.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { query } from '#test/support/database/postgres.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

let mooring: Mooring
let customer: Customer
let typedId: string
beforeAll(async () => {
  ;[mooring, customer] = await Promise.all([startMooring(), makeCustomer()])
  const body = { connectionString: customer.url() }
  const made = await mooring.call('POST', '/v1/datasources', { body, headers: { Prefer: 'wait=20' } })
  typedId = made.body.id
})
afterAll(async () => {
  await mooring.stop()
  await customer.drop()
})

/** Runs a step while a table has another name, and restores its name. */
async function without<T>(table: string, work: () => Promise<T>): Promise<T> {
  await query(mooring.databaseUrl, `alter table ${table} rename to away`)
  try {
    return await work()
  } finally {
    await query(mooring.databaseUrl, `alter table away rename to ${table}`)
  }
}

/** The first line from `from` on with this message. */
async function line(msg: string, from: number): Promise<Record<string, unknown>> {
  const found = () =>
    mooring.logLines
      .slice(from)
      .map(text => JSON.parse(text))
      .find(one => one.msg === msg)
  await expect.poll(found, { timeout: 30_000, interval: 50 }).toBeDefined()
  return found()
}

const missing = (table: string) => ({ code: '42P01', message: `relation "${table}" does not exist` })

describe('The line of a failure', () => {
  it('of a request, on each surface, has its id, its caller’s organization and the datasource that it names', async () => {
    const from = mooring.logLines.length
    const id = bareUuid(typedId)
    const about = { organizationId: mooring.organization.id, datasourceId: id, fault: 'internal_error' }
    const headers = (requestId: string) => ({ headers: { 'x-request-id': requestId } })
    await without('datasources', async () => {
      expect((await mooring.call('GET', `/v1/datasources/${typedId}`, headers('first'))).status).toBe(500)
      expect((await mooring.call('POST', `/api/v1/connections/${id}/introspect`, headers('second'))).status).toBe(500)
      const input = encodeURIComponent(JSON.stringify({ id: typedId }))
      expect((await mooring.call('GET', `/trpc/datasources.get?input=${input}`, headers('third'))).status).toBe(500)
    })
    const lines = mooring.logLines.slice(from).map(text => JSON.parse(text))
    const cause = expect.objectContaining(missing('datasources'))
    for (const [requestId, msg, stage] of [
      ['first', 'request failed', 'request'],
      ['second', 'request failed', 'request'],
      ['third', 'procedure failed', 'procedure'],
    ])
      expect(lines).toContainEqual(expect.objectContaining({ ...about, requestId, msg, stage, cause }))
  })

  it('of a request while the database is away has the cause', async () => {
    const from = mooring.logLines.length
    const holder = new pg.Client({ connectionString: mooring.databaseUrl })
    await holder.connect()
    try {
      await holder.query('begin; lock table datasources in access exclusive mode')
      expect((await mooring.call('GET', `/v1/datasources/${typedId}`)).status).toBe(503)
    } finally {
      await holder.end()
    }
    expect(await line('request failed', from)).toMatchObject({
      organizationId: mooring.organization.id,
      datasourceId: bareUuid(typedId),
      fault: 'service_unavailable',
      cause: { code: '55P03', message: 'canceling statement due to lock timeout' },
    })
  })

  it('of a subscription names the datasource whose feed it follows', async () => {
    const from = mooring.logLines.length
    const endpoint = { endpoint: 'https://hooks.example.com/mooring', signingKey: 'whsec_0123456789' }
    const { id } = (await mooring.call('POST', '/v1/datasources', { body: endpoint })).body
    const failed = await without('feed_events', async () => {
      const watching = mooring.client().feeds.watch.subscribe({ id }, { onData: () => undefined })
      try {
        return await line('procedure failed', from)
      } finally {
        watching.unsubscribe()
      }
    })
    expect(failed).toMatchObject({
      path: 'feeds.watch',
      stage: 'procedure',
      requestId: expect.any(String),
      organizationId: mooring.organization.id,
      datasourceId: bareUuid(id),
      cause: missing('feed_events'),
    })
  })

  it('of a task has its id and kind, its organization and its datasource', async () => {
    const from = mooring.logLines.length
    await without('dial_budgets', async () => {
      const body = { connectionString: customer.url('reader', { database: 'postgres' }) }
      const made = await mooring.call('POST', '/v1/datasources', { body })
      expect(made.status).toBe(201)
      const failed = await line('task failed', from)
      const [task] = await query(mooring.databaseUrl, `select kind from tasks where id = '${failed['taskId']}'`)
      expect(failed).toMatchObject({
        task: task?.['kind'],
        organizationId: mooring.organization.id,
        datasourceId: bareUuid(made.body.id),
        stage: 'run',
        cause: missing('dial_budgets'),
      })
    })
  })

  it('of a claim, and of a reader of changes, has its stage and its reason', async () => {
    const from = mooring.logLines.length
    await without('tasks', async () => {
      expect(await line('no tasks could be claimed', from)).toMatchObject({
        stage: 'claim',
        kinds: expect.arrayContaining([expect.any(String)]),
        cause: missing('tasks'),
      })
    })
    const { promise: started, resolve } = Promise.withResolvers<void>()
    const watching = mooring
      .client()
      .datasources.watch.subscribe(undefined, { onStarted: () => resolve(), onData: () => undefined })
    await started
    await without('change_heads', async () => {
      expect(await line('changes could not be read', from)).toMatchObject({
        stage: 'changes',
        cause: missing('change_heads'),
      })
    })
    watching.unsubscribe()
  })

  it.each(['rejection', 'exception'])(
    'of an uncaught error in a process has its reason, and the process ends: %s',
    async kind => {
      const program = fileURLToPath(new URL('./uncaught.ts', import.meta.url))
      const ended = await promisify(execFile)(process.execPath, [program, kind]).catch((error: unknown) => error)
      expect(ended).toMatchObject({ code: 1, stderr: '' })
      const said = String(Reflect.get(Object(ended), 'stdout'))
      expect(said).not.toContain('Tell-N0-one')
      expect(JSON.parse(said)).toMatchObject({
        level: 60,
        stage: 'process',
        cause: {
          message: 'it broke at postgres://…',
          cause: { name: 'AggregateError', code: 'ECONNREFUSED', message: 'connect ECONNREFUSED ::1:5432' },
        },
      })
    },
  )
})
