/**
 * The shapes of objects other than relations in a snapshot: types, functions, sequences, extensions, publications and
 * servers.
 *
 * As in `snapshot.ts`, which defines a whole snapshot, an absent field is false, empty or unknown.
 */
import { z } from 'zod'

const flag = z.literal(true).optional()
const text = z.string().optional()

/** An enum type. `name` is the type's name as a column shows it; `labels` are in the enum's order. */
export const Enum = z.object({ name: z.string(), labels: z.array(z.string()), comment: text })
export type Enum = z.infer<typeof Enum>

/** A domain. `name` is the type's name as a column shows it; `type` is its base type. */
export const Domain = z.object({
  name: z.string(),
  type: z.string(),
  notNull: flag,
  default: text,
  collation: text,
  checks: z.array(z.object({ name: z.string(), definition: z.string() })).optional(),
  comment: text,
})
export type Domain = z.infer<typeof Domain>

/** A composite type. `name` is the type's name as a column shows it; `attributes` are in the type's order. */
export const Composite = z.object({
  name: z.string(),
  attributes: z.array(z.object({ name: z.string(), type: z.string(), collation: text })),
  comment: text,
})
export type Composite = z.infer<typeof Composite>

/**
 * A range type over `type`. `class` is an operator class other than the type's default; functions include their schema.
 */
export const Range = z.object({
  name: z.string(),
  type: z.string(),
  collation: text,
  class: text,
  canonical: text,
  difference: text,
  /** The name of its multirange type, if it is not the one that PostgreSQL would choose (14). */
  multirange: text,
  comment: text,
})
export type Range = z.infer<typeof Range>

/**
 * The signature of a function, procedure or aggregate. `name` has the form `add(integer, integer)`, to distinguish
 * overloads. The body may contain secrets, so only its SHA-256 is kept, as `hash`.
 */
export const Routine = z.object({
  name: z.string(),
  kind: z.enum(['function', 'procedure', 'aggregate', 'window']),
  /** The arguments with their names and defaults. */
  arguments: z.string(),
  /** The result type; absent for a procedure. */
  result: text,
  language: z.string(),
  /** Absent if volatile. */
  volatility: z.enum(['immutable', 'stable']).optional(),
  securityDefiner: flag,
  strict: flag,
  leakproof: flag,
  /** Absent if unsafe. */
  parallel: z.enum(['safe', 'restricted']).optional(),
  /** The SHA-256 of its other `set` clauses, which may contain secrets. */
  settings: text,
  /** The search path that it sets. */
  searchPath: text,
  hash: z.string(),
  /** True if the role may not execute it. */
  denied: flag,
  comment: text,
})
export type Routine = z.infer<typeof Routine>

/**
 * A sequence that does not belong to an identity column. Its bounds are text, because they exceed the range of a JSON
 * number.
 */
export const Sequence = z.object({
  name: z.string(),
  type: z.string(),
  start: z.string(),
  increment: z.string(),
  min: z.string(),
  max: z.string(),
  cache: z.string(),
  cycle: flag,
  unlogged: flag,
  ownedBy: z.object({ relation: z.string(), column: z.string() }).optional(),
  comment: text,
})
export type Sequence = z.infer<typeof Sequence>

/** An extension of the database. */
export const Extension = z.object({
  name: z.string(),
  version: z.string(),
  schema: z.string(),
  /** The extensions that it requires. */
  requires: z.array(z.string()).optional(),
})
export type Extension = z.infer<typeof Extension>

/** A publication of the database. `operations` are the operations that it publishes. */
export const Publication = z.object({
  name: z.string(),
  allTables: flag,
  schemas: z.array(z.string()).optional(),
  operations: z.array(z.enum(['insert', 'update', 'delete', 'truncate'])),
  /** True if changes of partitions are published as changes of their table. */
  viaRoot: flag,
  /** True if stored generated columns are published, too (PostgreSQL 18). */
  generated: flag,
})
export type Publication = z.infer<typeof Publication>

/**
 * An object that has no shape of its own in a snapshot. `name` is its kind and PostgreSQL's identity for it: `operator
 * app.+(app.money, app.money)`. Collations and statistics have the statement that creates them as `definition`; all
 * others have the SHA-256 of their properties as `hash`.
 */
export const Other = z.object({ name: z.string(), definition: text, hash: text })
export type Other = z.infer<typeof Other>

/**
 * A foreign server that a foreign table uses. `extension` created its wrapper. Its options may be secrets and are not
 * included.
 */
export const Server = z.object({ name: z.string(), wrapper: z.string(), extension: text, handled: flag })
export type Server = z.infer<typeof Server>
