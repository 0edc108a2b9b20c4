/**
 * Reads stored snapshots: a part with its names, or the changes between two of them. It has few imports, because a
 * thread that is started for each reading loads it.
 */

import type { z } from 'zod'
import { countDrift, tablesOf } from '#server/domain/schemas/snapshot-summary.ts'
import type { Finding, Hidden, Snapshot } from '#shared/schemas/snapshot.ts'

/** A snapshot as stored in its row: packed bytes. */
export interface Packed {
  readonly content: Uint8Array
  readonly observed: Uint8Array
}

/** One schema, or one table; omit both for the whole. */
export interface Ask {
  readonly schema?: string | undefined
  readonly table?: string | undefined
}

/** A request to a thread. */
export type ReaderRequest =
  | { readonly kind: 'part'; readonly of: Packed; readonly ask: Ask }
  | { readonly kind: 'names'; readonly of: Packed }
  | { readonly kind: 'drift'; readonly from: Packed; readonly to: Packed }

/** The input of a thread. */
export interface ReaderInput {
  readonly asked: ReaderRequest
  /** The size limit of the answer as JSON; beyond it, only the size is returned. */
  readonly maxBytes: number
  readonly maxUnpackedBytes: number
}

/** The metadata of a part besides its schemas. Tables are `schema.table`, sorted. */
export interface PartSummary {
  readonly tables: readonly string[]
  readonly schemas: readonly string[]
  readonly findings: readonly z.output<typeof Finding>[]
  readonly hidden: z.output<typeof Hidden>
}

/**
 * The output of a thread: `text` is JSON; for a part, its schemas begin at `schemasAt` and end one byte before its end.
 */
export interface Read {
  readonly bytes: number
  readonly text?: Uint8Array
  readonly schemasAt?: number
  readonly summary?: PartSummary
  readonly counts?: ReturnType<typeof countDrift>
  readonly notes?: readonly string[]
}

/** The snapshot narrowed to the requested schemas and tables; those that do not exist are left out. */
export function partOf(snapshot: Snapshot, { schema, table }: Ask): Snapshot {
  const asked = snapshot.schemas.filter(one => schema === undefined || one.name === schema)
  const narrow =
    table === undefined
      ? asked
      : asked.map(one => ({ ...one, relations: one.relations.filter(relation => relation.name === table) }))
  return { ...snapshot, schemas: narrow }
}

/** A part as JSON, with its schemas last, and its metadata. */
export function readPart(part: Snapshot): Read {
  const { schemas, ...beside } = part
  const head = Buffer.from(`${JSON.stringify(beside).slice(0, -1)},"schemas":`)
  const text = Buffer.concat([head, Buffer.from(`${JSON.stringify(schemas)}}`)])
  return { bytes: text.length, text, schemasAt: head.length, summary: summaryOf(part) }
}

/** The names in a snapshot. */
export function readNames(snapshot: Snapshot): Read {
  const summary = summaryOf(snapshot)
  return { bytes: Buffer.byteLength(JSON.stringify(summary)), summary: summary }
}

/** The comparison of two snapshots, and the notes on how it was made. */
interface Comparing {
  readonly drift: (before: Snapshot, after: Snapshot) => Parameters<typeof countDrift>[0]
  readonly comparisonNotes: (before: Snapshot, after: Snapshot) => string[]
}

/** The changes as JSON. The comparison functions are an argument, so that only a drift loads their modules. */
export function readDrift([from, to]: readonly [Snapshot, Snapshot], { drift, comparisonNotes }: Comparing): Read {
  const changes = drift(from, to)
  const text = Buffer.from(JSON.stringify(changes))
  return { bytes: text.length, text, counts: countDrift(changes), notes: comparisonNotes(from, to) }
}

function summaryOf(snapshot: Snapshot): PartSummary {
  const { findings, observed, schemas } = snapshot
  return { tables: tablesOf(snapshot), schemas: schemas.map(one => one.name), findings, hidden: observed.hidden }
}
