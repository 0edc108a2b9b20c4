/**
 * Entry of a thread that reads one stored snapshot: unpacks it, takes the part that was asked for, and hands back its text.
 * A hostile catalog is kept in a few kilobytes and unpacks to megabytes; here that costs no other caller a turn of the loop.
 *
 * It must never hold more than one, and it knows neither the database nor the caller. Started by `snapshot-parts.ts`.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { zstdDecompressSync } from 'node:zlib'
import { partOf, type StoredPart } from './snapshot-part.ts'

// Sound: `snapshot-parts.ts` hands it in.
const { content, observed, ask, maxBytes, maxUnpackedBytes } = workerData as StoredPart
const unpack = (bytes: Uint8Array): unknown =>
  JSON.parse(zstdDecompressSync(bytes, { maxOutputLength: maxUnpackedBytes }).toString('utf8'))
const part = Buffer.from(JSON.stringify(partOf(Object(unpack(content)), Object(unpack(observed)), ask)))
parentPort?.postMessage(part.length > maxBytes ? { bytes: part.length } : { bytes: part.length, part })
