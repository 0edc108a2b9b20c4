/**
 * The Express application: tRPC, both dialects, health, and the order in which a request is looked at: request id → path and
 * method → authentication → limits → media type and size → JSON → body → permission and existence → effect.
 */
import { createExpressMiddleware } from '@trpc/server/adapters/express'
import express from 'express'
import helmet from 'helmet'
import type { Context, WebParts } from '#server/api/context.ts'
import { type Admission, admit } from '#server/api/limits.ts'
import { authenticate, presentedToken } from '#server/api/principal.ts'
import { recordRefusal } from '#server/api/refusals.ts'
import { appRouter } from '#server/api/router.ts'
import { faultOf } from '#server/api/trpc.ts'
import { useOurWording } from '#server/api/wording.ts'
import { Fault } from '#shared/fault.ts'
import { MAX_BODY_BYTES } from './body.ts'
import { connectionsDialect } from './connections.ts'
import { crossOrigin } from './cross-origin.ts'
import { datasourcesDialect } from './datasources.ts'
import type { Dialect } from './dialect.ts'
import { documentation } from './docs.ts'
import { checkTrpc, checkUrl, refuse, type Voices } from './refuse.ts'
import { addressOf, requestIdOf, serveRoute, spelled } from './serve.ts'

/** Calls of one batch over tRPC. */
export const MAX_BATCH = 20

/** What the application asks of the process that it runs in. */
export interface Process {
  readonly publicUrl: string
  /** How many proxies stand in front, or the networks that they stand in; none is trusted when it is empty. */
  readonly trustProxy: number | readonly string[]
  /** The origins whose pages may call; none unless they are named. */
  readonly corsOrigins: readonly string[]
  /** Null when the database answers and is up to date, else what is the matter. */
  readonly ready: () => Promise<string | null>
}

/** Builds the application over the web tier's parts. */
export function createApp(parts: WebParts, process: Process): express.Express {
  useOurWording()
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('trust proxy', typeof process.trustProxy === 'number' ? process.trustProxy : [...process.trustProxy])
  app.use(helmet())
  const datasources = datasourcesDialect(process.publicUrl)
  const voices = { connections: connectionsDialect, datasources }
  app.use((request, response, next) => {
    response.set({ 'x-request-id': requestIdOf(request, response), 'Cache-Control': 'no-store' })
    next()
  })
  app.use(crossOrigin(process.corsOrigins), checkUrl(voices))
  const otherMethod: express.Handler = (request, response) => {
    refuse(voices, { request, response, fault: new Fault('method_not_allowed', { headers: { Allow: 'GET, HEAD' } }) })
  }
  app
    .route('/healthz')
    .get((_, response) => void response.json({ ok: true }))
    .all(otherMethod)
  const readiness: express.Handler = async (_, response) => {
    const trouble = await process.ready()
    response.status(trouble === null ? 200 : 503).json(trouble === null ? { ok: true } : { ok: false, trouble })
  }
  app.route('/readyz').get(readiness).all(otherMethod)
  app.use(documentation({ publicUrl: process.publicUrl, dialects: [connectionsDialect, datasources] }, otherMethod))
  app.use('/trpc', checkTrpc(voices), trpc(parts))
  for (const dialect of [connectionsDialect, datasources]) mount(app, parts, dialect)
  app.use((request, response) => refuse(voices, { request, response, fault: new Fault('route_not_found') }))
  app.use(onError(parts, voices))
  return app
}

/** Gives each path of the dialect its methods, and 405 with `Allow` for the others. */
function mount(app: express.Express, parts: WebParts, dialect: Dialect): void {
  for (const path of new Set(dialect.routes.map(route => route.path))) {
    const here = dialect.routes.filter(route => route.path === path)
    const route = app.route(path)
    for (const one of here)
      route[one.method]((request, response) => serveRoute(parts, { dialect, route: one, request, response }))
    const methods = here.map(one => one.method.toUpperCase())
    const allow = [...new Set(methods.includes('GET') ? [...methods, 'HEAD'] : methods)].join(', ')
    route.all((request, response) => {
      spelled(dialect, { request, response, fault: new Fault('method_not_allowed', { headers: { Allow: allow } }) })
    })
  }
}

function trpc(parts: WebParts): express.Handler {
  return createExpressMiddleware({
    router: appRouter,
    maxBodySize: MAX_BODY_BYTES,
    maxBatchSize: MAX_BATCH,
    createContext: async ({ req, res, info: asked }): Promise<Context> => {
      const registry = () => ({ ...parts, now: parts.clock() })
      const address = addressOf(req)
      const arrival = { headers: req.headers, address, calls: asked.calls.length }
      const { principal, refused, headers } = await admit(arrival, registry()).catch(failureOf)
      res.set(headers)
      const about = { requestId: requestIdOf(req, res), address }
      const action = asked.calls
        .map(call => call.path)
        .join(',')
        .slice(0, 200)
      // What no procedure is there for, no procedure records.
      const isKnown = asked.calls.every(call => Object.hasOwn(appRouter._def.procedures, call.path))
      if (refused !== null && principal instanceof Fault) {
        await recordRefusal(parts, { principal: refused, action, fault: principal, ...about })
      } else if (!isKnown && !(principal instanceof Fault)) {
        await recordRefusal(parts, { principal, action, fault: new Fault('route_not_found'), ...about })
      }
      const token = () => presentedToken(req.headers)
      const recheck = async () => void (await authenticate(req.headers, registry()))
      return { parts, principal, voice: 'trpc', ...about, remarks: {}, idempotency: null, token, recheck }
    },
  })
}

/** A refused caller is a value here: tRPC answers each call of a batch. Whatever was thrown is a failure of ours. */
function failureOf(cause: unknown): Admission {
  return { principal: faultOf(cause), refused: null, headers: {} }
}

function onError(parts: WebParts, voices: Voices): express.ErrorRequestHandler {
  // biome-ignore lint/complexity/useMaxParams: Express tells an error handler by its four parameters
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error)
    const isOurs = !(error instanceof URIError)
    if (isOurs) parts.log.error({ requestId: requestIdOf(request, response), cause: error }, 'request failed')
    refuse(voices, { request, response, fault: isOurs ? faultOf(error) : new Fault('invalid_request') })
  }
}
