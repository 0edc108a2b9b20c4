/**
 * Refusals before a route is found, each in the format of the surface that the path belongs to. It also repairs input
 * that Express would fail on, so that a malformed path is an unknown id like any other.
 */
import type express from 'express'
import type { Dialect } from '#server/rest/dialect.ts'
import { Fault, faultSpec } from '#shared/faults/fault.ts'
import { isForeign } from './body.ts'
import { noteFault } from './observed-request.ts'
import { requestIdOf, sendFault } from './serve.ts'

/** The maximum number of request headers. */
export const MAX_HEADERS = 100

/** The longest URL, in characters. */
export const MAX_URL_LENGTH = 8_192

/** The dialects, and which of them answers for unknown paths. */
export interface Dialects {
  readonly connections: Dialect
  readonly datasources: Dialect
}

/** A request to refuse. `status` is set if HTTP has a better one than the fault's own. */
interface Refused {
  readonly request: express.Request
  readonly response: express.Response
  readonly fault: Fault
  readonly status?: number
}

/** Refuses in the format of the path's owner: tRPC, the connections dialect, or else the datasources dialect. */
export function sendRefusal(dialects: Dialects, refused: Refused): void {
  const { request, response, fault, status } = refused
  const path = request.originalUrl.replace(/[?#].*$/s, '')
  if (/^\/trpc(\/|$)/i.test(path)) {
    refuseTrpc(refused)
    return
  }
  const isConnections = /^\/api\/v1\/(connections|api-keys)(\/|$)/i.test(path)
  const dialect = isConnections ? dialects.connections : dialects.datasources
  sendFault(dialect, { request, response, fault, ...(status === undefined ? {} : { status }) })
}

const INTERNAL = ['INTERNAL_SERVER_ERROR', -32_603] as const

/** tRPC's names and numbers, from JSON-RPC 2.0 (5.1). */
const TRPC_CODES: Readonly<Record<number, readonly [string, number]>> = {
  405: ['METHOD_NOT_SUPPORTED', -32_005],
  415: ['UNSUPPORTED_MEDIA_TYPE', -32_015],
  503: ['SERVICE_UNAVAILABLE', -32_603],
}

/** The body that tRPC's own error formatter would produce. */
function refuseTrpc({ request, response, fault, status = faultSpec(fault.code).status }: Refused): void {
  const [name, code] = TRPC_CODES[status] ?? (status < 500 ? ['BAD_REQUEST', -32_600] : INTERNAL)
  noteFault(response, { fault })
  const requestId = requestIdOf(request, response)
  const { retryable } = fault
  response.set(fault.headers)
  const details = { code: name, fault: fault.code, httpStatus: status, requestId, retryable }
  response.status(status).json({ error: { message: fault.message, code, data: details } })
}

/**
 * The first check of a request: its size, its Host, misplaced keys, and invalid percent-encoding. Returns false for one
 * that it has refused.
 */
export function checkUrl(dialects: Dialects, request: express.Request, response: express.Response): boolean {
  const wrong = wrongIn(request)
  if (wrong !== null) {
    // The rest of the connection's data may be meant for another reader.
    if (wrong.isLast) response.set('Connection', 'close')
    sendRefusal(dialects, { request, response, ...wrong })
    return false
  }
  const [path = '', ...query] = request.url.split('?')
  if (path.includes('%') && !isDecodable(path)) request.url = [path.replaceAll('%', '%25'), ...query].join('?')
  return true
}

interface Wrong extends Omit<Refused, 'request' | 'response'> {
  /** True if the connection ends with it. */
  readonly isLast?: boolean
}

function wrongIn(request: express.Request): Wrong | null {
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

/**
 * Refuses requests that the dialects' routes refuse themselves and that tRPC would answer without `Allow`, or with
 * another content type.
 */
export function checkTrpc(dialects: Dialects): express.Handler {
  return (request, response, next) => {
    if (!['GET', 'HEAD', 'POST'].includes(request.method)) {
      const fault = new Fault('method_not_allowed', { headers: { Allow: 'GET, HEAD, POST' } })
      sendRefusal(dialects, { request, response, fault })
      return
    }
    if (request.method === 'POST' && isForeign(request)) {
      sendRefusal(dialects, { request, response, fault: new Fault('unsupported_media_type') })
      return
    }
    next()
  }
}

function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path)
    return true
  } catch {
    return false
  }
}
