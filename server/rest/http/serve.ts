/**
 * Serves one route of a dialect: authenticates, reads the body, calls the router in this process, and formats the
 * answer or the fault. One of the places where exceptions are caught; anything but a `Fault` becomes `internal_error`.
 */
import { hash, randomUUID } from 'node:crypto'
import type express from 'express'
import { aboutRequest } from '#server/api/caller/about-request.ts'
import { admit } from '#server/api/caller/limits.ts'
import type { ReadAhead } from '#server/api/caller/principal.ts'
import { presentedToken, presentsKey } from '#server/api/caller/principal.ts'
import type { ResponseMetadata, WebDeps } from '#server/api/context.ts'
import { isOurFailure, toFault } from '#server/api/procedure/fault-of.ts'
import { recordRefusal } from '#server/api/procedure/refusals.ts'
import { createCaller } from '#server/api/router.ts'
import { inPlace, type JsonText } from '#server/api/schemas/reader/json-text.ts'
import { MAX_ANSWER_BYTES } from '#server/api/schemas/reader/snapshot-reader.ts'
import type { Principal } from '#server/domain/access/scope.ts'
import { clientAddress } from '#server/domain/network/client-address.ts'
import type { Dialect, KeylessCall, Reply, Route } from '#server/rest/dialect.ts'
import { claimAheadOf, idempotencyOf } from '#server/rest/idempotency-key.ts'
import { Fault } from '#shared/faults/fault.ts'
import { closeAfter, decodeText, exactText, readBody, readBytes } from './body.ts'
import { noteFault, notePrincipal } from './observed-request.ts'
import { writeList } from './streamed-list.ts'

/** The application setting that contains the URL of the documents. */
export const DOCUMENTS = 'address of the documents'

interface Exchange {
  readonly request: express.Request
  readonly response: express.Response
}

/** The source of a request. */
interface From {
  readonly requestId: string
  readonly address: string | null
}

/** The request's id: the caller's `x-request-id` if it is 1 to 128 harmless characters, otherwise a new one. */
export function requestIdOf(request: express.Request, response: express.Response): string {
  const kept: unknown = response.locals['requestId']
  if (typeof kept === 'string') return kept
  const given = request.headers['x-request-id']
  const isHarmless = typeof given === 'string' && /^[A-Za-z0-9._:-]{1,128}$/.test(given)
  const id = isHarmless ? given : `req_${randomUUID().replaceAll('-', '')}`
  response.locals['requestId'] = id
  return id
}

/** The caller's address: as reported by the trusted proxies, or the peer of the connection. */
export function addressOf(request: express.Request): string | null {
  const { ip = '', socket } = request
  const read = Reflect.get(socket, READ) as { ip: string; address: string | null } | undefined // no other code has the symbol
  if (read?.ip === ip) return read.address
  const address = clientAddress(ip, socket.remoteAddress)
  Object.assign(socket, { [READ]: { ip, address } })
  return address
}

/** The key under which a connection caches its last address: most use one address for all requests. */
const READ = Symbol('address')

/** Sends a fault in the dialect's format, with `status` if HTTP has a better one than the fault's own. */
export function sendFault(dialect: Dialect, at: Exchange & { fault: Fault; body?: unknown; status?: number }): void {
  const { fault, request, response, body, status } = at
  const [requestId, params] = [requestIdOf(request, response), paramsOf(request)]
  noteFault(response, { fault, named: params })
  const reply = dialect.faultReply({ fault, requestId, body, params })
  // The linked page tells a person how to fix it.
  response.set({ Link: `<${String(request.app.get(DOCUMENTS))}/faults#${fault.code}>; rel="help"`, ...fault.headers })
  if (reply.status === 401) response.set('WWW-Authenticate', 'Bearer')
  send(at, { body: reply.body, status: status ?? reply.status })
}

/** Serves one request. Never throws. */
export async function serveRoute(deps: WebDeps, call: Exchange & { dialect: Dialect; route: Route }): Promise<void> {
  const { dialect, route, request, response } = call
  const seen: { body?: unknown; principal?: Principal } = {}
  const from = { requestId: requestIdOf(request, response), address: addressOf(request) }
  try {
    if (route.keyless !== undefined && (await servedKeyless(deps, call))) return
    // A route reads the object of its path; any other may have a claim.
    const claim = request.headers['idempotency-key'] === undefined ? null : claimAheadOf(request)
    const ahead = route.ahead === undefined ? claim : route.ahead(decoded(request))
    seen.principal = await admitted(deps, { ...call, ...from, ahead })
    if (route.body !== undefined) seen.body = await readBody(request, route.bodyLimits)
    else if ('content-length' in request.headers || 'transfer-encoding' in request.headers)
      closeAfter(request, response)
    await run(deps, call, { principal: seen.principal, body: seen.body, ahead, ...from })
  } catch (thrown) {
    const fault = toFault(thrown)
    if (isOurFailure(fault)) logFailure(deps, call, { ...from, fault, principal: seen.principal })
    if (seen.principal !== undefined) {
      const action = `${request.method} ${route.path}`
      await recordRefusal({ db: deps.db, deps }, { principal: seen.principal, action, fault, ...from })
    }
    refuse(dialect, { request, response, fault, body: seen.body })
  }
}

/** Runs the route for an admitted caller, and sends the answer. */
async function run(
  deps: WebDeps,
  call: Exchange & { dialect: Dialect; route: Route },
  { body, ...from }: From & { principal: Principal; body: unknown; ahead: ReadAhead<unknown> | null },
): Promise<void> {
  const { dialect, route, request, response } = call
  const { headers } = request
  const responseMetadata: ResponseMetadata = {}
  const answers = { leftBytes: MAX_ANSWER_BYTES, texts: [] }
  const caller = createCaller({
    ...{ deps, db: deps.db, responseMetadata, answers, surface: dialect.surface, ...from },
    header: name => headers[name],
    idempotency: headers['idempotency-key'] === undefined ? null : idempotencyOf(request, body),
    token: () => presentedToken(headers),
    recheck: async () => undefined,
  })
  const waitSeconds = route.waits !== true || headers['prefer'] === undefined ? undefined : waitOf(request)
  const query = new URLSearchParams(/\?(.*)$/s.exec(request.url)?.[1])
  const reply = await route.run({
    ...{ caller, responseMetadata, body, query, waitSeconds },
    params: decoded(request),
    exactBody: () => exactText(request),
    header: name => request.get(name),
  })
  // Headers report anything unusual about the effect.
  if (responseMetadata.replayed === true) response.set('Idempotent-Replayed', 'true')
  if (waitSeconds !== undefined) response.set('Preference-Applied', `wait=${waitSeconds}`)
  if (reply.list !== undefined && request.method === 'GET') await writeList(response, reply.list)
  else send(call, reply, answers.texts)
}

function decoded({ params }: express.Request): Record<string, string> {
  return params as Record<string, string> // `Routes` decodes them to this type
}

function logFailure(
  deps: WebDeps,
  { request, route }: { request: express.Request; route: Route },
  failed: { fault: Fault; requestId: string; principal: Principal | undefined },
): void {
  const { fault } = failed
  const about = { ...aboutRequest({ ...failed, named: paramsOf(request) }), stage: 'request', route: route.path }
  deps.log.error({ ...about, fault: fault.code, cause: fault.cause ?? fault }, 'request failed')
}

/**
 * Serves a request that is authorized by something other than a key. A request with neither comes from a caller who
 * forgot the key.
 */
async function servedKeyless(deps: WebDeps, call: Exchange & { route: Route }): Promise<boolean> {
  const { route, request } = call
  if (route.keyless === undefined || presentsKey(request.headers)) return false
  if (!('webhook-signature' in request.headers)) return false
  send(call, await route.keyless(deps, keylessCall(call)))
  return true
}

function keylessCall({ request, response }: Exchange): KeylessCall {
  return {
    params: paramsOf(request),
    requestId: requestIdOf(request, response),
    address: addressOf(request),
    header: name => request.get(name),
    text: async maxBytes => decodeText((await readBytes(request, { maxBytes })) ?? Buffer.alloc(0)),
  }
}

/**
 * The caller. Throws the faults of credentials and `rate_limit_exceeded`; the answer's headers contain the remaining
 * limit.
 */
async function admitted(
  deps: WebDeps,
  arrived: Exchange & From & { route: Route; ahead: ReadAhead<unknown> | null },
): Promise<Principal> {
  const { request, response, route, requestId, address, ahead } = arrived
  const arrival = { headers: request.headers, address, calls: 1, ahead }
  const { principal, refused, headers } = await admit(arrival, deps)
  for (const name of Object.keys(headers)) response.setHeader(name, headers[name] ?? '')
  if (!(principal instanceof Fault)) {
    notePrincipal(response, principal)
    return principal
  }
  const about = { action: `${request.method} ${route.path}`, requestId, address }
  if (refused !== null) {
    notePrincipal(response, refused)
    await recordRefusal({ db: deps.db, deps }, { principal: refused, fault: principal, ...about })
  }
  throw principal
}

/** A partly sent answer is cut off, so that nobody takes it for a complete one. */
function refuse(dialect: Dialect, at: Exchange & { fault: Fault; body: unknown }): void {
  if (at.response.headersSent) at.response.destroy()
  else sendFault(dialect, at)
}

/** Sends the answer, or 304 if a client that cached it asks again and it is unchanged (RFC 9110, 8.8.3 and 13.1.2). */
function send({ request, response }: Exchange, { status, body }: Reply, texts: readonly JsonText[] = []): void {
  const text = answerText(body, texts)
  response.statusCode = status
  if (status === 200 && (request.method === 'GET' || request.method === 'HEAD')) {
    const tag = `"${hash('sha256', text, 'base64url').slice(0, 22)}"`
    response.setHeader('ETag', tag).setHeader('Cache-Control', 'private, no-cache')
    if (request.headers['if-none-match'] !== undefined && isKnown(request, tag)) {
      response.statusCode = 304
      response.end()
      return
    }
  }
  response.setHeader('Content-Type', JSON_TYPE).setHeader('Content-Length', Buffer.byteLength(text)).end(text)
}

const JSON_TYPE = 'application/json; charset=utf-8'
/** Node writes a string of at most this length together with the head, in one piece. */
const SHORT = 4_096

/** The text of an answer, with texts in place of their marks: as bytes if it is long, otherwise as a string. */
export function answerText(body: unknown, texts: readonly JsonText[]): string | Buffer {
  const json = JSON.stringify(body)
  if (texts.length > 0) return Buffer.concat(inPlace(json, texts))
  return json.length <= SHORT ? json : Buffer.from(json)
}

/**
 * Express would ignore the tag because of `Cache-Control: no-cache`, which every `fetch` adds and which is meant for
 * caches.
 */
function isKnown({ headers }: express.Request, tag: string): boolean {
  const given = headers['if-none-match']
  if (given === undefined) return false
  const tags = given.split(',').map(one => one.trim().replace(/^W\//, ''))
  return tags.includes('*') || tags.includes(tag)
}

function paramsOf(request: express.Request): Record<string, string> {
  return Object.fromEntries(
    Object.entries(request.params).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  )
}

/** `Prefer: wait=N` (RFC 7240), with N capped at 30. An invalid preference is ignored, as the RFC requires. */
function waitOf(request: express.Request): number | undefined {
  const prefer = request.headers['prefer']
  const text = Array.isArray(prefer) ? prefer.join(',') : (prefer ?? '')
  const seconds = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:$|[,;])/i.exec(text)?.[1]
  return seconds === undefined ? undefined : Math.min(30, Number(seconds))
}
