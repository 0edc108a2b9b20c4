/**
 * The texts that are signed. Each begins with its purpose and names organization, row and version, so that no signature
 * (and so no box) can be moved to another place; lengths are explicit, so that no two lists of fields give one text.
 */
import { signedBytes } from '#shared/base/signed-text.ts'

/** What a signature can be for. */
export type SignedPurpose = 'credential' | 'task' | 'organization-key' | 'lease-grant' | 'verdict' | 'lease'

/** The bytes to sign: purpose and fields, each with its length before it. */
export function signedText(purpose: SignedPurpose, fields: readonly (string | number | Uint8Array)[]): Uint8Array {
  return signedBytes([purpose, ...fields])
}
