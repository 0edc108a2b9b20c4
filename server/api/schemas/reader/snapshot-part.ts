/**
 * Readings of stored snapshots: a part with its names, or what changed between two of them. It imports
 * little: a thread that is started for each reading loads it.
 */

import type { z } from 'zod'
import { countDrift, tablesOf } from '#server/domain/schemas/snapshot-summary.ts'
import type { Finding, Hidden, Snapshot } from '#shared/schemas/snapshot.ts'

/** A snapshot as its row holds it: packed bytes. */
export interface Packed {
  readonly content: Uint8Array
  readonly observed: Uint8Array
}

/** One schema, or one table; both left out for the whole. */
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
  /** Of the answer as JSON; beyond it only its size is told. */
  readonly maxBytes: number
  readonly maxUnpackedBytes: number
}

/** The metadata of a part beside its schemas. Tables are `schema.table`, sorted. */
export interface PartSummary {
  readonly tables: readonly string[]
  readonly schemas: readonly string[]
  readonly findings: readonly z.output<typeof Finding>[]
  readonly hidden: z.output<typeof Hidden>
}

/** The output of a thread: `text` is JSON; of a part, its schemas begin at `schemasAt` and end one byte before its end. */
export interface Read {
  readonly bytes: number
  readonly text?: Uint8Array
  readonly schemasAt?: number
  readonly told?: PartSummary
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

/** A part as JSON, its schemas last, and what there is to say of it. */
export function readPart(part: Snapshot): Read {
  const { schemas, ...beside } = part
  const head = Buffer.from(`${JSON.stringify(beside).slice(0, -1)},"schemas":`)
  const text = Buffer.concat([head, Buffer.from(`${JSON.stringify(schemas)}}`)])
  return { bytes: text.length, text, schemasAt: head.length, told: summaryOf(part) }
}

/** The names in a snapshot. */
export function readNames(snapshot: Snapshot): Read {
  const told = summaryOf(snapshot)
  return { bytes: Buffer.byteLength(JSON.stringify(told)), told }
}

/** The comparison of two snapshots, and the notes on how it was made. */
interface Comparing {
  readonly drift: (before: Snapshot, after: Snapshot) => Parameters<typeof countDrift>[0]
  readonly comparisonNotes: (before: Snapshot, after: Snapshot) => string[]
}

/** The changes as JSON. The comparison is an argument, so that its modules are loaded for it alone. */
export function readDrift([from, to]: readonly [Snapshot, Snapshot], { drift, comparisonNotes }: Comparing): Read {
  const changes = drift(from, to)
  const text = Buffer.from(JSON.stringify(changes))
  return { bytes: text.length, text, counts: countDrift(changes), notes: comparisonNotes(from, to) }
}

function summaryOf(snapshot: Snapshot): PartSummary {
  const { findings, observed, schemas } = snapshot
  return { tables: tablesOf(snapshot), schemas: schemas.map(one => one.name), findings, hidden: observed.hidden }
}
