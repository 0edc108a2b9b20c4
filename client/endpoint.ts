/**
 * The endpoint for customers: hosts a signed endpoint in a few lines, on Express, Hono, plain `fetch` or `node:http`.
 *
 * It needs only Web Crypto, so it runs wherever `fetch` does: Node, Deno, Bun, workers. `examples/` has endpoints that
 * run as they are.
 */
import { answerCall, type EndpointOptions, type IncomingCall } from '#client/endpoint/endpoint-answer.ts'
import { verifyRequest } from '#client/endpoint/endpoint-signature.ts'
import { OUTBOX_SQL, outboxEvents } from '#client/endpoint/outbox.ts'

// Customers import everything from here: also the signature check, for their own servers, and the outbox.
export { OUTBOX_SQL, outboxEvents, verifyRequest }

/**
 * Creates an endpoint for any server based on `fetch`: `Deno.serve(endpoint)`, `export default { fetch: endpoint }`, or
 * in Hono `app.all('/mooring', c => endpoint(c.req.raw))`. It never rejects.
 *
 * @throws {TypeError} for an empty signing key, with which anybody could sign
 */
export function createEndpoint(options: EndpointOptions): (request: Request) => Promise<Response> {
  refuseEmptyKey(options)
  return async request => {
    const header = (name: string) => request.headers.get(name)
    const read = (maxBytes: number) => readAll(request.body ?? [], maxBytes)
    const { body, ...head } = await answerCall({ method: request.method, header, read }, options)
    return new Response(body, head)
  }
}

/** The part of a `node:http` or Express request that is needed. */
export interface ListenerRequest extends AsyncIterable<Uint8Array> {
  readonly method?: string | undefined
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Set if a body parser ran before. */
  readonly body?: unknown
}

/** The part of a `node:http` or Express response that is needed. */
export interface ListenerResponse {
  writeHead(status: number, headers: Record<string, string>): unknown
  end(body: string): unknown
}

/**
 * Creates an endpoint for `node:http` and Express: `app.all('/mooring', createListener({ … }))`. It never rejects.
 *
 * The signature covers the exact bytes, so in Express register it before `express.json()`, or after `express.raw()`. A
 * body that was already parsed is answered with 500, and `onError` is called.
 *
 * @throws {TypeError} for an empty signing key
 */
export function createListener(
  options: EndpointOptions,
): (request: ListenerRequest, response: ListenerResponse) => Promise<void> {
  refuseEmptyKey(options)
  return async (request, response) => {
    const header = (name: string) => [request.headers[name] ?? []].flat()[0] ?? null
    const { status, headers, body } = await answerCall(
      { method: request.method ?? '', header, read: bodyOf(request) },
      options,
    )
    // An unread rest of the body would be taken for the next request on the connection.
    response.writeHead(status, status === 413 ? { ...headers, connection: 'close' } : { ...headers })
    response.end(body)
  }
}

function bodyOf(request: ListenerRequest): IncomingCall['read'] {
  const { body } = request
  if (body instanceof Uint8Array) return async maxBytes => (body.length > maxBytes ? null : body)
  if (body === undefined) return maxBytes => readAll(request, maxBytes)
  return async () => {
    throw new Error('the body was parsed before its signature could be checked: mount the endpoint before the parser')
  }
}

function refuseEmptyKey(options: EndpointOptions): void {
  if (options.signingKey === '') throw new TypeError('the signing key is empty')
}

/** Reads the body to its end; returns null if it exceeds `maxBytes`. */
async function readAll(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array | null> {
  const parts: Uint8Array[] = []
  let have = 0
  for await (const chunk of chunks) {
    have += chunk.length
    if (have > maxBytes) return null
    parts.push(chunk)
  }
  const whole = new Uint8Array(have)
  parts.reduce((at, part) => {
    whole.set(part, at)
    return at + part.length
  }, 0)
  return whole
}
