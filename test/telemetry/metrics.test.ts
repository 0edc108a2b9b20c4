/**
 * `/metrics` after traffic of each kind: it has exactly the metrics of the table, no label holds a value that only a
 * caller or a customer could know, and each query of the dashboard and of the alerts finds something.
 */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { appRouter } from '#server/api/router.ts'
import { readConfig } from '#server/config.ts'
import { createLog } from '#server/log.ts'
import { ALERTS } from '#server/metrics/alerts.ts'
import { createMeter } from '#server/metrics/create-meter.ts'
import { CONDITIONS, OTHER_LABEL } from '#server/metrics/labels.ts'
import type { Metric } from '#server/metrics/metric.ts'
import { PROCESS_LABELS, PROCESS_METRICS } from '#server/metrics/process-metrics.ts'
import { METRICS } from '#server/metrics/table.ts'
import { startClock } from '#server/process/clock.ts'
import { HEALTH_PORTS, type Health, startHealth } from '#server/process/health.ts'
import { NOT_READY } from '#server/process/readiness.ts'
import { connectionsDialect } from '#server/rest/connections/connections.ts'
import { datasourcesDialect } from '#server/rest/datasources/datasources.ts'
import { query } from '#test/support/database/postgres.ts'
import { type Followed, hosted, startFollowed } from '#test/support/feeds/followed.ts'
import { raw } from '#test/support/http/raw-http.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import type { Mooring } from '#test/support/mooring/mooring.ts'
import { type Canary, newCanary, sightings } from '#test/support/operations/canary.ts'
import { type Scraped, type Series, scraped, total } from '#test/support/operations/prometheus-text.ts'
import { finds, selectorsOf } from '#test/support/operations/promql.ts'
import { alertRules, withMetrics } from '#test/support/papers/metrics-document.ts'

const canary: Canary = newCanary()
let followed: Followed
let mooring: Mooring
let customer: Customer
let health: Health
const clockwork = new AsyncDisposableStack()
/** Ids of the created objects, none of which may be in a label. */
const ids: string[] = []
let text = ''
let found: Scraped

beforeAll(async () => {
  ;[followed, customer] = await Promise.all([
    startFollowed({ env: { MOORING_RATE_FAILED_LOGINS: '3', MOORING_HEALTH_PORT: '0' } }),
    makeCustomer(canary.password),
  ])
  mooring = followed.mooring
  const { config, meter, db } = mooring
  const log = createLog({ level: 'silent' })
  await startClock(clockwork, { db, meter, log })
  const ready = async () => ({ ok: true, failing: [] })
  const started = await startHealth('web', { config, meter, ready, log })
  if (started === null) throw new Error('nothing listens')
  health = started
  await traffic()
  text = await scrape()
  found = scraped(text)
})
afterAll(async () => {
  await health[Symbol.asyncDispose]()
  await clockwork.disposeAsync()
  await followed.stop()
  await customer.drop()
})

async function scrape(): Promise<string> {
  return (await fetch(`http://127.0.0.1:${health.port}/metrics`)).text()
}

/** Traffic of each kind: successes, refusals, outages, errors. */
async function traffic(): Promise<void> {
  const register = async (connectionString: string) => {
    const wait = { headers: { Prefer: 'wait=20' } }
    const { body } = await mooring.call('POST', '/v1/datasources', { body: { connectionString }, ...wait })
    ids.push(bareUuid(body.id))
    return body
  }
  expect((await register(customer.url())).status).toBe('active')
  await register(customer.url('superuser'))
  await register(customer.url('reader', { port: 1 }))
  await mooring.call('POST', `/api/v1/connections/${ids[0]}/introspect`)
  followed.stranger.be(hosted({ count: () => 3 }))
  const endpoint = await followed.register()
  ids.push(bareUuid(endpoint.id))
  await followed.run('poll', endpoint.id)
  await mooring.call('GET', `/api/v1/connections/${ids[0]}`)
  await mooring.call('GET', `/trpc/datasources.get,datasources.list?batch=1&input=${encodeURIComponent('{}')}`)
  await mooring.call('GET', `/trpc/${canary.token}`)
  await mooring.call('GET', `/v1/${canary.token}`)
  for (let tries = 0; tries < 5; tries += 1)
    await mooring.call('GET', '/v1/datasources', { key: `sk_test_${canary.token}` })
  await raw(`GET / HTTP/1.1\r\nHost: a\r\n${canary.token} : x\r\n\r\n`, mooring.url)
  await query(mooring.databaseUrl, 'alter table datasources rename to away')
  expect((await mooring.call('GET', `/v1/datasources/ds_test_${ids[0]?.replaceAll('-', '')}`)).status).toBe(500)
  await query(mooring.databaseUrl, 'alter table away rename to datasources')
}

const rows = new Map<string, Metric>(Object.entries(METRICS))

/** The row of a series; the series of a histogram have suffixes. */
function rowOf({ name }: Series): [string, Metric] | undefined {
  const plain = name.replace(/_(bucket|sum|count)$/, '')
  const row = rows.get(name) ?? (rows.get(plain)?.kind === 'histogram' ? rows.get(plain) : undefined)
  return row === undefined ? undefined : [rows.has(name) ? name : plain, row]
}

describe('/metrics', () => {
  it('has exactly the metrics of the table and of the process, each of its kind', () => {
    const expected = [...[...rows].map(([name, { kind }]) => [name, kind] as const)]
    const own = [...found.kinds].filter(([name]) => !Object.hasOwn(PROCESS_METRICS, name))
    expect(Object.fromEntries(own)).toEqual(Object.fromEntries(expected))
    expect([...found.kinds.keys()].filter(name => !rows.has(name)).sort()).toEqual(Object.keys(PROCESS_METRICS).sort())
  })

  it('has exactly the labels of the table, each with a value of its list', () => {
    const routes = [
      ...Object.keys(appRouter._def.procedures),
      ...[connectionsDialect, datasourcesDialect('')].flatMap(({ routes }) =>
        routes.flatMap(({ method, path }) => [`${method.toUpperCase()} ${path}`, `HEAD ${path}`]),
      ),
      ...['batch', 'unknown', 'GET /healthz', 'GET /readyz', 'GET /', 'GET /assets/{file}'],
    ]
    const wrong = found.series.flatMap(series =>
      Object.entries(series.labels).flatMap(([label, value]) => {
        const row = rowOf(series)
        const own = row === undefined ? PROCESS_LABELS[label] : undefined
        if (own?.test(value)) return []
        if (label === 'le' && (row === undefined || row[1].kind === 'histogram')) return []
        const values = row?.[1].labels[label]
        const isKnown =
          values === 'route'
            ? routes.includes(value)
            : values === 'version'
              ? /^\d+\.\d+\.\d+/.test(value)
              : values?.includes(value)
        return isKnown === true ? [] : [`${series.name}{${label}="${value}"}`]
      }),
    )
    expect(wrong).toEqual([])
  })

  it('holds no organization, datasource, key, host, user, database or password', () => {
    const { host, username, pathname } = new URL(customer.url())
    const secrets = [mooring.organization.id, mooring.organization.testKey, ...ids, host, username, pathname.slice(1)]
    expect(ids.length).toBeGreaterThan(3)
    for (const secret of [...secrets, 'acme', '127.0.0.1']) expect(text).not.toContain(secret)
    expect(sightings(canary, [['/metrics', text]])).toEqual([])
  })

  it('counts the traffic', () => {
    const at = (name: string, labels: Record<string, string> = {}) => total(found, name, labels)
    expect(at('mooring_verdicts_total', { kind: 'direct', outcome: 'passed', reason: 'none' })).toBeGreaterThan(0)
    expect(at('mooring_verdicts_total', { reason: 'byo_role_cannot_enforce_rls' })).toBeGreaterThan(0)
    expect(at('mooring_verdicts_total', { kind: 'endpoint', outcome: 'passed' })).toBeGreaterThan(0)
    expect(at('mooring_dials_total', { dial: 'probe', result: 'connection_refused' })).toBeGreaterThan(0)
    expect(at('mooring_http_requests_total', { surface: 'trpc', route: 'batch' })).toBe(1)
    expect(at('mooring_http_requests_total', { surface: 'none', route: 'unknown', status: '400' })).toBe(1)
    expect(at('mooring_http_requests_total', { route: 'GET /v1/datasources/:id', status: '500' })).toBe(1)
    expect(at('mooring_faults_total', { fault: 'internal_error' })).toBe(1)
    expect(at('mooring_limits_hit_total', { limit: 'failed' })).toBe(2)
    expect(at('mooring_tasks_ended_total', { task: 'verify', result: 'done' })).toBeGreaterThan(3)
    expect(at('mooring_feed_events_total', { way: 'poll' })).toBeGreaterThan(0)
    expect(at('mooring_feed_lag_seconds_count')).toBeGreaterThan(0)
    expect(at('mooring_task_places')).toBeGreaterThan(0)
    expect(at('mooring_statement_seconds_count')).toBeGreaterThan(20)
    expect(at('mooring_pool_connections')).toBeGreaterThan(0)
    expect(at('mooring_retention_last_turn_timestamp_seconds')).toBeGreaterThan(Date.now() / 1000 - 3_600)
  })

  it('shows how deep and how old the queue is', async () => {
    const id = ids[2] ?? ''
    await query(
      mooring.databaseUrl,
      `update tasks set ran_out = 2, due_at = now() - interval '10 min', locked_until = now() - interval '1 s'
       where kind = 'verify' and datasource_id = '${id}'`,
    )
    const depth = async () => {
      const now = scraped(await scrape())
      const priority = { priority: 'quarantine' }
      return [total(now, 'mooring_tasks_due', priority), total(now, 'mooring_tasks_oldest_due_seconds', priority)]
    }
    await expect.poll(depth).toEqual([1, expect.toSatisfy((age: number) => age >= 600)])
  })

  it('is not on the public port', async () => {
    for (const path of ['/metrics', '/metrics/', '//metrics'])
      expect((await mooring.call('GET', path, { key: null })).status).toBe(404)
  })
})

describe('A label', () => {
  it('with a value outside its list is counted as `other`, and so is a route of another form', async () => {
    const meter = createMeter()
    meter.begin('web')
    meter.begin('worker')
    meter.count('mooring_limits_hit_total', { limit: canary.token })
    meter.count('mooring_http_requests_total', { surface: 'trpc', route: `GET ${canary.password}`, status: '299' })
    const counted = scraped(await meter.text())
    expect(total(counted, 'mooring_limits_hit_total', { limit: OTHER_LABEL })).toBe(1)
    expect(
      total(counted, 'mooring_http_requests_total', { route: OTHER_LABEL, status: OTHER_LABEL, surface: 'trpc' }),
    ).toBe(1)
    expect(sightings(canary, [['/metrics', await meter.text()]])).toEqual([])
  })

  it('names every condition of readiness', () => {
    for (const condition of Object.keys(NOT_READY)) expect(CONDITIONS).toContain(condition)
  })
})

describe('An unreadable gauge', () => {
  it('has no value, and the others have theirs', async () => {
    const meter = createMeter()
    meter.begin('worker')
    meter.gauge('mooring_tasks_due', () => Promise.reject(new Error('away')))
    meter.gauge('mooring_pool_size', () => [{ labels: {}, value: 8 }])
    const { series } = scraped(await meter.text())
    expect(series.filter(({ name }) => name === 'mooring_tasks_due')).toEqual([])
    expect(series.filter(({ name }) => name === 'mooring_ready')).toEqual([])
    expect(series.filter(({ name }) => name === 'mooring_pool_size')).toEqual([
      { name: 'mooring_pool_size', labels: {}, value: 8 },
    ])
  })
})

const at = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8')

interface Panel {
  readonly title: string
  readonly targets?: readonly { readonly expr: string }[]
}

describe('The dashboard, the alerts and the document', () => {
  it('use metrics of the table, and each selector finds a series of the real /metrics', async () => {
    const { panels } = JSON.parse(await at('docs/grafana/mooring.json')) as { panels: Panel[] }
    const asked = [
      ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const)),
      ...Object.entries(ALERTS).map(([name, { expr }]) => [name, expr] as const),
    ]
    expect(asked.length).toBeGreaterThan(60)
    const lost = asked.flatMap(([title, expr]) =>
      selectorsOf(expr)
        // Prometheus itself makes `up`.
        .filter(selector => selector.name !== 'up' && !found.series.some(series => finds(selector, series)))
        .map(({ name, matchers }) => `${title}: ${name} ${JSON.stringify(matchers)}`),
    )
    expect(lost).toEqual([])
  })

  it('show every metric of the table', async () => {
    const dashboard = await at('docs/grafana/mooring.json')
    expect([...rows.keys()].filter(name => !dashboard.includes(name))).toEqual([])
  })

  it('have for each metric an alert or the question that it answers', () => {
    const all = [...[...rows].map(([name, { alert }]) => [name, alert] as const), ...Object.entries(PROCESS_METRICS)]
    const about = (name: string, alert: string) =>
      /^Mooring[A-Z]/.test(alert) ? ALERTS[alert]?.expr.includes(name) : /[a-z ]{4}/.test(alert)
    expect(all.filter(([name, alert]) => about(name, alert) !== true)).toEqual([])
    const named = new Set(all.map(([, alert]) => alert))
    expect(Object.keys(ALERTS).filter(name => !named.has(name))).toEqual([])
  })

  it('are written by npm run dump', async () => {
    const document = await at('docs/operations.md')
    expect(withMetrics(document)).toBe(document)
    expect(await at('docs/prometheus/alerts.yml')).toBe(alertRules())
  })

  it('parse under Prometheus’ own grammar, which refuses invalid text', () => {
    expect(() => selectorsOf('sum(rate(a[5m]) by')).toThrow('not PromQL')
    const [selector] = selectorsOf('a{b=~"c|d", e!="f"}')
    const fits = (labels: Record<string, string>) => selector && finds(selector, { name: 'a', labels, value: 1 })
    expect([fits({ b: 'c' }), fits({ b: 'cd' }), fits({ b: 'd', e: 'f' }), fits({})]).toEqual([
      true,
      false,
      false,
      false,
    ])
  })
})

describe('The port of a tier', () => {
  const config = (env: Record<string, string>) => readConfig({ MOORING_HEALTH_HOST: '127.9.46.4', ...env })
  const ready = async () => ({ ok: true, failing: [] })

  it('is at 127.0.0.1 unless another address is set', () => {
    const { healthHost, healthPort } = readConfig({ DATABASE_URL: 'postgres://a@b/c', HOST: '0.0.0.0' })
    expect([healthHost, healthPort]).toEqual(['127.0.0.1', null])
    expect(HEALTH_PORTS).toEqual({ web: 9464, worker: 9465 })
  })

  it('that is taken is reported if it is the default, and ends the start if it was set', async () => {
    const other = createServer().listen(HEALTH_PORTS.worker, '127.9.46.4')
    await once(other, 'listening')
    try {
      const lines = new PassThrough()
      const deps = { meter: createMeter(), ready, log: createLog({ level: 'info', destination: lines }) }
      expect(await startHealth('worker', { ...deps, config: config({}) })).toBeNull()
      expect(String(lines.read())).toContain('the port is taken; set MOORING_HEALTH_PORT')
      const set = config({ MOORING_HEALTH_PORT: String(HEALTH_PORTS.worker) })
      await expect(startHealth('worker', { ...deps, config: set })).rejects.toThrow('MOORING_HEALTH_PORT must be')
      expect(await startHealth('worker', { ...deps, config: config({ MOORING_HEALTH_PORT: 'off' }) })).toBeNull()
    } finally {
      other.close()
    }
  })
})
