/**
 * Cross-origin requests: off, until the installation names the origins whose pages may call it. Keys travel in headers and
 * never in cookies, so no answer ever allows credentials.
 */
import cors from 'cors'
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

/** Answers preflights from `origins`, and marks answers to them as readable. Not mounted where no origin is named. */
export function crossOrigin(origins: readonly string[]): express.Handler {
  const allow = cors({
    origin: [...origins],
    methods: ['GET', 'HEAD', 'POST', 'DELETE'],
    allowedHeaders: REQUEST_HEADERS,
    exposedHeaders: ANSWER_HEADERS,
    maxAge: PREFLIGHT_SECONDS,
  })
  return (request, response, next) => {
    // Any other OPTIONS is a method like the rest: 405, with Allow.
    const isPreflight = request.headers['access-control-request-method'] !== undefined
    const isAllowed = origins.includes(request.headers.origin ?? '')
    if (request.method !== 'OPTIONS' || (isPreflight && isAllowed)) return allow(request, response, next)
    response.vary('Origin')
    next()
  }
}
