/**
 * The permitted body of each frame, byte for byte (PostgreSQL documentation, "Message Formats").
 *
 * The driver's parser trusts lengths, counts and terminators: a missing terminator hangs it forever, and a negative
 * count throws inside an event handler. So every frame is validated here before it reaches the parser. Called only by
 * the frame gate.
 */
import { SessionError } from '#server/net/socket/session-error.ts'

/** The frames that a server may send us. COPY, notifications, the extended protocol and function calls are not used. */
export type FrameKind = 'R' | 'S' | 'K' | 'E' | 'N' | 'Z' | 'T' | 'D' | 'C' | 'I'

/** PostgreSQL's own limit on the columns of a result (`MaxTupleAttributeNumber`). */
const MAX_COLUMNS = 1664

const violation = () => new SessionError('protocol_violation')

/** The offset after the string that begins at `at`, past its terminator. */
function textEnd(body: Buffer, at: number): number {
  const zero = body.indexOf(0, at)
  if (zero < 0) throw violation()
  return zero + 1
}

function exactly(body: Buffer, end: number): void {
  if (end !== body.length) throw violation()
}

/** Error and notice: pairs of code and text, with a zero at the very end. */
function checkFields(body: Buffer): void {
  let at = 0
  while (body[at] !== 0) {
    if (at >= body.length) throw violation()
    at = textEnd(body, at + 1)
  }
  exactly(body, at + 1)
}

function columnCount(body: Buffer): number {
  if (body.length < 2) throw violation()
  const count = body.readInt16BE(0)
  if (count < 0 || count > MAX_COLUMNS) throw violation()
  return count
}

/**
 * Row description: (name, table, column, type, size, modifier, format)…; the format in a simple query is always text.
 */
function checkColumns(body: Buffer): number {
  const count = columnCount(body)
  let at = 2
  for (let column = 0; column < count; column++) {
    at = textEnd(body, at) + 18
    if (at > body.length || body.readInt16BE(at - 2) !== 0) throw violation()
  }
  exactly(body, at)
  return count
}

/** Data row: (length or -1, bytes)… */
function checkRow(body: Buffer): number {
  const count = columnCount(body)
  let at = 2
  for (let column = 0; column < count; column++) {
    if (at + 4 > body.length) throw violation()
    const bytes = body.readInt32BE(at)
    if (bytes < -1) throw violation()
    at += 4 + Math.max(bytes, 0)
    if (at > body.length) throw violation()
  }
  exactly(body, at)
  return count
}

/**
 * Validates the form of a body. Returns the number of columns of a row description or a row, 0 for others.
 *
 * @throws `SessionError` `protocol_violation`.
 */
export function checkShape(kind: FrameKind, body: Buffer): number {
  switch (kind) {
    case 'T':
      return checkColumns(body)
    case 'D':
      return checkRow(body)
    case 'E':
    case 'N':
      checkFields(body)
      return 0
    case 'S':
      exactly(body, textEnd(body, textEnd(body, 0)))
      return 0
    case 'C':
      exactly(body, textEnd(body, 0))
      return 0
    case 'Z':
      if (body.length !== 1 || !'ITE'.includes(body.toString('latin1'))) throw violation()
      return 0
    case 'R':
      if (body.length < 4) throw violation()
      return 0
    case 'K':
      if (body.length < 8) throw violation()
      return 0
    case 'I':
      exactly(body, 0)
      return 0
  }
}
