/**
 * Creates the ids of rows. They are created in Node, since `uuidv7()` requires PostgreSQL 18, and use the database's
 * time if the process knows it: rows are read in id order, and the audit record rejects ids from another time.
 */
/** A clock that is this far behind the last id was set back; ids then follow it. */
const SET_BACK_MS = 1_000
const SEQUENCE_BITS = 32

// One state per process, as in the library: ids are ordered across all of its code.
const state = { nowMs: () => Date.now(), lastMs: 0, sequence: 0 }

/** Makes ids use the time of this clock from now on. Called once by an entry. */
export function stampIdsBy(clock: () => Date): void {
  state.nowMs = () => clock().getTime()
}

/**
 * A new UUIDv7 (RFC 9562): ordered by time, and monotonic within this process unless its clock is set back. 48 bits of
 * time, a 32-bit counter and 42 random bits, with version and variant between them (§5.7 and §6.2, method 1).
 */
export function newId(): string {
  const nowMs = Math.floor(state.nowMs())
  const isLater = nowMs > state.lastMs || nowMs < state.lastMs - SET_BACK_MS
  if (isLater) {
    state.lastMs = nowMs
    // Half of the range is left for further ids in the same millisecond.
    state.sequence = Math.floor(Math.random() * 2 ** (SEQUENCE_BITS - 1))
  } else state.sequence += 1
  const { lastMs, sequence } = state
  const bytes = Buffer.from(crypto.getRandomValues(new Uint8Array(16)).buffer)
  bytes.writeUIntBE(lastMs, 0, 6)
  bytes.writeUInt16BE(0x7000 | (sequence >>> 20), 6)
  bytes.writeUInt16BE(0x8000 | ((sequence >>> 6) & 0x3fff), 8)
  bytes[10] = ((sequence & 0x3f) << 2) | ((bytes[10] ?? 0) & 0x03)
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
