/**
 * The public key to which callers seal connection strings. Sealing is libsodium's `crypto_box_seal` over the string's
 * UTF-8 bytes, encoded as base64 in the standard alphabet: the format of GitHub's API for Actions secrets.
 */
import { z } from 'zod'

/** An organization's current X25519 public key, base64 of its 32 bytes. Send `keyId` along with a box sealed to it. */
export const SealingKey = z.object({ keyId: z.uuid(), key: z.base64() })
export type SealingKey = z.output<typeof SealingKey>
