/**
 * The signed texts: `mooring/1`, a newline, and each field with its length before it. Each begins with its purpose and
 * names organization, row and version, so that no signature (and so no box) can be moved elsewhere. The server signs
 * them and holders of leases verify them, so that both use this file.
 */

const PREFIX = 'mooring/1\n'
const LENGTH_BYTES = 4

/** The purposes of a signature. */
export type SignedPurpose = 'credential' | 'task' | 'organization-key' | 'lease-grant' | 'verdict' | 'lease'

/**
 * Encodes purpose and fields, each as its length (unsigned 32-bit, big-endian) and its bytes; text as UTF-8, a number as its
 * decimal digits. Explicit lengths keep two lists of fields from giving one text.
 */
export function signedText(
  purpose: SignedPurpose,
  fields: readonly (string | number | Uint8Array)[],
): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder()
  const encoded = [purpose, ...fields].map(field =>
    field instanceof Uint8Array ? field : encoder.encode(String(field)),
  )
  const total = encoded.reduce((sum, field) => sum + LENGTH_BYTES + field.length, PREFIX.length)
  const bytes = new Uint8Array(total)
  const view = new DataView(bytes.buffer)
  bytes.set(encoder.encode(PREFIX))
  let at = PREFIX.length
  for (const field of encoded) {
    view.setUint32(at, field.length)
    bytes.set(field, at + LENGTH_BYTES)
    at += LENGTH_BYTES + field.length
  }
  return bytes
}

/** The bytes that a lease's signatures cover: the purpose `lease` and the JSON text as sealed. */
export function leaseBytes(lease: string): Uint8Array<ArrayBuffer> {
  return signedText('lease', [lease])
}
