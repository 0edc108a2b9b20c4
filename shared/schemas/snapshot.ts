/**
 * The shape of an introspected schema, as it is stored, sent and compared.
 *
 * An absent field is false, empty or unknown: a compact row leaves defaults out. Names are kept apart from
 * each other, never joined by dots, because a PostgreSQL name may hold a dot, a quote or a newline. Everything in it
 * came from a server that may be hostile: print it, compare it, and never run it.
 */
import { z } from 'zod'

import {
  Composite,
  Domain,
  Enum,
  Extension,
  Other,
  Publication,
  Range,
  Routine,
  Sequence,
  Server,
} from './snapshot-object.ts'
import { Relation } from './snapshot-relation.ts'

const text = z.string().optional()

/** One schema. `enums`, `domains`, `composites` and `ranges` are its own and those of other schemas that its columns use, so that it says all. */
export const SchemaSnapshot = z.object({
  name: z.string(),
  comment: text,
  relations: z.array(Relation),
  enums: z.array(Enum).optional(),
  domains: z.array(Domain).optional(),
  sequences: z.array(Sequence).optional(),
  composites: z.array(Composite).optional(),
  ranges: z.array(Range).optional(),
  functions: z.array(Routine).optional(),
  others: z.array(Other).optional(),
  /** The extension that brought the schema: it is there for objects in it that are not the extension's. */
  extension: text,
})
export type SchemaSnapshot = z.infer<typeof SchemaSnapshot>

/** Why a schema that was asked for is not there. */
export const Finding = z.object({ schema: z.string(), finding: z.enum(['unknown', 'no_usage', 'system']) })
export type Finding = z.infer<typeof Finding>

/** PostgreSQL's own estimates, as of its last vacuum or analyze: `rows` is null when it has none. */
export const Estimate = z.object({
  name: z.string(),
  rows: z.number().nullable(),
  /** Heap, TOAST and indexes, of all partitions together. */
  bytes: z.number(),
  partitions: z.number().optional(),
})
export type Estimate = z.infer<typeof Estimate>

/** How much of what is there the role may not see. */
export const Hidden = z.object({
  schemas: z.number(),
  relations: z.number(),
  columns: z.number(),
  sequences: z.number(),
})

/** An object of an extension. A type's name is its spelling as a column's type. */
const Member = z.object({
  extension: z.string(),
  of: z.enum(['relation', 'type']),
  schema: z.string(),
  name: z.string(),
})
/** An object of an extension. */
export type Member = z.infer<typeof Member>

/** Observations that change while the schema does not: beside the snapshot, outside its fingerprint. */
export const Observed = z.object({
  /** PostgreSQL's `server_version_num`, such as 180004. */
  serverVersionNum: z.number(),
  /** How many objects of the schemas asked for the role may not see. */
  hidden: Hidden,
  estimates: z.array(z.object({ schema: z.string(), relations: z.array(Estimate) })),
  /** Relations, sequences and types that belong to extensions, and so are none of the schema's; not told in format 1. */
  members: z.array(Member).optional(),
})
export type Observed = z.infer<typeof Observed>

/** The format that is written. One of format 1 lacks what came with format 2, and holds what extensions own. */
export const SNAPSHOT_FORMAT = 2

/** The whole: which schemas were asked for (`null`: all but the excluded ones), what was found there, what stands beside. */
export const Snapshot = z.object({
  version: z.union([z.literal(1), z.literal(SNAPSHOT_FORMAT)]),
  schemasAsked: z.array(z.string()).nullable(),
  excludedSchemas: z.array(z.string()),
  findings: z.array(Finding),
  extensions: z.array(Extension),
  publications: z.array(Publication).optional(),
  servers: z.array(Server).optional(),
  /** Those of no schema. */
  others: z.array(Other).optional(),
  schemas: z.array(SchemaSnapshot),
  observed: Observed,
})
export type Snapshot = z.infer<typeof Snapshot>
