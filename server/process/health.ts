/**
 * Liveness and readiness of a process that serves nothing else: `GET /healthz` and `GET /readyz` on a port of their own, as
 * the web tier answers them. Started by the worker's entry where `MOORING_HEALTH_PORT` is set.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { ConfigError } from '#server/env.ts'
import type { Readiness } from './readiness.ts'

const REQUEST_MS = 5_000
const MAX_HEAD_BYTES = 8_192
const MAX_CONNECTIONS = 100

/** A server that listens. */
export interface Health extends AsyncDisposable {
  readonly port: number
}

/** Listens; port 0 takes a free one. Throws `ConfigError` where that cannot be done. */
export async function startHealth(
  at: { host: string; port: number },
  ready: () => Promise<Readiness>,
): Promise<Health> {
  const server = createServer(
    {
      maxHeaderSize: MAX_HEAD_BYTES,
      requestTimeout: REQUEST_MS,
      headersTimeout: REQUEST_MS,
      keepAliveTimeout: REQUEST_MS,
      connectionsCheckingInterval: REQUEST_MS / 2,
    },
    (request, response) => void answer(request, response, ready),
  )
  server.maxConnections = MAX_CONNECTIONS
  await new Promise<void>((resolve, reject) => {
    server.once('error', () =>
      reject(
        new ConfigError(
          'MOORING_HEALTH_PORT',
          'a port that nobody else listens on, at an address of this machine (HOST)',
        ),
      ),
    )
    server.listen(at.port, at.host, resolve)
  })
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : at.port,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, ready: () => Promise<Readiness>) {
  const path = (request.url ?? '').split('?', 1)[0]
  if (path !== '/healthz' && path !== '/readyz') return send(request, response, { status: 404, body: { ok: false } })
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    return send(request, response, { status: 405, body: { ok: false } })
  }
  if (path === '/healthz') return send(request, response, { status: 200, body: { ok: true } })
  const body = await ready()
  return send(request, response, { status: body.ok ? 200 : 503, body })
}

function send(request: IncomingMessage, response: ServerResponse, of: { status: number; body: object }): void {
  response.writeHead(of.status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
  response.end(request.method === 'HEAD' ? undefined : JSON.stringify(of.body))
}
