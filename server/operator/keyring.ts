/**
 * Names of new keys in keyrings.
 * The commands that make keys call it; a name tells keys apart and says nothing of them.
 */
import { randomBytes } from 'node:crypto'

/** An id such as `master-1f3a9c02`: the kind, and enough randomness to tell keys apart. */
export function newKeyId(kind: string): string {
  return `${kind}-${randomBytes(4).toString('hex')}`
}
