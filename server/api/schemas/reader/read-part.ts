/**
 * Entry of a thread that reads stored snapshots: unpacks them, selects the requested part, and returns its text. A
 * hostile catalog takes a few kilobytes when packed and megabytes when unpacked; here that does not block the event
 * loop.
 *
 * It knows neither the database nor the caller. Started by `snapshot-reader.ts`, for one reading.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { zstdDecompressSync } from 'node:zlib'
import type { Snapshot } from '#shared/schemas/snapshot.ts'
import { type Packed, partOf, type Read, type ReaderInput, readDrift, readNames, readPart } from './snapshot-part.ts'

// Sound: `snapshot-reader.ts` passes it in.
const { asked, maxBytes, maxUnpackedBytes } = workerData as ReaderInput

function unpack(bytes: Uint8Array): object {
  return Object(JSON.parse(zstdDecompressSync(bytes, { maxOutputLength: maxUnpackedBytes }).toString('utf8')))
}

function snapshotOf({ content, observed }: Packed): Snapshot {
  // Sound: a dialling process wrote it in this shape, and nobody else writes the table.
  return { ...unpack(content), observed: unpack(observed) } as Snapshot
}

async function read(): Promise<Read> {
  if (asked.kind === 'part') return readPart(partOf(snapshotOf(asked.of), asked.ask))
  if (asked.kind === 'names') return readNames(snapshotOf(asked.of))
  const { drift } = await import('#shared/schemas/drift/drift.ts')
  const { comparisonNotes } = await import('#shared/schemas/drift/drift-formats.ts')
  return readDrift([snapshotOf(asked.from), snapshotOf(asked.to)], { drift, comparisonNotes })
}

const done = await read()
parentPort?.postMessage(done.bytes > maxBytes ? { bytes: done.bytes } : done)
