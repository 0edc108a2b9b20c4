/**
 * Makes the ids of rows.
 * They are made in Node, since `uuidv7()` exists on PostgreSQL 18 only, and by the database's time where a process knows it:
 * rows are read in the order of their ids, and the record refuses ids of another time.
 */
/** A clock that is this much behind the last id was set back; ids follow it then. */
const SET_BACK_MS = 1_000
const SEQUENCE_BITS = 32

// One for the process, as the library has its own: ids are ordered across all that makes them.
const state = { nowMs: () => Date.now(), lastMs: 0, sequence: 0 }

/** From now on ids carry the time of this clock. Called once by an entry. */
export function stampIdsBy(clock: () => Date): void {
  state.nowMs = () => clock().getTime()
}

/** A new UUIDv7 (RFC 9562): ordered by time, and monotonic within this process while its clock is. */
export function newId(): string {
  const nowMs = Math.floor(state.nowMs())
  const isLater = nowMs > state.lastMs || nowMs < state.lastMs - SET_BACK_MS
  if (isLater) {
    state.lastMs = nowMs
    // Half of the numbers are left for those that follow within the millisecond.
    state.sequence = Math.floor(Math.random() * 2 ** (SEQUENCE_BITS - 1))
  } else state.sequence += 1
  return uuidV7(state.lastMs, state.sequence)
}

/** 48 bits of time, 32 that count, and 42 of chance, with version and variant between them (RFC 9562 §5.7 and §6.2, method 1). */
function uuidV7(ms: number, sequence: number): string {
  const bytes = Buffer.from(crypto.getRandomValues(new Uint8Array(16)).buffer)
  bytes.writeUIntBE(ms, 0, 6)
  bytes.writeUInt16BE(0x7000 | (sequence >>> 20), 6)
  bytes.writeUInt16BE(0x8000 | ((sequence >>> 6) & 0x3fff), 8)
  bytes[10] = ((sequence & 0x3f) << 2) | ((bytes[10] ?? 0) & 0x03)
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
