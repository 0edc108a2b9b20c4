/**
 * The texts that are signed. Each begins with its purpose and names organization, row and version, so that no signature
 * (and so no box) can be moved to another place; lengths are explicit, so that no two lists of fields give one text.
 */

/** What a signature can be for. */
export type SignedPurpose = 'credential' | 'task' | 'organization-key' | 'lease-grant' | 'verdict'

/** The bytes to sign: purpose and fields, each with its length before it. */
export function signedText(purpose: SignedPurpose, fields: readonly (string | number | Uint8Array)[]): Uint8Array {
  const parts = [purpose, ...fields].flatMap(field => {
    const bytes = field instanceof Uint8Array ? Buffer.from(field) : Buffer.from(String(field), 'utf8')
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    return [length, bytes]
  })
  return Buffer.concat([Buffer.from('mooring/1\n'), ...parts])
}
