/**
 * The protocol between the worker and a dialling process, in frames over one pipe: settings once, then requests one
 * at a time, each behind any number of pieces of bytes that belong to it and answered by any number of them, one answer,
 * and a word when the next may come.
 *
 * Both sides bound what they take: a dialling process speaks with strangers, and what it says is bounded like theirs.
 */
import type { Writable } from 'node:stream'
import { createFrameReader, encodeFrame, HEADER_BYTES } from '#server/net/postgres/frames.ts'

/**
 * The kinds of frames. To the dialling process: `c` settings, `b` a piece of bytes that belongs to the request to come, `r`
 * that request. From it: `l` it has loaded what the request takes and begins, `p` an item of the checklist that is passed,
 * `b` a piece of bytes that belongs to the request at hand, `a` its answer, `k` it takes the next one.
 */
export type ChannelKind = 'c' | 'r' | 'k' | 'l' | 'p' | 'b' | 'a'

/** Of a settings, request or answer frame: a role's facts at their largest, or a request with its CA certificates. */
const MAX_JSON_BYTES = 4 << 20
/** Of one piece of bytes. */
export const MAX_PIECE_BYTES = 256 << 10

/** Sends a value. Returns false when the pipe is full, as `Writable.write` does. */
export function sendJson(pipe: Writable, kind: ChannelKind, value: unknown): boolean {
  return pipe.write(encodeFrame(kind, Buffer.from(JSON.stringify(value ?? null))))
}

/** Sends bytes in pieces; resolves when the pipe takes more. */
export async function sendBytes(pipe: Writable, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; at += MAX_PIECE_BYTES) {
    if (pipe.write(encodeFrame('b', bytes.subarray(at, at + MAX_PIECE_BYTES)))) continue
    await new Promise<void>(resolve => pipe.once('drain', resolve))
  }
}

/** Sends bytes ahead of a request. They are held already, so that the pipe may hold them too. */
export function sendAhead(pipe: Writable, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; at += MAX_PIECE_BYTES)
    pipe.write(encodeFrame('b', bytes.subarray(at, at + MAX_PIECE_BYTES)))
}

/** Reads one side's frames. The returned function throws `RangeError` for what the other side may not say. */
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
