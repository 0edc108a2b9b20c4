/**
 * Reads a request's body: media type, size, JSON, in this order. Dialects get the value and parse it with their schemas.
 */
import express from 'express'
import { Fault } from '#shared/fault.ts'
import { jsonStopsAt } from './json-offset.ts'

/** The largest body that a dialect takes, in bytes. */
export const MAX_BODY_BYTES = 65_536

/** The deepest that JSON of a request may be nested. */
export const MAX_DEPTH = 32

/** How much of a body a route takes. */
export interface BodyLimits {
  readonly maxBytes: number
  readonly maxDepth: number
}

const USUAL: BodyLimits = { maxBytes: MAX_BODY_BYTES, maxDepth: MAX_DEPTH }

/** Inflating is off: a small compressed body may be a large one. */
const reader = ({ maxBytes }: BodyLimits) => express.raw({ type: () => true, limit: maxBytes, inflate: false })

/**
 * The JSON value of the body; undefined when there is none. Throws `unsupported_media_type`, `payload_too_large`, and
 * `invalid_json` with the offset at which it stops being JSON.
 */
export async function readBody(
  request: express.Request,
  response: express.Response,
  limits: BodyLimits = USUAL,
): Promise<unknown> {
  if (!hasBody(request)) return undefined
  if (!isJson(request)) throw new Fault('unsupported_media_type')
  const read = reader(limits)
  await new Promise<void>((resolve, reject) => {
    read(request, response, (error?: unknown) => (error === undefined ? resolve() : reject(faultOfReading(error))))
  })
  const bytes: unknown = request.body
  return Buffer.isBuffer(bytes) && bytes.length > 0 ? parse(bytes, limits.maxDepth) : undefined
}

/** The exact text of a body that was read, byte for byte; empty where there was none. */
export function exactText({ body }: { body?: unknown }): string {
  return Buffer.isBuffer(body) ? new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body) : ''
}

/** True when the request announces a body (RFC 9112, 6.3). */
export function hasBody({ headers }: express.Request): boolean {
  const length = headers['content-length']
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
}

/** True when the body is said to be JSON, and in no other encoding than UTF-8. */
export function isJson({ headers }: express.Request): boolean {
  return /^application\/json *(; *charset *= *"?utf-8"? *)?$/i.test(headers['content-type'] ?? '')
}

function faultOfReading(error: unknown): Fault {
  const type: unknown = error instanceof Error ? Reflect.get(error, 'type') : undefined
  if (type === 'entity.too.large') return new Fault('payload_too_large', { headers: { Connection: 'close' } })
  if (type === 'encoding.unsupported') return new Fault('unsupported_media_type', { headers: { Connection: 'close' } })
  return new Fault('invalid_request', { cause: error })
}

function parse(bytes: Buffer, maxDepth: number): unknown {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw notJson(0)
  }
  if (depthOf(text) > maxDepth) throw notJson(0)
  try {
    return JSON.parse(text)
  } catch {
    throw notJson(jsonStopsAt(text))
  }
}

function notJson(offset: number): Fault {
  return new Fault('invalid_json', { issues: [{ path: [offset], code: 'json_invalid', message: 'JSON decode error' }] })
}

/** The deepest nesting of brackets outside strings. A recursive parser or printer would run out of stack on a deep one. */
function depthOf(text: string): number {
  let [depth, deepest, quoted] = [0, 0, false]
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at]
    if (quoted && char === '\\') at += 1
    else if (char === '"') quoted = !quoted
    else if (!quoted && (char === '{' || char === '[')) deepest = Math.max(deepest, ++depth)
    else if (!quoted && (char === '}' || char === ']')) depth -= 1
  }
  return deepest
}
