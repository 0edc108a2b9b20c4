/**
 * Compresses and decompresses the text in a snapshot's row: Zstandard (RFC 8878) of UTF-8, with a size limit.
 *
 * It blocks the calling thread: use it in a process or thread that can be killed, never in an event loop that serves
 * others.
 */
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'

/** Compresses. */
export function packText(text: string | Uint8Array): Buffer {
  return zstdCompressSync(typeof text === 'string' ? Buffer.from(text, 'utf8') : text)
}

/** Collects a text as UTF-8, piece by piece. */
export interface TextBytes {
  /** Throws `TextTooLong` if the total exceeds the limit. */
  add(text: string): void
  /** A view of everything added so far. */
  bytes(): Buffer
}

/** Thrown for a text that exceeds its size limit. */
export class TextTooLong extends Error {
  override readonly name = 'TextTooLong'
}

/** The maximum number of UTF-8 bytes per UTF-16 code unit. */
const WIDEST = 3
const LEAST_BYTES = 1 << 16

/** Collects a text of at most `maxBytes`. Growing beyond `expectedBytes` copies the buffer. */
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
 * Decompresses. Throws a `RangeError` (`ERR_BUFFER_TOO_LARGE`) for output larger than `maxBytes`, before allocating it:
 * 19 KB can expand to 42 MB. Throws for data in any other format.
 */
export function unpackText(bytes: Uint8Array, maxBytes: number): string {
  return zstdDecompressSync(bytes, { maxOutputLength: maxBytes }).toString('utf8')
}
