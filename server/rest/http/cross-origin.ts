/**
 * Cross-origin requests: off, until the installation names the origins whose pages may call it. Keys travel in headers and
 * never in cookies, so no answer ever allows credentials.
 */
import type express from 'express'

const REQUEST_HEADERS = [
  'Authorization',
  'X-API-Key',
  'Content-Type',
  'Idempotency-Key',
  'If-None-Match',
  'Last-Event-Id',
  'Prefer',
  'X-Request-Id',
]
const ANSWER_HEADERS = [
  'Allow',
  'ETag',
  'Idempotent-Replayed',
  'Link',
  'Preference-Applied',
  'RateLimit',
  'RateLimit-Policy',
  'RateLimit-Limit',
  'RateLimit-Remaining',
  'RateLimit-Reset',
  'Retry-After',
  'X-Request-Id',
]
const PREFLIGHT_SECONDS = 600
const READABLE = { 'Access-Control-Expose-Headers': ANSWER_HEADERS.join(',') }
const PREFLIGHT = {
  'Access-Control-Allow-Methods': 'GET,HEAD,POST,PATCH,DELETE',
  'Access-Control-Allow-Headers': REQUEST_HEADERS.join(','),
  'Access-Control-Max-Age': String(PREFLIGHT_SECONDS),
}

/** Answers preflights from `origins`, and marks answers to them as readable. Not mounted if no origin is configured. */
export function crossOrigin(origins: readonly string[]): express.Handler {
  return (request, response, next) => {
    const { origin = '' } = request.headers
    const isAllowed = origins.includes(origin)
    response.vary('Origin')
    if (isAllowed) response.set({ 'Access-Control-Allow-Origin': origin, ...READABLE })
    // Any other OPTIONS request is treated like any other method: 405, with Allow.
    const isPreflight = request.headers['access-control-request-method'] !== undefined
    if (request.method !== 'OPTIONS' || !isPreflight || !isAllowed) return next()
    response.status(204).set(PREFLIGHT).end()
  }
}
