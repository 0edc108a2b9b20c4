/**
 * The Express application: tRPC, both dialects, health, and the order in which a request is looked at: request id → path and
 * method → authentication → limits → media type and size → JSON → body → permission and existence → effect.
 */
import express from 'express'
import helmet from 'helmet'
import type { WebDeps } from '#server/api/context.ts'
import { faultOf } from '#server/api/procedure/trpc.ts'
import { useOurWording } from '#server/api/procedure/wording.ts'
import { connectionsDialect } from '#server/rest/connections/connections.ts'
import { BuiltConsole } from '#server/rest/console/built-files.ts'
import { consolePages } from '#server/rest/console/console.ts'
import { datasourcesDialect } from '#server/rest/datasources/datasources.ts'
import { documentation } from '#server/rest/guide/docs.ts'
import { crossOrigin } from '#server/rest/http/cross-origin.ts'
import { noteServed, type Observers, observedRequests } from '#server/rest/http/observed-request.ts'
import { checkTrpc, checkUrl, refuse, type Voices } from '#server/rest/http/refuse.ts'
import { DOCUMENTS, requestIdOf, serveRoute, spelled } from '#server/rest/http/serve.ts'
import { Fault } from '#shared/faults/fault.ts'
import type { Dialect } from './dialect.ts'
import { trpc } from './trpc.ts'

/** What the application asks of the process that it runs in. */
export interface Process {
  readonly publicUrl: string
  /** How many proxies stand in front, or the networks that they stand in; none is trusted when it is empty. */
  readonly trustProxy: number | readonly string[]
  /** The origins whose pages may call; none unless they are named. */
  readonly corsOrigins: readonly string[]
  /** Whether requests can be served now, and what is the matter where they cannot; answered within two seconds. */
  readonly ready: () => Promise<{ readonly ok: boolean }>
  readonly observers: Observers
}

/** Builds the application over the web tier's parts. */
export function createApp(deps: WebDeps, process: Process): express.Express {
  useOurWording()
  const app = express()
  for (const setting of ['x-powered-by', 'etag']) app.disable(setting)
  app.set(DOCUMENTS, `${process.publicUrl}/docs`)
  app.set('trust proxy', typeof process.trustProxy === 'number' ? process.trustProxy : [...process.trustProxy])
  app.use(observedRequests(process.observers))
  app.use(helmet())
  const datasources = datasourcesDialect(process.publicUrl)
  const voices = { connections: connectionsDialect, datasources }
  app.use((request, response, next) => {
    response.set({ 'x-request-id': requestIdOf(request, response), 'Cache-Control': 'no-store' })
    next()
  })
  if (process.corsOrigins.length > 0) app.use(crossOrigin(process.corsOrigins))
  app.use(checkUrl(voices))
  const otherMethod: express.Handler = (request, response) => {
    refuse(voices, { request, response, fault: new Fault('method_not_allowed', { headers: { Allow: 'GET, HEAD' } }) })
  }
  app
    .route('/healthz')
    .get((_, response) => {
      noteServed(response, { surface: 'none', route: 'GET /healthz' })
      response.json({ ok: true })
    })
    .all(otherMethod)
  const readiness: express.Handler = async (_, response) => {
    noteServed(response, { surface: 'none', route: 'GET /readyz' })
    const ready = await process.ready()
    response.status(ready.ok ? 200 : 503).json(ready)
  }
  app.route('/readyz').get(readiness).all(otherMethod)
  app.use(consolePages(new BuiltConsole(), otherMethod))
  app.use(documentation({ publicUrl: process.publicUrl, dialects: [connectionsDialect, datasources] }, otherMethod))
  app.use('/trpc', checkTrpc(voices), trpc(deps))
  for (const dialect of [connectionsDialect, datasources]) mount(app, deps, dialect)
  app.use((request, response) => refuse(voices, { request, response, fault: new Fault('route_not_found') }))
  app.use(onError(deps, voices))
  return app
}

/** Gives each path of the dialect its methods, and 405 with `Allow` for the others. */
function mount(app: express.Express, deps: WebDeps, dialect: Dialect): void {
  for (const path of new Set(dialect.routes.map(route => route.path))) {
    const here = dialect.routes.filter(route => route.path === path)
    const route = app.route(path)
    for (const one of here)
      route[one.method]((request, response) => {
        noteServed(response, { surface: dialect.voice, route: `${request.method} ${one.path}` })
        return serveRoute(deps, { dialect, route: one, request, response })
      })
    const methods = here.map(one => one.method.toUpperCase())
    const allow = [...new Set(methods.includes('GET') ? [...methods, 'HEAD'] : methods)].join(', ')
    route.all((request, response) => {
      spelled(dialect, { request, response, fault: new Fault('method_not_allowed', { headers: { Allow: allow } }) })
    })
  }
}

function onError(deps: WebDeps, voices: Voices): express.ErrorRequestHandler {
  // biome-ignore lint/complexity/useMaxParams: Express tells an error handler by its four parameters
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error)
    const isOurs = !(error instanceof URIError)
    const about = { requestId: requestIdOf(request, response), stage: 'request' }
    if (isOurs) deps.log.error({ ...about, cause: error }, 'request failed')
    refuse(voices, { request, response, fault: isOurs ? faultOf(error) : new Fault('invalid_request') })
  }
}
