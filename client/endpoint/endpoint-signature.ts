/**
 * Verifies a signed request on the customer's side, using only Web Crypto.
 *
 * It needs the exact bytes that were received: JSON that was parsed and serialized again is a different text. Used by
 * `endpoint-answer.ts`, and by customers with servers of their own.
 */

/** The reason for refusing a request: the status, and the JSON body `{ error, message }` with a `source_*` code. */
export interface Rejection {
  readonly status: number
  readonly error: string
  readonly message: string
}

/** Returns a header by its lower-case name; null if it is absent. */
export type HeaderReader = (name: string) => string | null

/** The maximum difference between the clocks, in either direction. */
const MAX_CLOCK_SECONDS = 300
/** More entries than any key rotation has keys. */
const MAX_ENTRIES = 16

/**
 * Verifies `webhook-id`, `webhook-timestamp` and `webhook-signature` (Standard Webhooks, HMAC-SHA256) over the exact
 * bytes of the body. Returns null if one of the `v1` entries is valid, otherwise a 401 with a `source_*` code. Other
 * schemes are ignored; clocks may differ by 300 s. `nowSeconds` is Unix time. Rejects only if Web Crypto refuses the
 * key, for example because it is empty.
 */
export async function verifyRequest(
  header: HeaderReader,
  body: Uint8Array,
  trust: { readonly signingKey: string; readonly nowSeconds: number },
): Promise<Rejection | null> {
  const [id, timestamp, signature] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map(header)
  if (!id || !timestamp || !signature) return unsigned('source_signature_missing', 'The request is not signed.')
  if (!/^[0-9]{1,12}$/.test(timestamp)) {
    return unsigned('source_timestamp_invalid', 'webhook-timestamp is not Unix seconds.')
  }
  if (Math.abs(trust.nowSeconds - Number(timestamp)) > MAX_CLOCK_SECONDS) {
    return unsigned('source_timestamp_expired', 'webhook-timestamp is more than 300 s from the clock here.')
  }
  const signed = join(new TextEncoder().encode(`${id}.${timestamp}.`), body)
  return (await isSignedBy(trust.signingKey, signed, signature))
    ? null
    : unsigned('source_signature_invalid', 'No signature of the request is valid.')
}

/** `subtle.verify` compares in constant time. The key is the UTF-8 of the string, including a `whsec_` prefix. */
async function isSignedBy(signingKey: string, signed: Uint8Array<ArrayBuffer>, signature: string): Promise<boolean> {
  const raw = new TextEncoder().encode(signingKey)
  const key = await crypto.subtle.importKey('raw', raw, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify'])
  const entries = signature.split(' ').filter(entry => /^v1,[A-Za-z0-9+/]{43}=$/.test(entry))
  for (const entry of entries.slice(0, MAX_ENTRIES)) {
    const mac = Uint8Array.from(atob(entry.slice(3)), letter => letter.charCodeAt(0))
    if (await crypto.subtle.verify('HMAC', key, mac, signed)) return true
  }
  return false
}

function unsigned(error: string, message: string): Rejection {
  return { status: 401, error, message }
}

function join(head: Uint8Array, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(head.length + body.length)
  whole.set(head)
  whole.set(body, head.length)
  return whole
}
