/**
 * Text as a row of a snapshot holds it: Zstandard (RFC 8878) of UTF-8, both ways and within a bound.
 *
 * It works on the thread that calls it: for a process or thread that can be killed, never for a loop that serves others.
 */
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'

/** Compresses. */
export function packText(text: string | Uint8Array): Buffer {
  return zstdCompressSync(typeof text === 'string' ? Buffer.from(text, 'utf8') : text)
}

/** UTF-8 of a text that comes in pieces. */
export interface TextBytes {
  /** Throws `TextTooLong` for more than the bound. */
  add(text: string): void
  /** A view of all that was added so far. */
  bytes(): Buffer
}

/** Thrown for a text that is longer than it may be. */
export class TextTooLong extends Error {
  override readonly name = 'TextTooLong'
}

/** UTF-8 takes at most so many bytes for a UTF-16 code unit. */
const WIDEST = 3
const LEAST_BYTES = 1 << 16

/** Collects a text of at most `maxBytes`. It grows beyond `expectedBytes` at the price of a copy. */
export function createTextBytes(maxBytes: number, expectedBytes = 0): TextBytes {
  let [buffer, used] = [Buffer.allocUnsafe(Math.min(maxBytes, expectedBytes) + LEAST_BYTES), 0]
  return {
    add(text) {
      const most = used + text.length * WIDEST
      if (most > buffer.length) {
        const larger = Buffer.allocUnsafe(Math.max(most, 2 * buffer.length))
        buffer.copy(larger, 0, 0, used)
        buffer = larger
      }
      used += buffer.write(text, used)
      if (used > maxBytes) throw new TextTooLong()
    },
    bytes: () => buffer.subarray(0, used),
  }
}

/**
 * Decompresses. Throws a `RangeError` (`ERR_BUFFER_TOO_LARGE`) for more than `maxBytes`, before they are made: 19 KB can
 * hold 42 MB. Throws for what is not compressed so.
 */
export function unpackText(bytes: Uint8Array, maxBytes: number): string {
  return zstdDecompressSync(bytes, { maxOutputLength: maxBytes }).toString('utf8')
}
