/**
 * Refusals before any route is found: each in the shape of the voice that the path belongs to. It also puts right what
 * Express would trip over, so that a malformed path is an id like any other: not there.
 */
import type express from 'express'
import { Fault, faultSpec } from '#shared/fault.ts'
import { hasBody, isJson } from './body-head.ts'
import type { Dialect } from './dialect.ts'
import { requestIdOf, spelled } from './serve.ts'

/** Headers of a request. */
export const MAX_HEADERS = 100

/** The longest URL, in characters. */
export const MAX_URL_LENGTH = 8_192

/** The dialects, and which of them answers where nobody else does. */
export interface Voices {
  readonly connections: Dialect
  readonly datasources: Dialect
}

/** Something to refuse. `status` where HTTP has a better one than the fault's own. */
interface Refused {
  readonly request: express.Request
  readonly response: express.Response
  readonly fault: Fault
  readonly status?: number
}

/** Refuses in the shape of whoever owns the path: tRPC, the connections dialect, or else the datasources dialect. */
export function refuse(voices: Voices, refused: Refused): void {
  const { request, response, fault, status } = refused
  const path = request.originalUrl.replace(/[?#].*$/s, '')
  if (/^\/trpc(\/|$)/.test(path)) {
    refuseTrpc(refused)
    return
  }
  const isConnections = /^\/api\/v1\/(connections|api-keys)(\/|$)/i.test(path)
  const dialect = isConnections ? voices.connections : voices.datasources
  spelled(dialect, { request, response, fault, ...(status === undefined ? {} : { status }) })
}

const INTERNAL = ['INTERNAL_SERVER_ERROR', -32_603] as const

/** tRPC's names and numbers, after JSON-RPC 2.0 (5.1). */
const TRPC_CODES: Readonly<Record<number, readonly [string, number]>> = {
  405: ['METHOD_NOT_SUPPORTED', -32_005],
  415: ['UNSUPPORTED_MEDIA_TYPE', -32_015],
  503: ['SERVICE_UNAVAILABLE', -32_603],
}

/** What tRPC's own error formatter would say. */
function refuseTrpc({ request, response, fault, status = faultSpec(fault.code).status }: Refused): void {
  const [name, code] = TRPC_CODES[status] ?? (status < 500 ? ['BAD_REQUEST', -32_600] : INTERNAL)
  const requestId = requestIdOf(request, response)
  const { retryable } = faultSpec(fault.code)
  response.set(fault.headers)
  const details = { code: name, fault: fault.code, httpStatus: status, requestId, retryable }
  response.status(status).json({ error: { message: fault.message, code, data: details } })
}

/** The first look at a request: its URL's length, its Host, keys where none may be, and percent signs that mean nothing. */
export function checkUrl(voices: Voices): express.Handler {
  return (request, response, next) => {
    const url = request.originalUrl
    if (url.length > MAX_URL_LENGTH) {
      response.set('Connection', 'close')
      refuse(voices, { request, response, fault: new Fault('payload_too_large'), status: 414 })
      return
    }
    if (request.rawHeaders.length > 2 * MAX_HEADERS) {
      response.set('Connection', 'close')
      refuse(voices, { request, response, fault: new Fault('payload_too_large'), status: 431 })
      return
    }
    if (request.httpVersion === '1.1' && request.headers.host === undefined) {
      const issues = [{ path: ['Host'], code: 'missing', message: 'HTTP/1.1 asks for a Host header.' }]
      refuse(voices, { request, response, fault: new Fault('invalid_request', { issues }) })
      return
    }
    // Keys travel in headers only: a URL ends up in logs, histories and referrers.
    if (url.startsWith('/trpc') && /\b[sr]k_(live|test)_|connectionParams/.test(url)) {
      refuse(voices, { request, response, fault: new Fault('invalid_request') })
      return
    }
    const [path = '', ...query] = request.url.split('?')
    if (!isDecodable(path)) request.url = [path.replaceAll('%', '%25'), ...query].join('?')
    next()
  }
}

/** What the dialects' routes refuse by themselves and tRPC would answer without `Allow`, or as another type of content. */
export function checkTrpc(voices: Voices): express.Handler {
  return (request, response, next) => {
    if (!['GET', 'HEAD', 'POST'].includes(request.method)) {
      const fault = new Fault('method_not_allowed', { headers: { Allow: 'GET, HEAD, POST' } })
      refuse(voices, { request, response, fault })
      return
    }
    if (request.method === 'POST' && hasBody(request) && !isJson(request)) {
      refuse(voices, { request, response, fault: new Fault('unsupported_media_type') })
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
