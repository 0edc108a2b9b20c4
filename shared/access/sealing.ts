/**
 * The public key that callers seal connection strings to, as it is handed out. Sealing is libsodium's `crypto_box_seal`
 * over the string's UTF-8 bytes, base64 in the standard alphabet: what GitHub's API for Actions secrets takes.
 */
import { z } from 'zod'

/** An organization's current X25519 public key, base64 of its 32 bytes. `keyId` goes back with what is sealed to it. */
export const SealingKey = z.object({ keyId: z.uuid(), key: z.base64() })
export type SealingKey = z.output<typeof SealingKey>
