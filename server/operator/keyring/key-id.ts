/**
 * Names of new keys in keyrings. The commands that create keys call it; a name distinguishes keys and reveals nothing
 * about them.
 */
import { randomBytes } from 'node:crypto'

/** An id such as `master-1f3a9c02`: the kind, and enough randomness to distinguish keys. */
export function newKeyId(kind: string): string {
  return `${kind}-${randomBytes(4).toString('hex')}`
}
