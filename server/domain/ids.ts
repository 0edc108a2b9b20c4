/**
 * Makes the ids of rows.
 * They are made in Node, since `uuidv7()` exists on PostgreSQL 18 only.
 */
import { v7 } from 'uuid'

/** A new UUIDv7 (RFC 9562): ordered by time, and monotonic within this process. */
export function newId(): string {
  return v7()
}
