/**
 * The shapes of what is no relation in a snapshot: types, functions, sequences, extensions, publications and servers.
 *
 * As in `snapshot.ts`, which alone says what a whole snapshot is: what is absent is false, empty or unknown.
 */
import { z } from 'zod'

const flag = z.literal(true).optional()
const text = z.string().optional()

/** An enum type; `name` is its spelling as a column's type, `labels` are in the enum's order. */
export const Enum = z.object({ name: z.string(), labels: z.array(z.string()), comment: text })
export type Enum = z.infer<typeof Enum>

/** A domain; `name` is its spelling as a column's type, `type` what it is made of. */
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

/** A composite type; `name` is its spelling as a column's type, `attributes` are in the type's order. */
export const Composite = z.object({
  name: z.string(),
  attributes: z.array(z.object({ name: z.string(), type: z.string(), collation: text })),
  comment: text,
})
export type Composite = z.infer<typeof Composite>

/** A range type over `type`. `class` is an operator class that is not the type's own; functions come with their schema. */
export const Range = z.object({
  name: z.string(),
  type: z.string(),
  collation: text,
  class: text,
  canonical: text,
  difference: text,
  /** The spelling of its multirange as a column's type, where it is not the one that PostgreSQL gives it (14). */
  multirange: text,
  comment: text,
})
export type Range = z.infer<typeof Range>

/**
 * The signature of a function, procedure or aggregate. `name` is `add(integer, integer)`, which tells it from those of the
 * same name. The body may hold secrets: there is its SHA-256 alone, as `hash`.
 */
export const Routine = z.object({
  name: z.string(),
  kind: z.enum(['function', 'procedure', 'aggregate', 'window']),
  /** With their names and defaults. */
  arguments: z.string(),
  /** Not of a procedure. */
  result: text,
  language: z.string(),
  /** Volatile, if it is neither. */
  volatility: z.enum(['immutable', 'stable']).optional(),
  securityDefiner: flag,
  strict: flag,
  leakproof: flag,
  /** Unsafe, if it is neither. */
  parallel: z.enum(['safe', 'restricted']).optional(),
  /** The SHA-256 of the other settings that it sets for itself, which may be secrets. */
  settings: text,
  /** The search path that it sets for itself. */
  searchPath: text,
  hash: z.string(),
  /** The role may not execute it. */
  denied: flag,
  comment: text,
})
export type Routine = z.infer<typeof Routine>

/** A sequence that is not the inside of an identity column. Its bounds are text: they do not fit a JSON number. */
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
  /** The extensions that it needs. */
  requires: z.array(z.string()).optional(),
})
export type Extension = z.infer<typeof Extension>

/** A publication of the database. `operations` are those that it publishes. */
export const Publication = z.object({
  name: z.string(),
  allTables: flag,
  schemas: z.array(z.string()).optional(),
  operations: z.array(z.enum(['insert', 'update', 'delete', 'truncate'])),
  /** Changes of partitions are published as those of their table. */
  viaRoot: flag,
  /** Stored generated columns are published, too (PostgreSQL 18). */
  generated: flag,
})
export type Publication = z.infer<typeof Publication>

/**
 * An object that a snapshot has no shape for. `name` is its kind and how PostgreSQL identifies it: `operator app.+(app.money,
 * app.money)`. Of collations and statistics there is the statement that makes them, of others the SHA-256 of their properties.
 */
export const Other = z.object({ name: z.string(), definition: text, hash: text })
export type Other = z.infer<typeof Other>

/** A foreign server that a foreign table uses. `extension` made its wrapper; its options may be secrets and are not told. */
export const Server = z.object({ name: z.string(), wrapper: z.string(), extension: text, handled: flag })
export type Server = z.infer<typeof Server>
