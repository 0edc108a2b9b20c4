/**
 * Interprets an answer to a signed request: the failure that its status means, when to retry, the offset of its clock,
 * and the text of a 200.
 *
 * Of the stranger's text, only numbers and the bounded body of a 200 leave this file. Called by `endpoint.ts`.
 */
import { MAX_JSON_DEPTH } from '#server/domain/feeds/feed-page.ts'
import { isDeeperThan } from '#server/domain/feeds/json-text.ts'
import { SessionError } from '#server/net/socket/session-error.ts'
import type { FailureCode } from '#shared/faults/failure.ts'
import type { ExchangeReply } from './exchange.ts'

/**
 * Statuses that ask for a later retry (RFC 9110 §15.5.9, RFC 8470, RFC 6585 §4); any other 4xx means that the request
 * is wrong.
 */
const PATIENCE = new Set([408, 425, 429])

/** The reasons for which a handler refuses a signature, from the closed list of the endpoint protocol. */
const REASONS: ReadonlyMap<unknown, FailureCode> = new Map<unknown, FailureCode>([
  ['source_timestamp_expired', 'endpoint_clock'],
  ['source_signature_invalid', 'endpoint_key_differs'],
  ['source_api_key_missing', 'endpoint_keyless'],
])

/**
 * The failure that an answer means; null for a 200. For a 401, only three known codes are recognised; no text is kept.
 */
export function refusalOf(reply: ExchangeReply): FailureCode | null {
  const failure = statusFailure(reply.status)
  if (failure !== 'signature_refused' || reply.body === null) return failure
  const text = decode(reply.body)
  if (text === null || isDeeperThan(text, MAX_REASON_DEPTH)) return failure
  return REASONS.get(codeIn(text)) ?? failure
}

const MAX_REASON_DEPTH = 8

function codeIn(text: string): unknown {
  try {
    const answer: unknown = JSON.parse(text)
    return typeof answer === 'object' && answer !== null ? Reflect.get(answer, 'error') : undefined
  } catch {
    return undefined
  }
}

/** The failure that a status means; null for 200. */
function statusFailure(status: number): FailureCode | null {
  if (status === 200) return null
  if (status >= 300 && status < 400) return 'redirect_refused'
  if (status === 401) return 'signature_refused'
  return status >= 500 || PATIENCE.has(status) ? 'endpoint_failing' : 'endpoint_status'
}

/**
 * The body of a 200 as text, within the nesting limit.
 *
 * @throws {SessionError} `endpoint_answer` for bytes that are not UTF-8, and for nesting beyond the limit
 */
export function replyText(reply: ExchangeReply): string {
  const text = decode(reply.body ?? Buffer.alloc(0))
  if (text === null || isDeeperThan(text, MAX_JSON_DEPTH)) throw new SessionError('endpoint_answer')
  return text
}

function decode(body: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    return null
  }
}

/** The one date format that HTTP still allows senders (RFC 9110 §5.6.7); `Date.parse` alone accepts "-5" as a date. */
const DATE = /^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$/

/** `Retry-After` in seconds from now, from seconds or a date (RFC 9110 §10.2.3). Null if it is neither. Not bounded. */
export function retryAfterSeconds(reply: ExchangeReply, nowSeconds: number): number | null {
  const value = reply.headers['retry-after'] ?? ''
  if (/^[0-9]{1,9}$/.test(value)) return Number(value)
  const at = secondsOf(value)
  return at === null ? null : Math.max(0, Math.ceil(at - nowSeconds))
}

/**
 * The number of seconds by which the peer's clock is ahead of this machine's, according to its `Date` header; null without one.
 */
export function clockOffsetSeconds(reply: ExchangeReply, nowSeconds: number): number | null {
  const at = secondsOf(reply.headers.date ?? '')
  return at === null ? null : Math.round(at - nowSeconds)
}

function secondsOf(date: string): number | null {
  const atMs = DATE.test(date) ? Date.parse(date) : Number.NaN
  return Number.isNaN(atMs) ? null : atMs / 1_000
}
