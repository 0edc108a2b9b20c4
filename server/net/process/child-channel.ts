/**
 * The protocol between the worker and a dialling process, in frames over one pipe: settings once, then one request at a
 * time. Each request follows any number of pieces of its bytes, and is answered by any number of pieces, one answer,
 * and a frame that says that the next request may come.
 *
 * Both sides limit what they accept: a dialling process talks to strangers, so its output is limited like theirs.
 */
import type { Writable } from 'node:stream'
import { createFrameReader, encodeFrame, HEADER_BYTES } from '#server/net/postgres/frames.ts'

/**
 * The kinds of frames. To the dialling process: `c` settings, `b` a piece of bytes that belongs to the next request,
 * `r` that request. From it: `l` it has loaded the code for the request and begins, `p` a checklist item that passed,
 * `b` a piece of bytes that belongs to the current request, `a` its answer, `k` it accepts the next request.
 */
export type ChannelKind = 'c' | 'r' | 'k' | 'l' | 'p' | 'b' | 'a'

/** The limit on a settings, request or answer frame: the largest role facts, or a request with its CA certificates. */
const MAX_JSON_BYTES = 4 << 20
/** The maximum size of one piece of bytes. */
export const MAX_PIECE_BYTES = 256 << 10

/** Sends a value. Returns false if the pipe is full, as `Writable.write` does. */
export function sendJson(pipe: Writable, kind: ChannelKind, value: unknown): boolean {
  return pipe.write(encodeFrame(kind, Buffer.from(JSON.stringify(value ?? null))))
}

/** Sends bytes in pieces; resolves when the pipe accepts more. */
export async function sendBytes(pipe: Writable, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; at += MAX_PIECE_BYTES) {
    if (pipe.write(encodeFrame('b', bytes.subarray(at, at + MAX_PIECE_BYTES)))) continue
    await new Promise<void>(resolve => pipe.once('drain', resolve))
  }
}

/** Sends bytes ahead of a request. They are in memory already, so the pipe may buffer them. */
export function sendAhead(pipe: Writable, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; at += MAX_PIECE_BYTES)
    pipe.write(encodeFrame('b', bytes.subarray(at, at + MAX_PIECE_BYTES)))
}

/** Reads one side's frames. The returned function throws `RangeError` for anything that the other side may not send. */
export function createChannelReader(
  kinds: readonly ChannelKind[],
  receive: (kind: ChannelKind, body: Buffer) => void,
): (chunk: Buffer) => void {
  const known = (kind: string): ChannelKind => {
    const found = kinds.find(candidate => candidate === kind)
    if (found === undefined) throw new RangeError('channel frame kind')
    return found
  }
  return createFrameReader({
    admitKind: known,
    admitLength(kind, bodyBytes) {
      if (bodyBytes > (kind === 'b' ? MAX_PIECE_BYTES : MAX_JSON_BYTES)) throw new RangeError('channel frame length')
    },
    complete: (kind, frame) => receive(known(kind), frame.subarray(HEADER_BYTES)),
  })
}
