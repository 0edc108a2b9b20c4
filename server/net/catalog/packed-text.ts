/**
 * Text as a row of a snapshot holds it: Zstandard (RFC 8878) of UTF-8, both ways and within a bound.
 *
 * It works on the thread that calls it: for a process or thread that can be killed, never for a loop that serves others.
 */
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'

/** Compresses. */
export function packText(text: string): Buffer {
  return zstdCompressSync(Buffer.from(text, 'utf8'))
}

/**
 * Decompresses. Throws a `RangeError` (`ERR_BUFFER_TOO_LARGE`) for more than `maxBytes`, before they are made: 19 KB can
 * hold 42 MB. Throws for what is not compressed so.
 */
export function unpackText(bytes: Uint8Array, maxBytes: number): string {
  return zstdDecompressSync(bytes, { maxOutputLength: maxBytes }).toString('utf8')
}
