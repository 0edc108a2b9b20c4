/**
 * The check of a signed request, on the customer's side. Web Crypto and nothing else.
 *
 * It must be given the exact bytes that came: JSON that was parsed and written again is another text. Used by
 * `endpoint-answer.ts`, and by customers with a server of their own.
 */

/** Why a request is refused: the status, and the body `{ error, message }`. */
export interface Rejection {
  readonly status: number
  readonly error: string
  readonly message: string
}

/** Gives a header by its lower-case name; null where it is absent. */
export type HeaderReader = (name: string) => string | null

/** The largest difference of the clocks, either way. */
const MAX_CLOCK_SECONDS = 300
/** More entries than there are keys in any rotation. */
const MAX_ENTRIES = 16

/**
 * Checks `webhook-id`, `webhook-timestamp` and `webhook-signature` over the exact bytes of the body. Null when one of
 * the `v1` entries is right; else a 401 with a `source_*` code. Other schemes are passed over, clocks may be 300 s apart.
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
    : unsigned('source_signature_invalid', 'No signature of the request is right.')
}

/** `subtle.verify` compares in constant time; the key is the string's UTF-8, a `whsec_` prefix included. */
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
