/**
 * The Express application: tRPC, both dialects, health, and the order in which a request is processed: request id →
 * path and method → authentication → limits → media type and size → JSON → body → permission and existence → effect.
 */
import express from 'express'
import helmet from 'helmet'
import type { WebDeps } from '#server/api/context.ts'
import { toFault } from '#server/api/procedure/fault-of.ts'
import { useOurWording } from '#server/api/procedure/wording.ts'
import { connectionsDialect } from '#server/rest/connections/connections.ts'
import { BuiltConsole } from '#server/rest/console/built-files.ts'
import { consolePages } from '#server/rest/console/console.ts'
import { datasourcesDialect } from '#server/rest/datasources/datasources.ts'
import { documentation } from '#server/rest/guide/docs.ts'
import { crossOrigin } from '#server/rest/http/cross-origin.ts'
import { noteServed, type Observers, observedRequests } from '#server/rest/http/observed-request.ts'
import { checkTrpc, type Dialects, refuseWrong, sendRefusal } from '#server/rest/http/refuse.ts'
import { DOCUMENTS, requestIdOf, sendFault, serveRoute } from '#server/rest/http/serve.ts'
import { Fault } from '#shared/faults/fault.ts'
import type { Dialect, Route } from './dialect.ts'
import { decodableUrl, Routes, wrongIn } from './request-line.ts'
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
 * Builds the application over the web tier's dependencies. A map finds the dialects' routes and one function serves
 * them; Express handles the rest: documents, tRPC and refusals.
 */
export function createApp(deps: WebDeps, process: Process): WebApp {
  useOurWording()
  const dialects = { connections: connectionsDialect, datasources: datasourcesDialect(process.publicUrl) }
  const served = trpc(deps)
  const app = restOf(deps, process, { dialects, served })
  const routes = routesOf([connectionsDialect, dialects.datasources])
  const failed = onError(deps, dialects)
  const observed = observedRequests(process.observers)
  const protect = protective()
  const cross = process.corsOrigins.length > 0 ? crossOrigin(process.corsOrigins) : null
  const serve = (request: express.Request, response: express.Response) => {
    const wrong = wrongIn(request)
    if (wrong !== null) return refuseWrong(dialects, { request, response, ...wrong })
    request.url = decodableUrl(request.url)
    const found = routes.find(request.url.split('?', 1)[0] ?? '')
    if (found === null) return served.serveQuery(request, response) ? undefined : app(request, response)
    request.params = found.params
    const { dialect, path, methods, allow } = found.entry
    const route = methods.get(request.method)
    if (route === undefined) return sendFault(dialect, { request, response, fault: otherMethod(allow) })
    noteServed(response, { surface: dialect.surface, route: `${request.method} ${path}` })
    return serveRoute(deps, { dialect, route, request, response })
  }
  const listener = (request: express.Request, response: express.Response) => {
    Object.assign(request, { originalUrl: request.url, params: {}, res: response })
    response.locals = {}
    try {
      observed(request, response, () => {
        protect(request, response)
        if (cross === null) void serve(request, response)
        else cross(request, response, () => serve(request, response))
      })
    } catch (error) {
      failed(error, request, response, () => response.destroy())
    }
  }
  return Object.assign(listener, { prototypes: { request: app.request, response: app.response } })
}

/** Headers of every answer. */
function protective(): (request: express.Request, response: express.Response) => void {
  const headers: Record<string, string> = {}
  const noted = {
    setHeader: (name: string, value: string) => Object.assign(headers, { [name]: value }),
    removeHeader() {},
  }
  // The library sets the same headers for each request, so it is asked once.
  helmet()({} as express.Request, noted as never, () => undefined) // it reads no request, and calls only these two
  const fixed = Object.entries({ ...headers, 'Cache-Control': 'no-store' })
  return (request, response) => {
    for (const [name, value] of fixed) response.setHeader(name, value)
    response.setHeader('x-request-id', requestIdOf(request, response))
  }
}

function otherMethod(allow: string): Fault {
  return new Fault('method_not_allowed', { headers: { Allow: allow } })
}

/** A path of a dialect: its methods, and the answer to other methods. */
interface Entry {
  readonly dialect: Dialect
  readonly path: string
  readonly methods: ReadonlyMap<string, Route>
  readonly allow: string
}

function routesOf(dialects: readonly Dialect[]): Routes<Entry> {
  const found = new Routes<Entry>()
  for (const dialect of dialects)
    for (const path of new Set(dialect.routes.map(route => route.path))) {
      const here = dialect.routes.filter(route => route.path === path)
      const methods = new Map(here.map(route => [route.method.toUpperCase(), route]))
      const get = methods.get('GET')
      if (get !== undefined) methods.set('HEAD', get)
      found.add(path, { dialect, path, methods, allow: [...methods.keys()].join(', ') })
    }
  return found
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
