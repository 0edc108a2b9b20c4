/**
 * Cuts a stream of bytes into frames of the PostgreSQL kind: one byte of kind, four of length (which counts itself),
 * the body. A frame is admitted by its header before a byte of its body is kept, so that what can be held at once is
 * what the caller admits and no more.
 *
 * Used on what a customer's server sends, and on the channel between the worker and its dialling processes.
 */

/** Bytes before the body. */
export const HEADER_BYTES = 5

/** Decides about frames. Each function throws to refuse; nothing further of the stream is read then. */
export interface FrameRules {
  /** Called at the first byte of a frame. */
  admitKind(kind: string): void
  /** Called when the length of the body is known, before it is kept. */
  admitLength(kind: string, bodyBytes: number): void
  /** Called with each whole frame. `frame` is a view that is valid during the call. */
  complete(kind: string, frame: Buffer): void
}

/** Takes the next bytes of the stream. Throws what a rule throws, and `RangeError` for a length below four. */
export type FrameReader = (chunk: Buffer) => void

/** A reader that holds at most one admitted frame, allocated once, however small the pieces are in which it drips in. */
export function createFrameReader(rules: FrameRules): FrameReader {
  const head = Buffer.alloc(HEADER_BYTES)
  let headBytes = 0
  let partial: Buffer | null = null
  let filled = 0

  const admit = (header: Buffer, at: number): number => {
    const length = header.readUInt32BE(at + 1)
    if (length < 4) throw new RangeError('frame length')
    rules.admitLength(kindAt(header, at), length - 4)
    return length + 1
  }

  /** Consumes the beginning of a frame at `at`; returns where to go on. */
  const begin = (chunk: Buffer, at: number): number => {
    if (headBytes === 0) rules.admitKind(kindAt(chunk, at))
    if (headBytes === 0 && chunk.length - at >= HEADER_BYTES) {
      const size = admit(chunk, at)
      if (chunk.length - at >= size) {
        rules.complete(kindAt(chunk, at), chunk.subarray(at, at + size))
        return at + size
      }
      partial = Buffer.allocUnsafe(size)
      filled = 0
      return at
    }
    head[headBytes++] = chunk[at] ?? 0
    if (headBytes < HEADER_BYTES) return at + 1
    headBytes = 0
    partial = Buffer.allocUnsafe(admit(head, 0))
    filled = head.copy(partial)
    return at + 1
  }

  return chunk => {
    for (let at = 0; at < chunk.length || partial?.length === filled; ) {
      if (partial === null) {
        at = begin(chunk, at)
        continue
      }
      const taken = chunk.copy(partial, filled, at)
      filled += taken
      at += taken
      if (filled < partial.length) return
      const frame: Buffer = partial
      partial = null
      rules.complete(kindAt(frame, 0), frame)
    }
  }
}

/** One frame, ready to be written. */
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
