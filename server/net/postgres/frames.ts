/**
 * Splits a stream of bytes into frames in PostgreSQL's format: a kind byte, four bytes of length (which includes
 * itself), and the body. A frame is admitted by its header before any byte of its body is kept, so that memory use is
 * limited to what the caller admits.
 *
 * Used on data from a customer's server, and on the channel between the worker and its dialling processes.
 */

/** The bytes before the body. */
export const HEADER_BYTES = 5

/** Decides which frames to admit. Each function throws to refuse; the rest of the stream is then not read. */
export interface FrameRules {
  /** Called at the first byte of a frame. */
  admitKind(kind: string): void
  /** Called when the length of the body is known, before the body is stored. */
  admitLength(kind: string, bodyBytes: number): void
  /** Called with each complete frame. `frame` is a view that is only valid during the call. */
  complete(kind: string, frame: Buffer): void
}

/** Takes the next bytes of the stream. Rethrows a rule's error, and throws `RangeError` for a length below four. */
export type FrameReader = (chunk: Buffer) => void

/** The state of a reader: inside a header with `headBytes` read, or inside a frame with `filled` bytes read. */
interface Reading {
  readonly rules: FrameRules
  readonly head: Buffer
  headBytes: number
  partial: Buffer | null
  filled: number
}

/** A reader that buffers at most one admitted frame, allocated once, however small the chunks are. */
export function createFrameReader(rules: FrameRules): FrameReader {
  const reading: Reading = { rules, head: Buffer.alloc(HEADER_BYTES), headBytes: 0, partial: null, filled: 0 }
  return chunk => {
    let at = 0
    while (at < chunk.length) at = reading.partial === null ? begin(reading, chunk, at) : fill(reading, chunk, at)
  }
}

/** Starts a frame, or handles a complete one within the chunk; returns the offset at which to continue. */
function begin(reading: Reading, chunk: Buffer, at: number): number {
  const { rules, head } = reading
  if (reading.headBytes === 0) rules.admitKind(kindAt(chunk, at))
  if (reading.headBytes === 0 && chunk.length - at >= HEADER_BYTES) {
    const size = admit(rules, chunk, at)
    if (chunk.length - at < size) {
      hold(reading, size)
      return at
    }
    rules.complete(kindAt(chunk, at), chunk.subarray(at, at + size))
    return at + size
  }
  const taken = chunk.copy(head, reading.headBytes, at)
  reading.headBytes += taken
  if (reading.headBytes === HEADER_BYTES) {
    reading.headBytes = 0
    hold(reading, admit(rules, head, 0))
    fill(reading, head, 0)
  }
  return at + taken
}

/** The size of an admitted frame. */
function admit(rules: FrameRules, header: Buffer, at: number): number {
  const length = header.readUInt32BE(at + 1)
  if (length < 4) throw new RangeError('frame length')
  rules.admitLength(kindAt(header, at), length - 4)
  return length + 1
}

function hold(reading: Reading, size: number): void {
  reading.partial = Buffer.allocUnsafe(size)
  reading.filled = 0
}

/** Adds bytes to the buffered frame; returns the offset at which to continue. */
function fill(reading: Reading, chunk: Buffer, at: number): number {
  const { partial, rules } = reading
  if (partial === null) return at
  const taken = chunk.copy(partial, reading.filled, at)
  reading.filled += taken
  if (reading.filled === partial.length) {
    reading.partial = null
    rules.complete(kindAt(partial, 0), partial)
  }
  return at + taken
}

/** Encodes one frame for writing. */
export function encodeFrame(kind: string, body: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + body.length)
  frame.write(kind, 0, 1, 'latin1')
  frame.writeUInt32BE(body.length + 4, 1)
  body.copy(frame, HEADER_BYTES)
  return frame
}

function kindAt(buffer: Buffer, at: number): string {
  return String.fromCharCode(buffer[at] ?? 0)
}
