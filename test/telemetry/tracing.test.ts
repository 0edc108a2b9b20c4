/**
 * Spans, as a real OpenTelemetry SDK receives them: of requests, tasks, dials and statements, nested, with exactly the
 * attributes of the list; none holds a value of a caller or a customer.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { SPAN_ATTRIBUTES } from '#server/tracing/span.ts'
import { query } from '#test/support/database/postgres.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { prepareInstallation } from '#test/support/mooring/installation.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { type Canary, newCanary, sightings } from '#test/support/operations/canary.ts'
import { startEntry } from '#test/support/operations/processes.ts'

const canary: Canary = newCanary()
const exporter = new InMemorySpanExporter()
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
const CALLERS_TRACE = '0af7651916cd43dd8448eb211c80319c'
let mooring: Mooring
let customer: Customer
const ids: string[] = []

beforeAll(async () => {
  provider.register()
  ;[mooring, customer] = await Promise.all([startMooring(), makeCustomer(canary.password)])
  exporter.reset()
  for (const url of [customer.url(), customer.url('reader', { port: 1 })]) {
    const headers = { Prefer: 'wait=20', traceparent: `00-${CALLERS_TRACE}-b7ad6b7169203331-01` }
    const { body } = await mooring.call('POST', '/v1/datasources', { body: { connectionString: url }, headers })
    ids.push(bareUuid(body.id))
  }
  await mooring.call('GET', `/v1/${canary.token}?${canary.token}=1`)
  await mooring.call('GET', `/trpc/datasources.get?input=${encodeURIComponent(JSON.stringify({ id: ids[0] }))}`)
  await query(mooring.databaseUrl, 'alter table datasources rename to away')
  await mooring.call('GET', '/v1/datasources')
  await query(mooring.databaseUrl, 'alter table away rename to datasources')
  await vi.waitFor(() => expect(spans('request').length).toBeGreaterThan(4), 20_000)
})
afterAll(async () => {
  await mooring.stop()
  await customer.drop()
  await provider.shutdown()
})

type Span = ReturnType<InMemorySpanExporter['getFinishedSpans']>[number]

/** Returns the spans of one kind of subject; the name of a request's span is its route. */
function spans(kind: 'request' | 'task' | 'dial' | 'statement'): Span[] {
  return exporter.getFinishedSpans().filter(span => (kind === 'request' ? span.kind === 1 : span.name === kind))
}

function parentOf(span: Span): Span | undefined {
  const id = span.parentSpanContext?.spanId
  return exporter.getFinishedSpans().find(one => one.spanContext().spanId === id)
}

describe('A span', () => {
  it('is made of each request, task, dial and statement, inner ones within outer ones', () => {
    for (const kind of ['request', 'task', 'dial', 'statement'] as const) expect(spans(kind)).not.toEqual([])
    expect(spans('request').map(({ name }) => name)).toEqual(
      expect.arrayContaining(['POST /v1/datasources', 'datasources.get', 'unknown', 'GET /v1/datasources']),
    )
    const checks = spans('dial').filter(({ attributes }) => attributes['mooring.dial'] === 'probe')
    expect(checks.map(dial => parentOf(dial)?.attributes['mooring.task'])).toEqual(checks.map(() => 'verify'))
    const parents = new Set(spans('statement').map(one => parentOf(one)?.name))
    expect(parents).toContain('POST /v1/datasources')
    expect(parents).toContain('task')
  })

  it('shows its outcome by our own codes', () => {
    const broken = spans('request').find(({ name }) => name === 'GET /v1/datasources')
    expect(broken?.attributes).toMatchObject({ 'http.response.status_code': 500, 'error.type': 'internal_error' })
    expect(broken?.status).toEqual({ code: 2 })
    const refused = spans('dial').find(({ attributes }) => attributes['mooring.result'] === 'connection_refused')
    expect(refused?.status).toEqual({ code: 2 })
    const read = spans('statement').find(({ attributes }) => attributes['db.query.summary'] === 'select datasources')
    expect(read?.attributes).toMatchObject({ 'db.system.name': 'postgresql' })
  })

  it('has only the attributes of the list, and no events with texts of errors', () => {
    const names = exporter.getFinishedSpans().flatMap(({ attributes }) => Object.keys(attributes))
    expect([...new Set(names)].filter(name => !SPAN_ATTRIBUTES.some(known => known === name))).toEqual([])
    expect(exporter.getFinishedSpans().flatMap(({ events }) => events)).toEqual([])
  })

  it('holds no organization, datasource, key, host, user, database, text of a statement or password', () => {
    const texts = exporter
      .getFinishedSpans()
      .map(({ name, attributes, status, links }) => JSON.stringify([name, attributes, status, links]))
    const { host, username, pathname } = new URL(customer.url())
    const secrets = [mooring.organization.id, mooring.organization.testKey, ...ids, host, username, pathname.slice(1)]
    expect(ids).toHaveLength(2)
    for (const secret of [...secrets, 'where', '$1']) expect(texts.join('\n')).not.toContain(secret)
    expect(sightings(canary, [['spans', texts.join('\n')]])).toEqual([])
  })

  it('of a request begins a new trace: the caller’s is linked and not continued', () => {
    const registered = spans('request').find(({ name }) => name === 'POST /v1/datasources')
    expect(registered?.parentSpanContext).toBeUndefined()
    expect(registered?.spanContext().traceId).not.toBe(CALLERS_TRACE)
    expect(registered?.links.map(({ context }) => context.traceId)).toEqual([CALLERS_TRACE])
  })
})

describe('An SDK that an operator preloads', () => {
  it('receives the spans of a process, and is loaded by its main thread alone', async () => {
    const installation = await prepareInstallation()
    const dir = await mkdtemp(join(tmpdir(), 'mooring-spans-'))
    const file = join(dir, 'spans')
    const preload = fileURLToPath(import.meta.resolve('#test/fixtures/telemetry/preload.ts'))
    const env = { ...installation.env('web'), NODE_OPTIONS: `--import=${preload}`, SPANS_FILE: file }
    const web = startEntry('web', env)
    try {
      const [, port] = await web.line(/"port":(\d+).*"msg":"web is listening"/)
      expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200)
      const lines = async () => (await readFile(file, 'utf8')).trimEnd().split('\n')
      await expect.poll(lines).toContain('span GET /readyz')
      expect(await lines()).toContain('span statement')
      expect((await lines()).filter(line => line.startsWith('loaded'))).toEqual(['loaded in the main thread'])
      expect(await web.stop()).toBe(0)
    } finally {
      await web.stop('SIGKILL')
      await rm(dir, { recursive: true, force: true })
      await installation.remove()
    }
  })
})
