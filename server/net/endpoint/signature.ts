/**
 * The signature of the endpoint protocol: made for our requests, checked on pushes that a customer signs.
 *
 * It is that of Standard Webhooks but for the key, which is the UTF-8 of the whole string: a `whsec_` prefix is neither
 * stripped nor decoded. Called by `net/endpoint.ts` and by the worker, which alone can open a signing key.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'

/** The signed content. `body` is the exact bytes; a string stands for its UTF-8. */
export interface SignedMessage {
  readonly id: string
  /** Unix seconds in plain decimal digits, as the header has them. */
  readonly timestamp: string
  readonly body: string | Uint8Array
}

/** The result of a check. Only `valid` is to be trusted. */
export type SignatureFinding = 'valid' | 'missing' | 'timestamp_malformed' | 'timestamp_stale' | 'mismatch'

/** The largest difference of the clocks, either way. */
export const MAX_CLOCK_SECONDS = 300

/** More entries than a rotation of several keys has; each costs a comparison to whoever is asked to check. */
const MAX_ENTRIES = 16

/** Unix seconds until the year 33658; no sign, exponent, blank or fraction. */
const SECONDS = /^[0-9]{1,12}$/

function mac(message: SignedMessage, key: string): string {
  // An empty key would be a signature that anybody can make.
  if (key === '') throw new Error('a signing key is empty')
  const hmac = createHmac('sha256', Buffer.from(key, 'utf8'))
  return `v1,${hmac.update(`${message.id}.${message.timestamp}.`, 'utf8').update(message.body).digest('base64')}`
}

/**
 * The value of `webhook-signature`: one entry for each key, in the order given, so that the new key of a rotation comes
 * first and a receiver that holds either accepts.
 */
export function sign(message: SignedMessage, keys: readonly string[]): string {
  if (keys.length === 0) throw new Error('nothing to sign with')
  return keys.map(key => mac(message, key)).join(' ')
}

/** The headers of a signed message, as they arrived; null for one that is absent. */
export interface SignatureHeaders {
  readonly id: string | null
  readonly timestamp: string | null
  readonly signature: string | null
}

/**
 * Checks a signed message against every key that may have made it. Any matching `v1` entry will do, other schemes are
 * passed over. A comparison takes the same time wherever the two differ.
 */
export function checkSignature(
  headers: SignatureHeaders,
  body: Uint8Array,
  against: { readonly keys: readonly string[]; readonly nowSeconds: number },
): SignatureFinding {
  const { id, timestamp, signature } = headers
  if (!id || !timestamp || !signature) return 'missing'
  if (!SECONDS.test(timestamp)) return 'timestamp_malformed'
  if (Math.abs(against.nowSeconds - Number(timestamp)) > MAX_CLOCK_SECONDS) return 'timestamp_stale'
  const entries = signature
    .split(' ')
    .filter(entry => entry.startsWith('v1,'))
    .slice(0, MAX_ENTRIES)
  const right = against.keys.map(key => mac({ id, timestamp, body }, key))
  return right.some(expected => entries.some(entry => isSame(entry, expected))) ? 'valid' : 'mismatch'
}

function isSame(entry: string, expected: string): boolean {
  const given = Buffer.from(entry, 'utf8')
  const wanted = Buffer.from(expected, 'utf8')
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}
