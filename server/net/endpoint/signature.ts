/**
 * The signature of the endpoint protocol: made for our requests, and verified on pushes signed by a customer.
 *
 * It follows Standard Webhooks except for the key, which is the UTF-8 of the whole string: a `whsec_` prefix is neither
 * stripped nor decoded. Called by `net/endpoint.ts` and by the worker, the only one that can open a signing key.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'

/** The signed content. `body` is the exact bytes; a string stands for its UTF-8. */
export interface SignedMessage {
  readonly id: string
  /** Unix seconds in plain decimal digits, as in the header. */
  readonly timestamp: string
  readonly body: string | Uint8Array
}

/** The result of a verification. Trust only `valid`. */
export type SignatureFinding = 'valid' | 'missing' | 'timestamp_malformed' | 'timestamp_stale' | 'mismatch'

/** The maximum difference between the clocks, in either direction. */
export const MAX_CLOCK_SECONDS = 300

/** More entries than a rotation of several keys needs; each costs the verifier a comparison. */
const MAX_ENTRIES = 16

/** Unix seconds until the year 33658; no sign, exponent, blank or fraction. */
const SECONDS = /^[0-9]{1,12}$/

function mac(message: SignedMessage, key: string): string {
  // Anyone could sign with an empty key.
  if (key === '') throw new Error('a signing key is empty')
  const hmac = createHmac('sha256', Buffer.from(key, 'utf8'))
  return `v1,${hmac.update(`${message.id}.${message.timestamp}.`, 'utf8').update(message.body).digest('base64')}`
}

/**
 * The value of `webhook-signature`: one entry for each key, in the given order, so that the new key of a rotation comes
 * first and a receiver that holds either key accepts.
 */
export function sign(message: SignedMessage, keys: readonly string[]): string {
  if (keys.length === 0) throw new Error('nothing to sign with')
  return keys.map(key => mac(message, key)).join(' ')
}

/** The headers of a signed message, as received; null for an absent header. */
export interface SignatureHeaders {
  readonly id: string | null
  readonly timestamp: string | null
  readonly signature: string | null
}

/**
 * Verifies a signed message against every key that may have signed it. Any matching `v1` entry suffices; other schemes
 * are skipped. The comparison takes constant time.
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
