/**
 * The shape of an introspected schema, as it is stored, sent and compared.
 *
 * What is absent is false, empty or unknown: a compact row holds only what says something. Names are kept apart from
 * each other, never joined by dots, because a PostgreSQL name may hold a dot, a quote or a newline. Everything in it
 * came from a server that may be hostile: print it, compare it, and never run it.
 */
import { z } from 'zod'

const flag = z.literal(true).optional()
const text = z.string().optional()

/** What the datasource's own role may do with a relation or a column. */
export const Permission = z.enum(['select', 'insert', 'update', 'delete'])
export type Permission = z.infer<typeof Permission>

/**
 * A column. `type` is as `format_type` spells it with an empty search path: everything outside `pg_catalog` is
 * qualified. An enum's labels and a domain's base type stand in the schema's `enums` and `domains`, under that spelling.
 */
export const Column = z.object({
  name: z.string(),
  type: z.string(),
  notNull: flag,
  default: text,
  identity: z.enum(['always', 'by_default']).optional(),
  /** The expression of a generated column; `virtual` when it is computed on reading (PostgreSQL 18). */
  generated: text,
  virtual: flag,
  /** Only where it is not the type's own. */
  collation: text,
  comment: text,
  /** What is granted on this column and not on the whole relation. */
  may: z.array(Permission).optional(),
})
export type Column = z.infer<typeof Column>

const Action = z.enum(['no_action', 'restrict', 'cascade', 'set_null', 'set_default'])

/** Where a foreign key points, and what happens to its rows. */
const Reference = z.object({
  schema: z.string(),
  relation: z.string(),
  columns: z.array(z.string()),
  onUpdate: Action,
  onDelete: Action,
})

/**
 * A constraint. `definition` is PostgreSQL's text of it, left out where the rest says it whole: of primary, unique and
 * foreign keys without further clauses.
 */
export const Constraint = z.object({
  name: z.string(),
  kind: z.enum(['primary_key', 'unique', 'foreign_key', 'check', 'exclusion']),
  columns: z.array(z.string()),
  references: Reference.optional(),
  definition: text,
})
export type Constraint = z.infer<typeof Constraint>

/** An index that no constraint owns: those of keys and exclusions are their constraints. */
export const Index = z.object({ name: z.string(), definition: z.string(), unique: flag, invalid: flag })
export type Index = z.infer<typeof Index>

/** A row-level security policy. `roles` is `["public"]` when it is for everyone. */
export const Policy = z.object({
  name: z.string(),
  command: z.enum(['all', 'select', 'insert', 'update', 'delete']),
  restrictive: flag,
  roles: z.array(z.string()),
  using: text,
  check: text,
})
export type Policy = z.infer<typeof Policy>

/** A table, view or materialized view. The partitions of a partitioned table are folded into it and never listed. */
export const Relation = z.object({
  name: z.string(),
  kind: z.enum(['table', 'partitioned_table', 'foreign_table', 'view', 'materialized_view']),
  comment: text,
  /** In the table's own order; every other list is ordered by name. */
  columns: z.array(Column),
  constraints: z.array(Constraint).optional(),
  indexes: z.array(Index).optional(),
  rowSecurity: flag,
  rowSecurityForced: flag,
  policies: z.array(Policy).optional(),
  /** `RANGE (at)`, of a partitioned table. */
  partitionKey: text,
  /** The foreign server's name, of a foreign table. */
  server: text,
  /** The query, of a view or materialized view. */
  definition: text,
  /** `security_barrier=true, security_invoker=true`, of a view, in this order. */
  options: text,
  may: z.array(Permission).optional(),
})
export type Relation = z.infer<typeof Relation>

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
  ownedBy: z.object({ relation: z.string(), column: z.string() }).optional(),
  comment: text,
})
export type Sequence = z.infer<typeof Sequence>

/** One schema. `enums` and `domains` are its own and those of other schemas that its columns use, so that it says all. */
export const SchemaSnapshot = z.object({
  name: z.string(),
  comment: text,
  relations: z.array(Relation),
  enums: z.array(Enum).optional(),
  domains: z.array(Domain).optional(),
  sequences: z.array(Sequence).optional(),
})
export type SchemaSnapshot = z.infer<typeof SchemaSnapshot>

/** An extension of the database. */
export const Extension = z.object({ name: z.string(), version: z.string(), schema: z.string() })
export type Extension = z.infer<typeof Extension>

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

/** What changes though the schema does not: it stands beside the snapshot, outside its fingerprint. */
export const Observed = z.object({
  /** PostgreSQL's `server_version_num`, such as 180004. */
  serverVersionNum: z.number(),
  /** How many objects of the schemas asked for the role may not see. */
  hidden: Hidden,
  estimates: z.array(z.object({ schema: z.string(), relations: z.array(Estimate) })),
})
export type Observed = z.infer<typeof Observed>

/** The whole: which schemas were asked for (`null`: all but the excluded ones), what was found there, what stands beside. */
export const Snapshot = z.object({
  version: z.literal(1),
  schemasAsked: z.array(z.string()).nullable(),
  excludedSchemas: z.array(z.string()),
  findings: z.array(Finding),
  extensions: z.array(Extension),
  schemas: z.array(SchemaSnapshot),
  observed: Observed,
})
export type Snapshot = z.infer<typeof Snapshot>
