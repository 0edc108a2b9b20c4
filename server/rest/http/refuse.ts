/**
 * Refusals before a route is found, each in the format of the surface that the path belongs to. `front.ts` says
 * what is wrong and calls it.
 */
import type express from 'express'
import type { Dialect } from '#server/rest/dialect.ts'
import { Fault, faultSpec } from '#shared/faults/fault.ts'
import { isForeign } from './body.ts'
import { noteFault } from './observed-request.ts'
import { requestIdOf, sendFault } from './serve.ts'

/** The dialects, and which of them answers for unknown paths. */
export interface Dialects {
  readonly connections: Dialect
  readonly datasources: Dialect
}

/** A reason to refuse a request before its route is looked for. */
export interface WrongRequest {
  readonly fault: Fault
  /** Set if HTTP has a better status than the fault's own. */
  readonly status?: number
  /** True if the connection ends with it: the rest of its data may be meant for another reader. */
  readonly isLast?: boolean
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

/** Refuses a request whose route was not looked for, and ends the connection if that is needed. */
export function refuseWrong(dialects: Dialects, { isLast = false, ...refused }: Refused & WrongRequest): void {
  if (isLast) refused.response.set('Connection', 'close')
  sendRefusal(dialects, refused)
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
