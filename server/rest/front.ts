/**
 * The front of the application: from the first line of a request to its route, which it serves and observes. It sets the
 * fixed headers and those for other origins, checks size, Host and URL, and finds the route of a path as Express would:
 * literal segments in any case, with or without a trailing slash, parameters decoded. A map finds it where Express tries
 * one pattern after the other. It decides nothing about a caller; `app.ts` puts it before what Express serves.
 */
import type express from 'express'
import helmet from 'helmet'
import type { WebDeps } from '#server/api/context.ts'
import { crossOrigin } from '#server/rest/http/cross-origin.ts'
import { noteServed, type Observers, observedRequests } from '#server/rest/http/observed-request.ts'
import { type Dialects, refuseWrong, type WrongRequest } from '#server/rest/http/refuse.ts'
import { requestIdOf, sendFault, serveRoute } from '#server/rest/http/serve.ts'
import { Fault } from '#shared/faults/fault.ts'
import type { Dialect, Route } from './dialect.ts'
import type { Trpc } from './trpc.ts'

/** The maximum number of request headers. */
export const MAX_HEADERS = 100

/** The longest URL, in characters. */
export const MAX_URL_LENGTH = 8_192

/** The first check of a request: its size, its Host, and misplaced keys. Null if nothing is wrong. */
function wrongIn(request: express.Request): WrongRequest | null {
  const { originalUrl: url, rawHeaders } = request
  if (url.length > MAX_URL_LENGTH) return { fault: new Fault('payload_too_large'), status: 414, isLast: true }
  if (rawHeaders.length > 2 * MAX_HEADERS) return { fault: new Fault('payload_too_large'), status: 431, isLast: true }
  let hosts = 0
  for (let at = 0; at < rawHeaders.length; at += 2) if (rawHeaders[at]?.toLowerCase() === 'host') hosts += 1
  // Node keeps the first of two; a proxy in front may have used the other (RFC 9112, 3.2).
  if (hosts > 1) return { fault: wrongHost('duplicate', 'A request must have exactly one Host header.'), isLast: true }
  if (request.httpVersion === '1.1' && hosts === 0)
    return { fault: wrongHost('missing', 'HTTP/1.1 requires a Host header.') }
  // Keys travel only in headers: a URL ends up in logs, histories and referrers.
  return /(?<![a-z0-9])[sr]k_(live|test)_|connectionParams/i.test(url.includes('%') ? unescaped(url) : url)
    ? { fault: new Fault('invalid_request') }
    : null
}

function wrongHost(code: string, message: string): Fault {
  return new Fault('invalid_request', { issues: [{ path: ['Host'], code, message }] })
}

/** A URL with its percent-encoding decoded, as later parsers decode it. */
function unescaped(url: string): string {
  return url.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** A URL whose path can be decoded: invalid percent-encoding stands for itself, and names an unknown id like any other. */
function decodableUrl(url: string): string {
  const [path = '', ...query] = url.split('?')
  return path.includes('%') && !isDecodable(path) ? [path.replaceAll('%', '%25'), ...query].join('?') : url
}

function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path)
    return true
  } catch {
    return false
  }
}

/** A match: the value that was added for the path, and the parameters. */
export interface RouteMatch<T> {
  readonly entry: T
  readonly params: Readonly<Record<string, string>>
}

interface Pattern<T> {
  readonly segments: readonly string[]
  readonly entry: T
}

/** A map of paths, with `:name` for a parameter, to values. */
export class Routes<T> {
  readonly #literal = new Map<string, T>()
  /** Paths with parameters, by the number of their segments, in insertion order. */
  readonly #patterns = new Map<number, Pattern<T>[]>()

  /** Adds a path. */
  add(path: string, entry: T): void {
    if (!path.includes(':')) {
      this.#literal.set(path, entry)
      return
    }
    const segments = path.split('/')
    const patterns = this.#patterns.get(segments.length) ?? []
    this.#patterns.set(segments.length, patterns)
    patterns.push({ segments, entry })
  }

  /** Finds the entry of a path whose percent-encoding is valid; null if there is none. */
  find(path: string): RouteMatch<T> | null {
    const plain = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
    const entry = this.#literal.get(plain) ?? this.#literal.get(plain.toLowerCase())
    if (entry !== undefined) return { entry, params: {} }
    const segments = plain.split('/')
    for (const pattern of this.#patterns.get(segments.length) ?? []) {
      const params = paramsOf(pattern.segments, segments)
      if (params !== null) return { entry: pattern.entry, params }
    }
    return null
  }
}

function paramsOf(pattern: readonly string[], segments: readonly string[]): Record<string, string> | null {
  const params: Record<string, string> = {}
  for (let at = 0; at < pattern.length; at += 1) {
    const [wanted = '', given = ''] = [pattern[at], segments[at]]
    if (!wanted.startsWith(':')) {
      if (wanted !== given && wanted !== given.toLowerCase()) return null
    } else if (given === '') return null
    else params[wanted.slice(1)] = given.includes('%') ? decodeURIComponent(given) : given
  }
  return params
}

/** A path of a dialect: its methods, and the answer to other methods. */
interface Entry {
  readonly dialect: Dialect
  readonly path: string
  readonly methods: ReadonlyMap<string, Route>
  readonly allow: string
}

/** The refusal of a method that a path does not have. */
export function otherMethod(allow: string): Fault {
  return new Fault('method_not_allowed', { headers: { Allow: allow } })
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

/** The application behind the front. */
export interface Behind {
  readonly dialects: Dialects
  readonly trpc: Trpc
  /** Serves everything except the dialects' routes and single queries. */
  readonly rest: (request: express.Request, response: express.Response) => void
  readonly failed: express.ErrorRequestHandler
}

/** The listener of requests: observes each, sets the headers of every answer, and serves it. */
export function frontOf(
  deps: WebDeps,
  { observers, corsOrigins }: { observers: Observers; corsOrigins: readonly string[] },
  { dialects, trpc, rest, failed }: Behind,
): (request: express.Request, response: express.Response) => void {
  const routes = routesOf([dialects.connections, dialects.datasources])
  const observed = observedRequests(observers)
  const protect = protective()
  const cross = corsOrigins.length > 0 ? crossOrigin(corsOrigins) : null
  const serve = (request: express.Request, response: express.Response) => {
    const wrong = wrongIn(request)
    if (wrong !== null) return refuseWrong(dialects, { request, response, ...wrong })
    request.url = decodableUrl(request.url)
    const found = routes.find(request.url.split('?', 1)[0] ?? '')
    if (found === null) return trpc.serveQuery(request, response) ? undefined : rest(request, response)
    request.params = found.params
    const { dialect, path, methods, allow } = found.entry
    const route = methods.get(request.method)
    if (route === undefined) return sendFault(dialect, { request, response, fault: otherMethod(allow) })
    noteServed(response, { surface: dialect.surface, route: `${request.method} ${path}` })
    return serveRoute(deps, { dialect, route, request, response })
  }
  return (request, response) => {
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
}
