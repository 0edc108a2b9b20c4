/**
 * The shape of an introspected schema, as it is stored, sent and compared.
 *
 * An absent field is false, empty or unknown, which keeps rows compact. Names are separate fields and never joined by
 * dots, because a PostgreSQL name may contain a dot, a quote or a newline. Everything in a snapshot came from a server
 * that may be hostile: print it, compare it, and never run it.
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

/**
 * One schema. `enums`, `domains`, `composites` and `ranges` also include types of other schemas that its columns use,
 * so that the schema is complete.
 */
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
  /**
   * The extension that created the schema. Such a schema is listed for objects in it that do not belong to the
   * extension.
   */
  extension: text,
})
export type SchemaSnapshot = z.infer<typeof SchemaSnapshot>

/** The reason why a requested schema is missing. */
export const Finding = z.object({ schema: z.string(), finding: z.enum(['unknown', 'no_usage', 'system']) })
export type Finding = z.infer<typeof Finding>

/** PostgreSQL's own estimates as of its last vacuum or analyze. `rows` is null if it has none. */
export const Estimate = z.object({
  name: z.string(),
  rows: z.number().nullable(),
  /** Heap, TOAST and indexes, of all partitions together. */
  bytes: z.number(),
  partitions: z.number().optional(),
})
export type Estimate = z.infer<typeof Estimate>

/** The number of objects that the role cannot see. */
export const Hidden = z.object({
  schemas: z.number(),
  relations: z.number(),
  columns: z.number(),
  sequences: z.number(),
})

/** An object that belongs to an extension. The name of a type is as a column shows it. */
const Member = z.object({
  extension: z.string(),
  of: z.enum(['relation', 'type']),
  schema: z.string(),
  name: z.string(),
})
/** An object that belongs to an extension. */
export type Member = z.infer<typeof Member>

/**
 * Observations that can change while the schema stays the same. They are stored next to the snapshot and are not part
 * of its fingerprint.
 */
export const Observed = z.object({
  /** PostgreSQL's `server_version_num`, such as 180004. */
  serverVersionNum: z.number(),
  /** The number of objects in the requested schemas that the role cannot see. */
  hidden: Hidden,
  estimates: z.array(z.object({ schema: z.string(), relations: z.array(Estimate) })),
  /**
   * Relations, sequences and types that belong to extensions and are therefore not part of the schema; absent in format
   * 1.
   */
  members: z.array(Member).optional(),
})
export type Observed = z.infer<typeof Observed>

/**
 * The format of new snapshots. Format 1 lacks the properties added in format 2, and includes objects owned by
 * extensions.
 */
export const SNAPSHOT_FORMAT = 2

/**
 * The whole snapshot: the requested schemas (`null`: all except the excluded ones), what was found in them, and
 * observations.
 */
export const Snapshot = z.object({
  version: z.union([z.literal(1), z.literal(SNAPSHOT_FORMAT)]),
  schemasAsked: z.array(z.string()).nullable(),
  excludedSchemas: z.array(z.string()),
  findings: z.array(Finding),
  extensions: z.array(Extension),
  publications: z.array(Publication).optional(),
  servers: z.array(Server).optional(),
  /** Objects that belong to no schema. */
  others: z.array(Other).optional(),
  schemas: z.array(SchemaSnapshot),
  observed: Observed,
})
export type Snapshot = z.infer<typeof Snapshot>
