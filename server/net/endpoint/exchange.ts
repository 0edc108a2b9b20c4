/**
 * One HTTP/1.1 POST over an existing connection: no agent, no second connection, no redirect, no proxy, no
 * decompression, and a limited response body.
 *
 * The peer is hostile. Node's strict parser handles the framing; everything that it tolerates and we do not need is
 * rejected here. Called only by `endpoint.ts`, which owns the socket and destroys it.
 */
import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request as startRequest } from 'node:http'
import type { Socket } from 'node:net'
import { SessionError } from '#server/net/socket/session-error.ts'

/** The request to send. `host` is the value of the Host header, with the port unless it is the scheme's default. */
export interface Posted {
  readonly host: string
  /** The path and query, as on the request line. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  readonly maxBytes: number
}

/** The head of an answer, and its body if the status is 200, or 401 with a short body. */
export interface ExchangeReply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer | null
}

/** The limit on the status line and headers together; ours and those of common servers stay below 2 KiB. */
const MAX_HEADER_BYTES = 16_384
/** Interim answers (RFC 9110 §15.2) to skip before the peer counts as stalling. */
const MAX_INTERIM = 8
/** The limit on the body of a 401, which names the reason by a code; anything longer is text for people. */
const MAX_REASON_BYTES = 2_048

/**
 * Sends the request and reads the answer. Returns the headers for any status; reads a body only for a 200 or a short
 * 401.
 *
 * @throws {SessionError} `connection_lost`, `endpoint_answer`, `endpoint_compressed`, `endpoint_too_large`; and
 * `connection_timeout` once `signal` is aborted
 */
export function post(socket: Socket, posted: Posted, signal: AbortSignal): Promise<ExchangeReply> {
  const { promise, resolve, reject } = Promise.withResolvers<ExchangeReply>()
  if (signal.aborted) return Promise.reject(new SessionError('connection_timeout'))
  const expire = () => reject(new SessionError('connection_timeout'))
  const lose = () => reject(new SessionError('connection_lost'))
  signal.addEventListener('abort', expire, { once: true })
  const request = open(socket, posted)
  request.on('error', error => reject(asFailure(error)))
  request.on('close', lose)
  request.on('upgrade', () => reject(new SessionError('endpoint_answer')))
  refuseStalling(request, reject)
  request.on('response', message => {
    // The peer may be gone while the end of its answer is still buffered here.
    request.off('close', lose)
    read(message, posted.maxBytes).then(resolve, reject)
  })
  request.end(posted.body)
  return promise.finally(() => {
    signal.removeEventListener('abort', expire)
    request.destroy()
  })
}

function open(socket: Socket, posted: Posted): ClientRequest {
  return startRequest({
    method: 'POST',
    path: posted.path,
    // `agent: false` would create an agent, and an agent dials by itself. Without one, this socket is the only
    // connection.
    createConnection: () => socket,
    setHost: false,
    insecureHTTPParser: false,
    maxHeaderSize: MAX_HEADER_BYTES,
    headers: {
      host: posted.host,
      connection: 'close',
      'content-length': String(posted.body.length),
      'accept-encoding': 'identity',
      ...posted.headers,
    },
  })
}

function refuseStalling(request: ClientRequest, reject: (error: SessionError) => void): void {
  let interim = 0
  request.on('information', () => {
    interim += 1
    if (interim > MAX_INTERIM) reject(new SessionError('endpoint_answer'))
  })
}

async function read(message: IncomingMessage, maxBytes: number): Promise<ExchangeReply> {
  const { statusCode: status = 0, headers } = message
  // Destroying a message that was not read to its end emits an error, which would have no listener.
  message.on('error', () => {})
  if (status === 401) return { status, headers, body: await readReason(message) }
  if (status !== 200) return { status, headers, body: null }
  refuseCoding(headers)
  if (Number(headers['content-length'] ?? 0) > maxBytes) throw new SessionError('endpoint_too_large')
  return { status, headers, body: await readBody(message, maxBytes) }
}

/** The body of a refusal; null if it is long, encoded or truncated: it only affects the advice. */
async function readReason(message: IncomingMessage): Promise<Buffer | null> {
  try {
    refuseCoding(message.headers)
    return await readBody(message, MAX_REASON_BYTES)
  } catch (thrown) {
    if (thrown instanceof SessionError) return null
    throw thrown
  }
}

/**
 * Node reads `Transfer-Encoding: xchunked` to the end of the connection; a compressed body may be a decompression bomb.
 */
function refuseCoding(headers: IncomingHttpHeaders): void {
  const transfer = headers['transfer-encoding']
  if (transfer !== undefined && transfer.toLowerCase() !== 'chunked') throw new SessionError('endpoint_answer')
  const content = headers['content-encoding']
  if (content !== undefined && content.toLowerCase() !== 'identity') throw new SessionError('endpoint_compressed')
}

async function readBody(message: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let have = 0
  try {
    // Sound: without an encoding set, chunks are buffers.
    for await (const chunk of message as AsyncIterable<Buffer>) {
      have += chunk.length
      if (have > maxBytes) throw new SessionError('endpoint_too_large')
      chunks.push(chunk)
    }
  } catch (error) {
    throw error instanceof SessionError ? error : new SessionError('connection_lost')
  }
  if (!message.complete) throw new SessionError('connection_lost')
  return Buffer.concat(chunks, have)
}

function asFailure(error: Error): SessionError {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (code === 'HPE_HEADER_OVERFLOW' || code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') {
    return new SessionError('endpoint_too_large')
  }
  return new SessionError(code.startsWith('HPE_') ? 'endpoint_answer' : 'connection_lost')
}
