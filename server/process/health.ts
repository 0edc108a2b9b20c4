/**
 * Endpoints for an operator's programs, on a separate port that callers cannot reach: `GET /healthz`, `GET /readyz` and
 * `GET /metrics`. It must never be served on the public port: its numbers reveal how busy an installation is. Started
 * by the entries.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Config } from '#server/config.ts'
import { ConfigError } from '#server/env.ts'
import type { Log } from '#server/log.ts'
import type { ReadableMeter } from '#server/metrics/create-meter.ts'
import { CONDITIONS } from '#server/metrics/labels.ts'
import type { MeteredTier } from '#server/metrics/metric.ts'
import { VERSION } from '#shared/base/version.ts'
import type { Readiness } from './readiness.ts'

const REQUEST_MS = 5_000
const MAX_HEAD_BYTES = 8_192
const MAX_CONNECTIONS = 100

/** The default port of each tier; Prometheus exporters use numbers from 9100 on, and 9464 is OpenTelemetry's. */
export const HEALTH_PORTS = { web: 9464, worker: 9465 } as const

const WRONG = 'a port on which nothing else listens, at an address of this machine (MOORING_HEALTH_HOST)'
const TAKEN = 'metrics and probes are not served: the port is taken; set MOORING_HEALTH_PORT'

/** A running server. */
export interface Health extends AsyncDisposable {
  readonly port: number
}

/** The sources of its answers. */
export interface HealthDeps {
  readonly config: Config
  readonly log: Log
  readonly meter: ReadableMeter
  readonly ready: () => Promise<Readiness>
}

/**
 * Listens on the tier's port unless another one is configured; port 0 takes a free one. Throws `ConfigError` if a
 * configured port is unavailable. Null if none is wanted, and also, with a log line, if the tier's default port is
 * taken: of several processes on one machine the others serve all the same.
 */
export async function startHealth(tier: MeteredTier, entryDeps: HealthDeps): Promise<Health | null> {
  const { healthPort, healthHost: host } = entryDeps.config
  if (healthPort === 'off') return null
  const port = healthPort ?? HEALTH_PORTS[tier]
  const server = await listening(serverOf(entryDeps), { host, port }).catch((cause: unknown) => {
    if (healthPort !== null) throw new ConfigError('MOORING_HEALTH_PORT', WRONG)
    entryDeps.log.warn({ stage: 'start', port, cause }, TAKEN)
    return null
  })
  if (server === null) return null
  watchProcess(entryDeps)
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

/** Metrics of the process as a whole. */
function watchProcess({ meter, ready }: HealthDeps): void {
  meter.watchProcess()
  meter.gauge('mooring_build_info', () => [{ labels: { version: VERSION }, value: 1 }])
  meter.gauge('mooring_ready', async () => [{ labels: {}, value: (await ready()).ok ? 1 : 0 }])
  meter.gauge('mooring_condition', async () => {
    const now = conditionsOf(await ready())
    return CONDITIONS.map(condition => ({ labels: { condition }, value: now.includes(condition) ? 1 : 0 }))
  })
}

function conditionsOf({ failing, worker, deadlines, months, networks }: Readiness): string[] {
  return [
    ...failing,
    ...(worker === 'not_seen' ? ['worker_not_seen'] : []),
    ...(deadlines === 'missing' ? ['deadlines_missing'] : []),
    ...(months === 'overflowing' ? ['months_overflowing'] : []),
    ...(networks === 'differ' ? ['networks_differ'] : []),
  ]
}

function serverOf(entryDeps: HealthDeps): Server {
  let scraping: Promise<string> | null = null
  // However many scrapers ask at once, everything is read once.
  const text = () => {
    scraping ??= entryDeps.meter.text().finally(() => {
      scraping = null
    })
    return scraping
  }
  const server = createServer(
    {
      maxHeaderSize: MAX_HEAD_BYTES,
      requestTimeout: REQUEST_MS,
      headersTimeout: REQUEST_MS,
      keepAliveTimeout: REQUEST_MS,
      connectionsCheckingInterval: REQUEST_MS / 2,
    },
    (request, response) => void answer(request, response, { ready: entryDeps.ready, text }),
  )
  server.maxConnections = MAX_CONNECTIONS
  return server
}

async function listening(server: Server, at: { host: string; port: number }): Promise<Server> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(at.port, at.host, resolve)
  })
  return server
}

interface Answers {
  readonly ready: () => Promise<Readiness>
  readonly text: () => Promise<string>
}

const JSON_TYPE = 'application/json; charset=utf-8'
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

async function answer(request: IncomingMessage, response: ServerResponse, { ready, text }: Answers): Promise<void> {
  const json = (status: number, body: object) =>
    send(request, response, { status, type: JSON_TYPE, text: JSON.stringify(body) })
  const path = (request.url ?? '').split('?', 1)[0] ?? ''
  if (!['/healthz', '/readyz', '/metrics'].includes(path)) return json(404, { ok: false })
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    return json(405, { ok: false })
  }
  if (path === '/healthz') return json(200, { ok: true })
  if (path === '/metrics') return send(request, response, { status: 200, type: METRICS_TYPE, text: await text() })
  const body = await ready()
  return json(body.ok ? 200 : 503, body)
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, type, text }: { status: number; type: string; text: string },
): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' })
  response.end(request.method === 'HEAD' ? undefined : text)
}
