/**
 * Each refusal and each failure logs a line with its subject, operation, place and reason: the table of faults over
 * every surface and every kind of task, the table of failures over every kind of dial, real incidents of a running
 * Mooring, and every place of the code that logs at `warn` or above. The score is printed, and is 100 %.
 */
import { once } from 'node:events'
import type { Server } from 'node:http'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import express from 'express'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Principal } from '#server/domain/access/scope.ts'
import type { Verification } from '#server/domain/checks/verification.ts'
import { createLog, type Log } from '#server/log.ts'
import { createMeter } from '#server/metrics/create-meter.ts'
import type { Dialler } from '#server/net/process/dialler.ts'
import { connectionsDialect } from '#server/rest/connections/connections.ts'
import { datasourcesDialect } from '#server/rest/datasources/datasources.ts'
import { createFaultLines } from '#server/rest/http/fault-lines.ts'
import { notePrincipal, noteServed, observedRequests } from '#server/rest/http/observed-request.ts'
import { sendRefusal } from '#server/rest/http/refuse.ts'
import { sendFault } from '#server/rest/http/serve.ts'
import type { Claim } from '#server/store/tasks/claims.ts'
import { asTask } from '#server/work/about-task.ts'
import { aboutVerdict } from '#server/work/checks/about-verdict.ts'
import type { WorkerDeps } from '#server/work/deps.ts'
import { observedDialler } from '#server/work/observed-dialler.ts'
import { logRefused } from '#server/work/refused-task.ts'
import { FAILURES } from '#shared/faults/failure.ts'
import { FAULTS, Fault, type FaultCode } from '#shared/faults/fault.ts'
import { query } from '#test/support/database/postgres.ts'
import { portOf } from '#test/support/dials/recorded-connect.ts'
import { readSources } from '#test/support/house/architecture/source.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { type Canary, newCanary, sightings } from '#test/support/operations/canary.ts'
import { type Line, loggedIn, openQuestions } from '#test/support/operations/incident.ts'

const CODES = Object.keys(FAULTS) as FaultCode[] // its keys are the codes
/** Faults that log a line with their cause where they are thrown. */
const OURS: readonly FaultCode[] = ['internal_error', 'service_unavailable', 'outcome_unknown']
const SURFACES = ['connections', 'datasources', 'trpc', 'none'] as const

const canary: Canary = newCanary()
const score = { explained: 0, open: [] as string[] }

/** Counts an incident: its line, or the questions that the line leaves open. */
function note(incident: string, line: Line | undefined): void {
  const open = openQuestions(line)
  if (open.length === 0) score.explained += 1
  else score.open.push(`${incident}: ${open.join(', ')}`)
}

/** A log that keeps its lines. */
function keptLog(): { log: Log; lines: () => Line[] } {
  const destination = new PassThrough()
  const texts: string[] = []
  destination.on('data', chunk => texts.push(...String(chunk).split('\n')))
  const log = createLog({ level: 'info', destination })
  return { log, lines: () => texts.filter(text => text !== '').map(text => JSON.parse(text)) }
}

const principal = { kind: 'key', id: 'key-1', organizationId: 'organization-1' } as unknown as Principal
const claim = { id: 'task-1', kind: 'verify', organizationId: 'organization-1', datasourceId: 'ds-1' } as Claim

describe('The table of faults', () => {
  it('over each surface: a known caller is named, and a stranger by the address', async () => {
    const kept = keptLog()
    // Each incident has its own minute, so that none is dropped as one of many.
    let minute = 0
    const clock = () => {
      minute += 60_000
      return new Date(minute)
    }
    const faultLines = createFaultLines({ log: kept.log, clock })
    const server = await serving(faults(faultLines))
    for (const surface of SURFACES)
      for (const code of CODES.filter(one => !OURS.includes(one)))
        for (const who of ['key', 'nobody']) {
          const id = `${surface}-${code}-${who}`
          await fetch(`http://127.0.0.1:${portOf(server)}/${surface}/${code}/${who}`, {
            headers: { 'x-request-id': id },
          })
        }
    server.close()
    for (const surface of SURFACES)
      for (const code of CODES.filter(one => !OURS.includes(one)))
        for (const who of ['key', 'nobody']) {
          const line = kept.lines().find(one => one['requestId'] === `${surface}-${code}-${who}`)
          note(`${code} by ${surface}`, line?.['fault'] === code && line['surface'] === surface ? line : undefined)
          expect(Object.hasOwn(line ?? {}, who === 'key' ? 'principalId' : 'address')).toBe(true)
        }
  })

  it('over each kind of task that ends with a fault, and each verdict whose reason is one', () => {
    const kept = keptLog()
    for (const kind of ['introspect', 'push', 'poll', 'lease', 'validate'] as const)
      for (const fault of CODES) {
        logRefused({ log: kept.log } as WorkerDeps, { ...claim, kind }, { fault })
        note(`${fault} in ${kind}`, kept.lines().at(-1))
      }
    for (const reason of CODES) {
      const verdict: Verification = { outcome: 'refused', reason, checks: [], advisories: [], retryable: false }
      note(`verdict of ${reason}`, { ...aboutVerdict(claim, verdict) })
    }
  })
})

/** Answers each path with the fault that it names, as the product does. */
function faults(faultLines: ReturnType<typeof createFaultLines>): express.Express {
  const surfaces = { connections: connectionsDialect, datasources: datasourcesDialect('') }
  const app = express()
  app.use(observedRequests({ meter: createMeter(), faultLines }))
  app.get('/:surface/:code/:who', (request, response) => {
    const { surface, code, who } = request.params
    response.set('x-request-id', String(request.headers['x-request-id']))
    noteServed(response, { surface, route: 'GET /:surface/:code' })
    if (who === 'key') notePrincipal(response, principal)
    const at = { request, response, fault: new Fault(code as FaultCode) }
    if (surface === 'connections' || surface === 'datasources') return sendFault(surfaces[surface], at)
    if (surface === 'trpc') request.originalUrl = '/trpc/x'
    return sendRefusal(surfaces, at)
  })
  return app
}

async function serving(app: express.Express): Promise<Server> {
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

describe('The table of failures', () => {
  it('over each kind of dial: the line names the task, the stage and the failure', async () => {
    for (const code of Object.keys(FAILURES)) {
      const kept = keptLog()
      const failing = async () => ({ failure: { code } })
      const dialler = { probe: failing, describe: failing, locate: failing, request: failing } as unknown as Dialler
      const observed = observedDialler(dialler, { meter: createMeter(), log: kept.log })
      for (const dial of ['probe', 'describe', 'locate', 'request'] as const) {
        await asTask(claim, async () => void (await observed[dial]({} as never)))
        const line = kept.lines().at(-1)
        note(`${code} in ${dial}`, line?.['failure'] === code && line['dial'] === dial ? line : undefined)
      }
    }
  })
})

describe('A running Mooring', () => {
  let mooring: Mooring
  let customer: Customer
  let id: string
  beforeAll(async () => {
    ;[mooring, customer] = await Promise.all([startMooring(), makeCustomer(canary.password)])
    const body = { connectionString: customer.url() }
    id = (await mooring.call('POST', '/v1/datasources', { body, headers: { Prefer: 'wait=20' } })).body.id
  })
  afterAll(async () => {
    await mooring.stop()
    await customer.drop()
  })

  const lines = () => mooring.logLines.map(text => JSON.parse(text) as Line)
  const lineOf = async (requestId: string) => {
    const find = () => lines().find(line => line['requestId'] === requestId && line['fault'] !== undefined)
    await expect.poll(find).toBeDefined()
    return find()
  }

  /** Each way of reading or writing one datasource. */
  function asked(write: boolean): [string, string, string, object | undefined][] {
    // Another natural key: that of a registered one is looked up before anything is written.
    const connectionString = customer.url('reader', { parameters: 'application_name=again' })
    const body = { connectionString, schema: 'elsewhere' }
    const named = { name: 'x', db_type: 'postgresql', connection_string: connectionString }
    const input = encodeURIComponent(JSON.stringify({ id }))
    return write
      ? [
          ['datasources', 'POST', '/v1/datasources', body],
          ['connections', 'POST', '/api/v1/connections', named],
          ['trpc', 'POST', '/trpc/datasources.register', body],
        ]
      : [
          ['datasources', 'GET', `/v1/datasources/${id}`, undefined],
          ['connections', 'GET', `/api/v1/connections/${bareUuid(id)}`, undefined],
          ['trpc', 'GET', `/trpc/datasources.get?input=${input}`, undefined],
        ]
  }

  async function incident(fault: FaultCode, write: boolean, around: (answer: Promise<unknown>) => Promise<unknown>) {
    for (const [surface, method, path, body] of asked(write)) {
      const requestId = `${fault}-${surface}`
      const options = { headers: { 'x-request-id': requestId }, ...(body === undefined ? {} : { body }) }
      await around(mooring.call(method, path, options))
      const line = await lineOf(requestId)
      note(`${fault} by ${surface}`, line?.['fault'] === fault ? line : undefined)
      if (!write) expect(line).toMatchObject({ datasourceId: bareUuid(id) })
    }
  }

  it('explains its own failures: a mistake, a database that is away, a change with an unknown outcome', async () => {
    await query(mooring.databaseUrl, 'alter table datasources rename to away')
    await incident('internal_error', false, answer => answer)
    await query(mooring.databaseUrl, 'alter table away rename to datasources')
    const holder = new pg.Client({ connectionString: mooring.databaseUrl })
    await holder.connect()
    await holder.query('begin; lock table datasources in access exclusive mode')
    await incident('service_unavailable', false, answer => answer)
    const waiting = `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and query like '%register_datasource_2%'`
    await incident('outcome_unknown', true, async answer => {
      await expect.poll(async () => (await query(mooring.databaseUrl, waiting)).length).toBeGreaterThan(0)
      return answer
    })
    await holder.end()
  })

  it.each([
    ['apikey_missing', { key: null }],
    ['apikey_invalid', { key: `sk_test_${canary.token}` }],
    ['invalid_json', { method: 'POST', body: `{"connectionString": "${canary.token}` }],
    ['invalid_body', { method: 'POST', body: { [canary.token]: canary.password } }],
    ['byo_host_not_allowed', { method: 'POST', body: { connectionString: 'postgres://a:b@10.0.0.1/c' } }],
    ['unsupported_media_type', { method: 'POST', body: 'x', headers: { 'content-type': 'text/plain' } }],
    ['entity_not_found', { path: '/v1/datasources/ds_test_00000000000070008000000000000000' }],
    ['route_not_found', { path: '/elsewhere' }],
    ['method_not_allowed', { method: 'PUT' }],
  ] as const)('explains what it refuses: %s', async (fault, request: Record<string, unknown>) => {
    const { method = 'GET', path = '/v1/datasources', headers = {}, ...options } = request
    const given = { ...options, headers: { ...Object(headers), 'x-request-id': fault } }
    await mooring.call(String(method), String(path), given)
    const line = await lineOf(fault)
    note(fault, line?.['fault'] === fault ? line : undefined)
  })

  it('explains why a database is unusable: the dial and the verdict name the task, the stage and the reason', async () => {
    const from = mooring.logLines.length
    for (const url of [
      customer.url('reader', { port: 1 }),
      customer.url('reader', { user: 'nobody' }),
      customer.url('superuser'),
    ]) {
      const { body } = await mooring.call('POST', '/v1/datasources', {
        body: { connectionString: url },
        headers: { Prefer: 'wait=20' },
      })
      const of = (msg: string) =>
        lines()
          .slice(from)
          .find(line => line['msg'] === msg && line['datasourceId'] === bareUuid(body.id))
      await expect.poll(() => of('verified')).toBeDefined()
      note('a verdict', of('verified'))
      if (url !== customer.url('superuser')) note('a dial', of('dial failed'))
    }
  })

  it('never logs a secret', () => {
    const texts = mooring.logLines.map((line): [string, string] => ['log', line])
    expect(texts.length).toBeGreaterThan(20)
    expect(sightings(canary, texts)).toEqual([])
  })
})

describe('A caller who is refused repeatedly', () => {
  it('leaves the first lines of a minute and one in a hundred, and suppresses nobody else’s', () => {
    const kept = keptLog()
    const write = createFaultLines({ log: kept.log, clock: () => new Date(0) })
    const answer = { surface: 'none', route: 'unknown', status: 401, fault: new Fault('apikey_missing') }
    for (let n = 0; n < 1_000; n += 1) write({ ...answer, requestId: `${n}`, address: '192.0.2.1' })
    expect(kept.lines()).toHaveLength(30)
    write({ ...answer, requestId: 'other', address: '192.0.2.2' })
    expect(kept.lines().at(-1)).toMatchObject({ requestId: 'other', address: '192.0.2.2' })
  })
})

/** Lines about the whole installation or process, known by their words: they have a stage and a reason all the same. */
const ALL = /^\{?\s*(stage|kind|kinds)/

describe('Every place of the code that logs at warn or above', () => {
  it('names its stage and a reason, or is a sentence about the whole process', async () => {
    const root = fileURLToPath(new URL('../..', import.meta.url))
    const logged = (await readSources(root, ['server'])).flatMap(loggedIn)
    expect(logged.length).toBeGreaterThan(30)
    for (const { at, message, fields } of logged) {
      const text = fields.join(' ')
      const isSentence = fields.length === 0 || SENTENCES.some(part => message.includes(part))
      const isWhole = /stage|about|why/.test(text) && /cause|fault|reason|says|end|ranOut|keyId|about|why/.test(text)
      if (isSentence || isWhole) score.explained += 1
      else score.open.push(`${at} ${message}: ${ALL.test(text) ? 'why' : 'where'}`)
    }
  })

  it('and every incident before: the score', () => {
    const all = score.explained + score.open.length
    console.log(`incident lines that explain themselves: ${score.explained} of ${all}`)
    expect(score.open).toEqual([])
    expect(score.explained).toBeGreaterThan(900)
  })
})

/** Lines whose fields are the numbers of the sentence. */
const SENTENCES = ['the clock of this machine differs', 'lacks the deadlines of statements']
