/**
 * The textual form of API keys and capabilities.
 *
 * A token is `sk_live_`, `sk_test_`, `rk_live_` or `rk_test_`, 30 random base62 characters, and a 6-character checksum:
 * the CRC-32 (IEEE) of everything before it in base62, left-padded with `0`. A mistyped token is thus detected without
 * a query.
 */
import type { Mode } from '#shared/base/wire.ts'

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

/** The six base62 checksum characters that complete a token beginning with `head`. */
export function checksum(head: string): string {
  let rest = crc32(head)
  let text = ''
  for (let digit = 0; digit < 6; digit += 1) {
    text = BASE62.charAt(rest % 62) + text
    rest = Math.floor(rest / 62)
  }
  return text
}

/** The kind (key or capability) and mode that a token states; null if its form or checksum is wrong. */
export function recognise(token: string): { kind: 'key' | 'capability'; mode: Mode } | null {
  const match = TOKEN.exec(token)
  if (match === null || checksum(token.slice(0, -6)) !== token.slice(-6)) return null
  return { kind: match[1] === 'sk' ? 'key' : 'capability', mode: match[2] === 'live' ? 'live' : 'test' }
}
