/**
 * Answers a signed request, whichever server received it: the order of the checks, and the page of events.
 *
 * No byte of a body is trusted before its signature is verified, and the text of an error is never sent. Called by
 * `endpoint.ts`.
 */
import { type HeaderReader, type Rejection, verifyRequest } from './endpoint-signature.ts'

/** One change of an entity. */
export interface OutgoingEvent {
  /** Unique in the feed. It stays the same each time the event is returned, so that Mooring stores it once. */
  readonly id: string
  /** The kind of entity, such as `order`. */
  readonly model: string
  readonly entityId: string
  readonly type: 'CREATE' | 'UPDATE' | 'DELETE' | 'ARCHIVE' | 'UNARCHIVE'
  /** Any JSON value; stored and returned unchanged. */
  readonly data?: unknown
  /** Your own organization, if you have several. */
  readonly organizationId?: string
  /** The id of your own transaction. */
  readonly clientTxId?: string
  /** Milliseconds since 1970. */
  readonly occurredAt?: number
}

/**
 * A page of at most `limit` events, oldest first, of at most 1 MiB as JSON. `nextCursor` is the opaque position after
 * its last event; omit it from an empty page.
 */
export interface OutgoingPage {
  readonly events: readonly OutgoingEvent[]
  readonly nextCursor?: string
}

/**
 * Returns the events after a cursor, at most `limit` (1 to 1,000); the cursor null means from the beginning. Returns
 * null for a cursor that it never issued, which is answered with 400. If it rejects, the answer is a 500.
 */
export type EventSource = (after: { cursor: string | null; limit: number }) => Promise<OutgoingPage | null>

/** The options of an endpoint. */
export interface EndpointOptions {
  /** The whole signing key, exactly as it was registered, including a `whsec_` prefix. Its UTF-8 bytes are the HMAC key. */
  readonly signingKey: string
  readonly events: EventSource
  /** Called with anything that `events` throws; the answer is a 500 without its text. */
  readonly onError?: (error: unknown) => void
  /** Returns Unix seconds; the system's clock by default. */
  readonly nowSeconds?: () => number
}

/** A request from any server. `read` returns null for a body longer than `maxBytes`. */
export interface IncomingCall {
  readonly method: string
  readonly header: HeaderReader
  readonly read: (maxBytes: number) => Promise<Uint8Array | null>
}

/** The response: a JSON text, and an `allow` header with a 405. */
export interface OutgoingAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const MAX_BODY_BYTES = 1_048_576
const MAX_LIMIT = 1_000

/**
 * Answers a call with 405 unless it is a POST, 400 if the body is not JSON, 401 if the signature is wrong, in this
 * order; otherwise with the events. Never throws.
 */
export async function answerCall(call: IncomingCall, options: EndpointOptions): Promise<OutgoingAnswer> {
  try {
    return toAnswer(await decide(call, options))
  } catch (error) {
    options.onError?.(error)
    return toAnswer(reject(500, 'source_failed', 'The events could not be read.'))
  }
}

async function decide(call: IncomingCall, options: EndpointOptions): Promise<Rejection | OutgoingPage> {
  if (call.method !== 'POST') return reject(405, 'source_method_not_allowed', 'Send a POST request.')
  const body = declaresTooMuch(call) ? null : await call.read(MAX_BODY_BYTES)
  if (body === null) return reject(413, 'source_body_too_large', 'The body is larger than 1 MiB.')
  const asked = parse(body)
  if (asked === undefined) return reject(400, 'source_invalid_json', 'The body is not JSON.')
  const nowSeconds = options.nowSeconds?.() ?? Date.now() / 1_000
  const rejection = await verifyRequest(call.header, body, { signingKey: options.signingKey, nowSeconds })
  return rejection ?? (await pageFor(asked, options.events))
}

/** Refuses before reading, so that the refusal reaches a client that is still sending. */
function declaresTooMuch(call: IncomingCall): boolean {
  return Number(call.header('content-length') ?? 0) > MAX_BODY_BYTES
}

async function pageFor(asked: unknown, events: EventSource): Promise<Rejection | OutgoingPage> {
  const { type, cursor = null, limit = MAX_LIMIT } = Object(asked) as Record<string, unknown> // any JSON value; absent fields are undefined
  if (type !== 'events') return reject(400, 'source_type_unsupported', 'Only requests of type "events" are answered.')
  if (cursor !== null && typeof cursor !== 'string') {
    return reject(400, 'source_cursor_invalid', 'The cursor is not a string.')
  }
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1) {
    return reject(400, 'source_limit_invalid', 'The limit is not a positive integer.')
  }
  const page = await events({ cursor, limit: Math.min(limit, MAX_LIMIT) })
  return page ?? reject(400, 'source_cursor_invalid', 'The cursor was not issued here.')
}

function toAnswer(outcome: Rejection | OutgoingPage): OutgoingAnswer {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  if ('events' in outcome) return { status: 200, headers, body: JSON.stringify(outcome) }
  const { status, error, message } = outcome
  const body = JSON.stringify({ error, message })
  return { status, headers: status === 405 ? { ...headers, allow: 'POST' } : headers, body }
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    return undefined
  }
}

function reject(status: number, error: string, message: string): Rejection {
  return { status, error, message }
}
