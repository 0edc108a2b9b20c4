/**
 * The texts that signatures cover: `mooring/1`, a newline, and each field preceded by its length. Each text begins with
 * its purpose and names the organization, row and version, so a signature (and with it a box) cannot be moved
 * elsewhere. The server signs these texts and lease holders verify them, so both use this file.
 */

const PREFIX = 'mooring/1\n'
const LENGTH_BYTES = 4

/** The purpose of a signature, which is the first field of the signed text. */
export type SignedPurpose = 'credential' | 'task' | 'organization-key' | 'lease-grant' | 'verdict' | 'lease'

/**
 * Encodes the purpose and the fields, each as its length (unsigned 32-bit, big-endian) followed by its bytes: text as
 * UTF-8, a number as decimal digits. Explicit lengths ensure that two different lists of fields never give the same
 * text.
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

/** The bytes that the signatures of a lease cover: the purpose `lease` and the JSON text exactly as it was sealed. */
export function leaseBytes(lease: string): Uint8Array<ArrayBuffer> {
  return signedText('lease', [lease])
}
