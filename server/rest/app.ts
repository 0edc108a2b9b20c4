/**
 * The Express application: tRPC, both dialects, health, and the order in which a request is processed: request id →
 * path and method → authentication → limits → media type and size → JSON → body → permission and existence → effect.
 */
import express from 'express'
import type { WebDeps } from '#server/api/context.ts'
import { toFault } from '#server/api/procedure/fault-of.ts'
import { useOurWording } from '#server/api/procedure/wording.ts'
import { connectionsDialect } from '#server/rest/connections/connections.ts'
import { BuiltConsole } from '#server/rest/console/built-files.ts'
import { consolePages } from '#server/rest/console/console.ts'
import { datasourcesDialect } from '#server/rest/datasources/datasources.ts'
import { documentation } from '#server/rest/guide/docs.ts'
import { noteServed, type Observers } from '#server/rest/http/observed-request.ts'
import { checkTrpc, type Dialects, sendRefusal } from '#server/rest/http/refuse.ts'
import { DOCUMENTS, requestIdOf } from '#server/rest/http/serve.ts'
import { Fault } from '#shared/faults/fault.ts'
import { frontOf, otherMethod } from './front.ts'
import { type Trpc, trpc } from './trpc.ts'

/** The parts that the application needs from its process. */
export interface Process {
  readonly publicUrl: string
  /** The number of proxies in front, or their networks; none is trusted if it is empty. */
  readonly trustProxy: number | readonly string[]
  /** The origins whose pages may call; none by default. */
  readonly corsOrigins: readonly string[]
  /** Whether requests can be served now, and if not, why; answered within two seconds. */
  readonly ready: () => Promise<{ readonly ok: boolean }>
  readonly observers: Observers
}

/** The application, as a request listener. */
export interface WebApp {
  (request: express.Request, response: express.Response): void
  /**
   * The prototypes of its requests and responses: a server that derives its own from them spares each request the
   * change.
   */
  readonly prototypes: { readonly request: object; readonly response: object }
}

/**
 * Builds the application over the web tier's dependencies: the front serves the dialects' routes; Express handles the
 * rest: documents, tRPC and refusals.
 */
export function createApp(deps: WebDeps, process: Process): WebApp {
  useOurWording()
  const dialects = { connections: connectionsDialect, datasources: datasourcesDialect(process.publicUrl) }
  const served = trpc(deps)
  const app = restOf(deps, process, { dialects, served })
  const front = frontOf(deps, process, { dialects, trpc: served, rest: app, failed: onError(deps, dialects) })
  return Object.assign(front, { prototypes: { request: app.request, response: app.response } })
}

/** Everything except the dialects' routes. */
function restOf(
  deps: WebDeps,
  process: Process,
  { dialects, served }: { dialects: Dialects; served: Trpc },
): express.Express {
  const app = express()
  for (const setting of ['x-powered-by', 'etag']) app.disable(setting)
  app.set(DOCUMENTS, `${process.publicUrl}/docs`)
  app.set('trust proxy', typeof process.trustProxy === 'number' ? process.trustProxy : [...process.trustProxy])
  const notGet: express.Handler = (request, response) => {
    sendRefusal(dialects, { request, response, fault: otherMethod('GET, HEAD') })
  }
  app
    .route('/healthz')
    .get((_, response) => {
      noteServed(response, { surface: 'none', route: 'GET /healthz' })
      response.json({ ok: true })
    })
    .all(notGet)
  const readiness: express.Handler = async (_, response) => {
    noteServed(response, { surface: 'none', route: 'GET /readyz' })
    const ready = await process.ready()
    response.status(ready.ok ? 200 : 503).json(ready)
  }
  app.route('/readyz').get(readiness).all(notGet)
  app.use(consolePages(new BuiltConsole(), notGet))
  const all = [dialects.connections, dialects.datasources]
  app.use(documentation({ publicUrl: process.publicUrl, dialects: all }, notGet))
  app.use('/trpc', checkTrpc(dialects), served.all)
  app.use((request, response) => sendRefusal(dialects, { request, response, fault: new Fault('route_not_found') }))
  app.use(onError(deps, dialects))
  return app
}

function onError(deps: WebDeps, dialects: Dialects): express.ErrorRequestHandler {
  // biome-ignore lint/complexity/useMaxParams: Express tells an error handler by its four parameters
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error)
    const isOurs = !(error instanceof URIError)
    const about = { requestId: requestIdOf(request, response), stage: 'request' }
    if (isOurs) deps.log.error({ ...about, cause: error }, 'request failed')
    sendRefusal(dialects, { request, response, fault: isOurs ? toFault(error) : new Fault('invalid_request') })
  }
}
