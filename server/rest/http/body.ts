/**
 * Reads a request's body: media type, size, JSON, in this order. Dialects get the value and parse it with their
 * schemas. The headers decide first whether the body is refused unread.
 */
import type express from 'express'
import { isDeeperThan } from '#server/domain/feeds/json-text.ts'
import type { BodyLimits } from '#server/rest/dialect.ts'
import { Fault } from '#shared/faults/fault.ts'
import { jsonError } from './json-offset.ts'

/** The largest body that a dialect accepts, in bytes. */
export const MAX_BODY_BYTES = 65_536

/** Deeper than any field needs; code that prints or traverses a value is recursive. */
export const MAX_DEPTH = 128

/** The size up to which an unwanted body is read and discarded; a larger one ends the connection. */
const MAX_IGNORED_BYTES = 65_536

const USUAL: BodyLimits = { maxBytes: MAX_BODY_BYTES, maxDepth: MAX_DEPTH }

/**
 * The JSON value of the body; undefined if there is none. Throws `unsupported_media_type`, `payload_too_large`, and
 * `invalid_json` with the offset at which it stops being JSON.
 */
export async function readBody(request: express.Request, limits: BodyLimits = USUAL): Promise<unknown> {
  const bytes = await readBytes(request, limits)
  return bytes === undefined ? undefined : parse(bytes, limits.maxDepth)
}

/** The bytes of the body; undefined if there are none. Throws `unsupported_media_type`, `payload_too_large`. */
export async function readBytes(
  request: express.Request,
  limits: Pick<BodyLimits, 'maxBytes'>,
): Promise<Buffer | undefined> {
  if (!hasBody(request)) return undefined
  if (!isJson(request)) throw new Fault('unsupported_media_type')
  const bytes = await collected(request, limits.maxBytes)
  request.body = bytes
  return bytes.length > 0 ? bytes : undefined
}

/**
 * All bytes of a body. One that is too large, or compressed, and thus possibly large, is read to its end before it is
 * refused: a client that is still sending would not read the refusal.
 */
function collected(request: express.Request, maxBytes: number): Promise<Buffer> {
  const isPlain = /^identity$/i.test(request.headers['content-encoding'] ?? 'identity')
  // It usually arrives with the head, and is here by the time that its caller is known: one read in place of four events.
  if (isPlain && request.complete && !request.destroyed && request.readableLength <= maxBytes) {
    const whole: unknown = request.read()
    return Promise.resolve(Buffer.isBuffer(whole) ? whole : Buffer.alloc(0))
  }
  const chunks: Buffer[] = []
  let left = maxBytes - Math.max(0, Number(request.headers['content-length'] ?? 0) - maxBytes)
  return new Promise((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      left -= chunk.length
      if (left >= 0 && isPlain) chunks.push(chunk)
    })
    const aborted = () => reject(new Fault('invalid_request'))
    request.once('end', () => {
      request.off('close', aborted)
      if (!isPlain) reject(new Fault('unsupported_media_type', CLOSES))
      else if (left < 0) reject(new Fault('payload_too_large', CLOSES))
      else resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks))
    })
    request.once('close', aborted)
    request.once('error', cause => reject(new Fault('invalid_request', { cause })))
  })
}

const CLOSES = { headers: { Connection: 'close' } }

/** The exact text of a body that was read, byte for byte; empty if there was none. */
export function exactText({ body }: { body?: unknown }): string {
  return Buffer.isBuffer(body) ? new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body) : ''
}

/**
 * Parses first, which V8 does iteratively at any depth: a text nested too deep is valid JSON, and refused only
 * afterwards.
 */
function parse(bytes: Buffer, maxDepth: number): unknown {
  const text = decodeText(bytes)
  const value = parsed(text)
  // Each level has a bracket at both ends.
  if (text.length <= 2 * maxDepth || !isDeeperThan(text, maxDepth)) return value
  const message = `The body is nested more than ${maxDepth} levels deep.`
  throw new Fault('invalid_body', { issues: [{ path: [], code: 'too_deep', message }] })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Never null: both parsers reject the same texts.
    const { offset, message } = jsonError(text) ?? { offset: 0, message: VALUE }
    throw notJson(offset, message)
  }
}

const VALUE = 'Expecting value'

const UTF8 = new TextDecoder('utf-8', { fatal: true })

/** Removes a BOM, as CPython does. Throws `invalid_json` with the offset of the first invalid UTF-8 bytes. */
export function decodeText(bytes: Buffer): string {
  try {
    return UTF8.decode(bytes)
  } catch {
    throw notJson(wellFormed(bytes), VALUE)
  }
}

/** The number of characters before the first invalid UTF-8 bytes. */
function wellFormed(bytes: Buffer): number {
  const text = new TextDecoder('utf-8').decode(bytes)
  let at = bytes.subarray(0, 3).equals(BOM) ? 3 : 0
  let offset = 0
  // U+FFFD marks where the decoder gave up, unless these very bytes encode it.
  for (const character of text) {
    const isLiteral = character !== '\ufffd' || bytes.subarray(at, at + 3).equals(REPLACEMENT)
    if (!isLiteral) break
    at += Buffer.byteLength(character)
    offset += 1
  }
  return offset
}

const BOM = Buffer.from('\ufeff')
const REPLACEMENT = Buffer.from('\ufffd')

function notJson(offset: number, error: string): Fault {
  const issue = { path: [offset], code: 'json_invalid', message: 'JSON decode error', ctx: { error } }
  return new Fault('invalid_json', { issues: [issue] })
}

/** True if the request announces a body (RFC 9112, 6.3). */
function hasBody({ headers }: express.Request): boolean {
  const length = headers['content-length']
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
}

/**
 * True if the body is declared as JSON, whatever parameters follow: the media type has none, and JSON between systems
 * is UTF-8 (RFC 8259, 8.1 and 11), which is how it is read in any case.
 */
function isJson({ headers }: express.Request): boolean {
  return /^application\/(json|[a-z0-9!#$&^_.+-]+\+json)[ \t]*(;|$)/i.test(headers['content-type'] ?? '')
}

/** True for a body that is not declared as JSON. */
export function isForeign(request: express.Request): boolean {
  return hasBody(request) && !isJson(request)
}

/** For a route that accepts no body: an unwanted body is not read, and ends the connection if it is large. */
export function closeAfter(request: express.Request, response: express.Response): void {
  const { 'content-length': length = '0', 'transfer-encoding': coding } = request.headers
  if (coding !== undefined || Number(length) > MAX_IGNORED_BYTES) response.set('Connection', 'close')
}
