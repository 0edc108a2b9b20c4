/**
 * The HTTP server under the application: how long a request may take to arrive, how large its head may be, and the
 * answer to unparsable requests, which never reach Express. `wiring-web.ts` creates one.
 */
import { randomUUID } from 'node:crypto'
import { createServer, IncomingMessage, type RequestListener, type Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { clientAddress } from '#server/domain/network/client-address.ts'
import { datasourcesDialect } from '#server/rest/datasources/datasources.ts'
import { MAX_HEADERS } from '#server/rest/front.ts'
import { type Observers, observeUnread } from '#server/rest/http/observed-request.ts'
import { Fault } from '#shared/faults/fault.ts'
import type { WebApp } from './app.ts'

/** The maximum size of request line and headers together, in bytes. */
export const MAX_HEAD_BYTES = 16_384
const LONGEST_CHECK_MS = 5_000

/** How long a client may take. After that the connection is cut off, with an answer if that is still possible. */
export interface Patience {
  /** For the request line and headers, from the beginning of the connection or the request. */
  readonly headersTimeoutMs: number
  /** For the whole request, including its body. */
  readonly requestTimeoutMs: number
  /**
   * For the next request on an idle connection: longer than a proxy in front keeps its own connections, or it would
   * meet a closed one.
   */
  readonly keepAliveTimeoutMs: number
}

/** The parts of the server. */
export interface ListenerParts {
  readonly patience: Patience
  readonly publicUrl: string
  readonly observers: Observers
}

/** Creates the server; it does not listen yet. */
export function createHttpServer(app: WebApp, parts: ListenerParts): Server {
  const { headersTimeoutMs, requestTimeoutMs, keepAliveTimeoutMs } = parts.patience
  class Request extends IncomingMessage {}
  class Response extends ServerResponse<Request> {}
  // Created with the application's prototypes: changing the prototype of an object in use would slow all of them down.
  Object.setPrototypeOf(Request.prototype, app.prototypes.request)
  Object.setPrototypeOf(Response.prototype, app.prototypes.response)
  const listener = app as unknown as RequestListener<typeof Request, typeof Response> // they have Express's additions
  const server = createServer<typeof Request, typeof Response>(
    {
      IncomingMessage: Request,
      ServerResponse: Response,
      maxHeaderSize: MAX_HEAD_BYTES,
      headersTimeout: Math.min(headersTimeoutMs, requestTimeoutMs),
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: keepAliveTimeoutMs,
      // Node looks for slow clients at this interval, by default every 30 seconds.
      connectionsCheckingInterval: Math.min(LONGEST_CHECK_MS, Math.ceil(headersTimeoutMs / 2)),
      // The application refuses a request without a Host header, in its own format.
      requireHostHeader: false,
    },
    listener,
  )
  // Node silently drops headers beyond its limit: one more is let through, for the application to refuse.
  server.maxHeadersCount = MAX_HEADERS + 1
  // An unknown expectation may be ignored (RFC 9110, 10.1.1); Node would answer 417 without a request id.
  server.on('checkExpectation', listener)
  server.on('clientError', (error: Error, socket: Duplex) => refuseRaw(error, { socket, ...parts }))
  return server
}

const STATUS_OF: Readonly<Record<string, readonly [number, string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'Payload Too Large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout'],
}

/** Answers on the raw socket: the path is unknown, so the format is that of paths of neither dialect. */
function refuseRaw(error: Error, { socket, publicUrl, observers }: ListenerParts & { socket: Duplex }): void {
  if (!socket.writable || hasBegun(socket)) {
    socket.destroy()
    return
  }
  const [status, phrase] = STATUS_OF[String(Reflect.get(error, 'code'))] ?? [400, 'Bad Request']
  const requestId = `req_${randomUUID().replaceAll('-', '')}`
  const fault = faultOf(status)
  const address = clientAddress(String(Reflect.get(socket, 'remoteAddress')))
  observeUnread(observers, { status, fault, requestId, address })
  const { body } = datasourcesDialect(publicUrl).faultReply({
    fault,
    requestId,
    body: undefined,
    params: {},
  })
  const text = JSON.stringify(body)
  const head = [
    `HTTP/1.1 ${status} ${phrase}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(text)}`,
    'Cache-Control: no-store',
    `x-request-id: ${requestId}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`)
}

/** True if part of an answer has been sent: another answer would be taken for its continuation. */
function hasBegun(socket: Duplex): boolean {
  const message: unknown = Reflect.get(socket, '_httpMessage')
  return typeof message === 'object' && message !== null && Reflect.get(message, 'headersSent') === true
}

function faultOf(status: number): Fault {
  const said = (message: string) => ({ issues: [{ path: [], code: 'http', message }] })
  if (status === 408) return new Fault('timeout', said('The request did not arrive in time.'))
  if (status === 431 || status === 413) return new Fault('payload_too_large')
  return new Fault('invalid_request', said('This is not a valid HTTP request.'))
}
