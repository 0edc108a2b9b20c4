/**
 * The description of a request's body in its headers, before any of it is read.
 */
import type express from 'express'

/** So much of a body that nobody asked for is passed over; a larger one ends the connection. */
const MAX_IGNORED_BYTES = 65_536

/** True when the request announces a body (RFC 9112, 6.3). */
export function hasBody({ headers }: express.Request): boolean {
  const length = headers['content-length']
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
}

/**
 * True when the body is said to be JSON, whatever parameters follow: the media type has none, and JSON between systems is
 * UTF-8 (RFC 8259, 8.1 and 11), which is what it is read as in any case.
 */
export function isJson({ headers }: express.Request): boolean {
  return /^application\/(json|[a-z0-9!#$&^_.+-]+\+json)[ \t]*(;|$)/i.test(headers['content-type'] ?? '')
}

/** For a route that takes no body: one that comes all the same is not read, and ends the connection where it is large. */
export function closeAfter(request: express.Request, response: express.Response): void {
  const { 'content-length': length = '0', 'transfer-encoding': coding } = request.headers
  if (coding !== undefined || Number(length) > MAX_IGNORED_BYTES) response.set('Connection', 'close')
}
