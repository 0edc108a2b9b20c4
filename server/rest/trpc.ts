/**
 * tRPC: authenticates, counts, records, and recognises single queries, which `trpc-query.ts` answers, and subscriptions,
 * which `subscription.ts` writes; the library does everything else, behind Express.
 */
import type { TRPCError } from '@trpc/server'
import { createExpressMiddleware } from '@trpc/server/adapters/express'
import type express from 'express'
import { type Admission, admit } from '#server/api/caller/limits.ts'
import type { ReadAhead } from '#server/api/caller/principal.ts'
import { authenticate, presentedToken, requireHere } from '#server/api/caller/principal.ts'
import type { Context, WebDeps } from '#server/api/context.ts'
import { toFault } from '#server/api/procedure/fault-of.ts'
import { recordRefusal } from '#server/api/procedure/refusals.ts'
import { appRouter } from '#server/api/router.ts'
import { MAX_ANSWER_BYTES } from '#server/api/schemas/reader/snapshot-reader.ts'
import { MAX_BODY_BYTES } from '#server/rest/http/body.ts'
import { noteFault, notePrincipal, noteServed } from '#server/rest/http/observed-request.ts'
import { putInPlace } from '#server/rest/http/put-in-place.ts'
import { addressOf, requestIdOf } from '#server/rest/http/serve.ts'
import { isSubscription, subscriptions } from '#server/rest/http/subscription.ts'
import { aheadOf, answerQuery, singleQueryOf } from '#server/rest/http/trpc-query.ts'
import { Fault } from '#shared/faults/fault.ts'

/** The maximum number of calls in one batch over tRPC. */
export const MAX_BATCH = 20

/** The handlers of tRPC. */
export interface Trpc {
  /** Serves everything below `/trpc`. */
  readonly all: express.Handler
  /** Serves a query that needs nothing of the library, without Express; false if this is none. */
  serveQuery(request: express.Request, response: express.Response): boolean
}

/** Serves tRPC over the web tier's dependencies. */
export function trpc(deps: WebDeps): Trpc {
  const withTexts = async (asked: Asked) => {
    const ctx = await contextOf(deps, asked)
    putInPlace(asked.response, ctx.answers.texts)
    return ctx
  }
  const library = createExpressMiddleware({
    router: appRouter,
    maxBodySize: MAX_BODY_BYTES,
    maxBatchSize: MAX_BATCH,
    responseMeta: ({ errors }) => ({ headers: retryAfter(errors) }),
    onError: ({ error, req, path, input }) => {
      if (req.res !== undefined) noteFault(req.res, { fault: toFault(error), named: input, ...procedureAt(path) })
    },
    createContext: ({ req, res, info: asked }) => withTexts({ request: req, response: res, calls: asked.calls }),
  })
  const ours = subscriptions((request, response, path) => withTexts({ request, response, calls: [{ path }] }))
  return {
    all(request, response, next) {
      const isStream = request.method === 'GET' && isSubscription(request)
      noteServed(response, { surface: 'trpc', route: procedureOf(request), isStream })
      const serve = isStream ? ours : library
      return serve(request, response, next)
    },
    serveQuery(request, response) {
      const query = request.method === 'GET' ? singleQueryOf(request) : null
      if (query === null) return false
      noteServed(response, { surface: 'trpc', route: query.path })
      answerQuery(response, query, () =>
        contextOf(deps, { request, response, calls: [query], ahead: aheadOf(query) }),
      ).catch(cause => {
        deps.log.error({ requestId: requestIdOf(request, response), stage: 'request', cause }, 'request failed')
        response.destroy()
      })
      return true
    },
  }
}

/** The route of a call: absent if the router has no such procedure. */
function procedureAt(path: string | undefined): { route?: string } {
  return path !== undefined && Object.hasOwn(appRouter._def.procedures, path) ? { route: path } : {}
}

/** The procedure as named in the router; one word for a batch, and for procedures that the router lacks. */
function procedureOf({ url }: express.Request): string {
  const path = url.replace(/[?#].*$/s, '').slice(1)
  if (Object.hasOwn(appRouter._def.procedures, path)) return path
  return path.includes(',') ? 'batch' : 'unknown'
}

/** When to retry, as the dialects say it: for a batch, when the last of its calls can be retried. */
function retryAfter(errors: readonly TRPCError[]): Record<string, string> {
  const seconds = errors.map(({ cause }) => Number(cause instanceof Fault ? cause.headers['Retry-After'] : undefined))
  const longest = Math.max(...seconds.filter(Number.isFinite))
  return Number.isFinite(longest) ? { 'Retry-After': String(longest) } : {}
}

interface Asked {
  readonly request: express.Request
  readonly response: express.Response
  readonly calls: readonly { readonly path: string }[]
  readonly ahead?: ReadAhead<unknown> | null
}

/** A refused caller is a value here: each call of a batch is answered. */
async function contextOf(deps: WebDeps, { request, response, calls, ahead = null }: Asked): Promise<Context> {
  const address = addressOf(request)
  const arrival = { headers: request.headers, address, calls: calls.length, ahead }
  const { principal, refused, headers } = await admit(arrival, deps).catch(failureOf)
  response.set(headers)
  const known = principal instanceof Fault ? refused : principal
  if (known !== null) notePrincipal(response, known)
  const about = { requestId: requestIdOf(request, response), address }
  const action = calls
    .map(call => call.path)
    .join(',')
    .slice(0, 200)
  // If the procedure is unknown, no procedure records the call.
  const isKnown = calls.every(call => Object.hasOwn(appRouter._def.procedures, call.path))
  if (refused !== null && principal instanceof Fault) {
    await recordRefusal({ db: deps.db, deps }, { principal: refused, action, fault: principal, ...about })
  } else if (!isKnown && !(principal instanceof Fault)) {
    await recordRefusal({ db: deps.db, deps }, { principal, action, fault: new Fault('route_not_found'), ...about })
  }
  const token = () => presentedToken(request.headers)
  const answers = { leftBytes: MAX_ANSWER_BYTES, texts: [] }
  const recheck = async () => requireHere(await authenticate(request.headers, deps))
  return {
    deps,
    db: deps.db,
    principal,
    surface: 'trpc',
    ...about,
    ahead,
    header: name => request.headers[name],
    responseMetadata: {},
    answers,
    idempotency: null,
    token,
    recheck,
  }
}

/** Any thrown error is a failure of our own. */
function failureOf(cause: unknown): Admission {
  return { principal: toFault(cause), refused: null, headers: {} }
}
