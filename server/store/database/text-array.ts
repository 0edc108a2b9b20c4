/**
 * Encodes long texts as one `text[]` parameter in PostgreSQL's binary form (`array_recv` in `arrayfuncs.c`: dimensions,
 * null flag, element type, the length and lower bound of each dimension, then each element preceded by its length).
 *
 * In the text form that the driver produces, every quote of every event would be escaped here and unescaped on the
 * server, which costs about as much as storing it. Called for the events of feeds.
 */

/** The oid of `text` in `pg_type.dat`. */
const TEXT_OID = 25
const HEADER_BYTES = 20

/** A parameter for `$n::text[]`; the driver sends a buffer unchanged. */
export function textArray(texts: readonly string[]): Buffer {
  // An empty array has no dimensions.
  if (texts.length === 0) return header(0, 0).subarray(0, 12)
  const lengths = texts.map(text => Buffer.byteLength(text, 'utf8'))
  const size = lengths.reduce((sum, length) => sum + 4 + length, HEADER_BYTES)
  const array = Buffer.allocUnsafe(size)
  header(1, texts.length).copy(array)
  let at = HEADER_BYTES
  texts.forEach((text, n) => {
    at = array.writeInt32BE(lengths[n] ?? 0, at)
    at += array.write(text, at, 'utf8')
  })
  return array
}

function header(dimensions: number, length: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES)
  for (const [n, value] of [dimensions, 0, TEXT_OID, length, 1].entries()) bytes.writeInt32BE(value, n * 4)
  return bytes
}
