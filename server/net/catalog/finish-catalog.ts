/**
 * Converts a catalog to its stored form: canonical text and estimates, both compressed, the fingerprint, counts, and
 * the number of differences from the last snapshot.
 *
 * A stranger determines the size of all of this, so it happens here, in the process that can be killed; the worker
 * stores bytes that it never parses. Called by `read-catalog.ts`.
 */
import { createHash } from 'node:crypto'
import { countTables } from '#server/domain/schemas/snapshot-summary.ts'
import { eachChange } from '#shared/schemas/drift/drift.ts'
import type { DriftCounts } from '#shared/schemas/introspection.ts'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import { SNAPSHOT_BOUNDS } from '#shared/schemas/snapshot-bounds.ts'
import { type WrittenParts, writeCanonical } from '#shared/schemas/snapshot-canonical.ts'
import { tooLarge } from './catalog-wire.ts'
import { createTextBytes, packText, TextTooLong, unpackText } from './packed-text.ts'

/** The snapshot to compare with: its fingerprint, and its content and estimates as stored. */
export interface LastSnapshot {
  readonly fingerprint: string
  readonly content: Uint8Array
  readonly observed: Uint8Array
}

/** Estimates of 20,000 relations and the names of objects owned by extensions: no more than a snapshot itself. */
const MAX_OBSERVED_BYTES = SNAPSHOT_BOUNDS.maxBytes

/** The stored form of a snapshot. */
export interface FinishedSnapshot {
  /** SHA-256 of the canonical text, in lower-case hex. */
  readonly fingerprint: string
  readonly tableCount: number
  /** The drift from the last snapshot; null without one, and for one that exceeds today's size limit. */
  readonly drift: DriftCounts | null
  /** The canonical text and the estimates, compressed as they are stored. */
  readonly content: Buffer
  readonly observed: Buffer
}

/**
 * Finishes a snapshot; `written` holds parts that are already serialised. Throws the fault `introspection_failed` if it
 * exceeds the size limit.
 */
export function finishSnapshot(
  snapshot: Snapshot,
  last: LastSnapshot | null,
  written?: WrittenParts,
): FinishedSnapshot {
  const text = canonicalWithin(snapshot, written)
  const fingerprint = createHash('sha256').update(text).digest('hex')
  return {
    fingerprint,
    tableCount: countTables(snapshot),
    drift: last === null ? null : driftFrom(last, { snapshot, fingerprint }),
    content: packText(text),
    observed: packText(JSON.stringify(snapshot.observed)),
  }
}

function canonicalWithin(snapshot: Snapshot, written: WrittenParts = new Map()): Buffer {
  let units = 0
  for (const part of written.values()) units += part.length
  // Most characters take one byte, and most of the text is already serialised: twice that size leaves room for the
  // rest.
  const text = createTextBytes(SNAPSHOT_BOUNDS.maxBytes, 2 * units)
  try {
    writeCanonical(snapshot, text.add, written)
  } catch (thrown) {
    throw thrown instanceof TextTooLong ? tooLarge('maxBytes') : thrown
  }
  return text.bytes()
}

function driftFrom(last: LastSnapshot, now: { snapshot: Snapshot; fingerprint: string }): DriftCounts | null {
  const counts = { breaking: 0, risky: 0, safe: 0 }
  if (last.fingerprint === now.fingerprint) return counts
  const before = restored(last)
  if (before === null) return null
  eachChange(before, now.snapshot, change => {
    counts[change.class] += 1
  })
  return counts
}

/** The last snapshot; null if it exceeds the size limit, because it was stored before there was one. */
function restored({ content, observed }: LastSnapshot): Snapshot | null {
  try {
    // The canonical text, written by a process like this one, and its estimates.
    const text = unpackText(content, SNAPSHOT_BOUNDS.maxBytes)
    const beside: unknown = JSON.parse(unpackText(observed, MAX_OBSERVED_BYTES))
    return { ...JSON.parse(text), observed: beside }
  } catch (thrown) {
    if (thrown instanceof RangeError) return null
    throw thrown
  }
}
