/**
 * A catalog that was read → what is stored of it: canonical text and estimates, compressed, the fingerprint, counts, and
 * how much differs from the last snapshot.
 *
 * All of it is sized by a stranger, so it happens here, in the process that can be killed, and the worker stores bytes that
 * it never parses. Called by `read-catalog.ts`.
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

/** The snapshot that a new one is compared with: its fingerprint, and its content and what stands beside it as stored. */
export interface LastSnapshot {
  readonly fingerprint: string
  readonly content: Uint8Array
  readonly observed: Uint8Array
}

/** Estimates of 20,000 relations and the names of what extensions own: no more than a snapshot itself. */
const MAX_OBSERVED_BYTES = SNAPSHOT_BOUNDS.maxBytes

/** The stored form of a snapshot. */
export interface FinishedSnapshot {
  /** Of the canonical text: SHA-256 in lower-case hex. */
  readonly fingerprint: string
  readonly tableCount: number
  /** From the last snapshot; null without one, and with one that is larger than is read today. */
  readonly drift: DriftCounts | null
  /** The canonical text and the estimates beside it, compressed as they are stored. */
  readonly content: Buffer
  readonly observed: Buffer
}

/**
 * Finishes a snapshot, of which some parts may be `written` already. Throws the fault `introspection_failed` when it is larger
 * than may be stored.
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
  // Most of a text is one byte a unit, and most of it is written: twice as much is room for the rest.
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

/** The last snapshot; null where it is larger than is read: it was stored before there was a bound. */
function restored({ content, observed }: LastSnapshot): Snapshot | null {
  try {
    // Canonical text of a snapshot, which a process like this one wrote, and what stands beside it.
    const text = unpackText(content, SNAPSHOT_BOUNDS.maxBytes)
    const beside: unknown = JSON.parse(unpackText(observed, MAX_OBSERVED_BYTES))
    return { ...JSON.parse(text), observed: beside }
  } catch (thrown) {
    if (thrown instanceof RangeError) return null
    throw thrown
  }
}
