/**
 * API keys and capabilities: their textual shape and what they may be granted.
 *
 * A token is `sk_live_`, `sk_test_`, `rk_live_` or `rk_test_`, 30 random base62 characters, and 6 of checksum: CRC-32
 * (IEEE) of everything before it in base62, left-padded with `0`, so that a mistyped one is told apart without a look-up.
 */
import { z } from 'zod'
import { idOf, Mode, storableText, Timestamp } from './wire.ts'

/** What a capability may name. */
export const OPERATIONS = [
  'datasources.read',
  'datasources.create',
  'datasources.update',
  'datasources.remove',
  'datasources.introspect',
  'datasources.lease',
  'feeds.read',
  'feeds.write',
] as const
export const Operation = z.enum(OPERATIONS)
export type Operation = z.infer<typeof Operation>

/** What an API key may have: every operation, and the organization's own affairs. */
export const Scope = z.enum([...OPERATIONS, 'organization.read', 'organization.write'])
export type Scope = z.infer<typeof Scope>

/** A new key has every scope but `datasources.lease`, which only an operator's command grants. */
export const DEFAULT_SCOPES: readonly Scope[] = Scope.options.filter(scope => scope !== 'datasources.lease')

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const TOKEN = /^(sk|rk)_(live|test)_[0-9A-Za-z]{36}$/

/** CRC-32 (IEEE 802.3, reflected 0xEDB88320) of the text's UTF-8 bytes. */
export function crc32(text: string): number {
  let crc = 0xffffffff
  for (const byte of new TextEncoder().encode(text)) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return (crc ^ 0xffffffff) >>> 0
}

/** The six base62 characters that end a token whose beginning is `head`. */
export function checksum(head: string): string {
  let rest = crc32(head)
  let text = ''
  for (let digit = 0; digit < 6; digit += 1) {
    text = BASE62.charAt(rest % 62) + text
    rest = Math.floor(rest / 62)
  }
  return text
}

/** What a token says of itself: a key or a capability, and its mode. `null` when its shape or checksum is wrong. */
export function recognise(token: string): { kind: 'key' | 'capability'; mode: Mode } | null {
  const match = TOKEN.exec(token)
  if (match === null || checksum(token.slice(0, -6)) !== token.slice(-6)) return null
  return { kind: match[1] === 'sk' ? 'key' : 'capability', mode: match[2] === 'live' ? 'live' : 'test' }
}

export const KeyId = idOf('key_')
export const CapabilityId = idOf('cap_')

const idempotencyKey = z.string().min(1).max(255).optional()

/** Input of `organization.createKey`. Without `scopes`, all that the calling key has. */
export const CreateKeyInput = z.strictObject({
  mode: Mode,
  name: storableText(1, 200).optional(),
  scopes: z.array(Scope).min(1).max(20).optional(),
  idempotencyKey,
})

/** Answer of `organization.createKey`: the only time that the key is shown, so a replayed answer is without it. */
export const CreatedKey = z.object({
  id: KeyId,
  key: z.string().optional(),
  mode: Mode,
  last4: z.string(),
  scopes: z.array(Scope),
})

/** A key as the list shows it. */
export const ListedKey = z.object({
  id: KeyId,
  mode: Mode,
  name: z.string().nullable(),
  last4: z.string(),
  scopes: z.array(Scope),
  createdAt: Timestamp,
  lastUsedAt: Timestamp.nullable(),
  expiresAt: Timestamp.nullable(),
  revokedAt: Timestamp.nullable(),
})
export const KeyList = z.object({ items: z.array(ListedKey) })

/** Input and answer of `organization.revokeKey`. */
export const RevokeKeyInput = z.strictObject({ id: KeyId, idempotencyKey })
export const RevokedKey = z.object({ id: KeyId, revokedAt: Timestamp })
