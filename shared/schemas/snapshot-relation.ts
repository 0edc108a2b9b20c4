/**
 * The shape of a table or view in a snapshot, and of its parts.
 *
 * As in `snapshot.ts`, which defines a whole snapshot, an absent field is false, empty or unknown.
 */
import { z } from 'zod'

const flag = z.literal(true).optional()
const text = z.string().optional()

/** The privileges of the datasource's own role on a relation or a column. */
export const Permission = z.enum(['select', 'insert', 'update', 'delete'])
export type Permission = z.infer<typeof Permission>

/** The options of an identity column's sequence. They are text, because they exceed the range of a JSON number. */
const IdentityOptions = z.object({
  start: text,
  increment: text,
  min: text,
  max: text,
  cache: text,
  cycle: flag,
})
/** The options of an identity column's sequence. */
export type IdentityOptions = z.infer<typeof IdentityOptions>

/** An option of a foreign table or column. If the value may be a secret, only its SHA-256 is kept, as `hash`. */
const Option = z.object({ name: z.string(), value: text, hash: text })
/** An option of a foreign table or column. */
export type Option = z.infer<typeof Option>

/**
 * A column. `type` is as `format_type` prints it with an empty search path: names outside `pg_catalog` are qualified.
 * The labels of an enum and the base type of a domain are in the schema's `enums` and `domains`, under that name.
 */
export const Column = z.object({
  name: z.string(),
  type: z.string(),
  notNull: flag,
  default: text,
  identity: z.enum(['always', 'by_default']).optional(),
  /** The expression of a generated column. `virtual` is true if it is computed on reading (PostgreSQL 18). */
  generated: text,
  virtual: flag,
  /** Present only if it differs from the collation of the type. */
  collation: text,
  comment: text,
  /** Privileges on this column that do not cover the whole relation. */
  may: z.array(Permission).optional(),
  /** True if null is refused, but existing rows may contain it: `not null … not valid` (PostgreSQL 18). */
  notNullUnvalidated: flag,
  /**
   * True if a table that inherits from this one accepts null in the column; its rows are read along with this table's.
   */
  nullBelow: flag,
  /** The options of an identity column's sequence that differ from the defaults. */
  identityOptions: IdentityOptions.optional(),
  /** The base type of a domain that belongs to an extension or PostgreSQL and is therefore not in `domains`. */
  base: text,
  /** The options of a column of a foreign table. */
  options: z.array(Option).optional(),
  /** The name of its not-null constraint, if it is not the one that PostgreSQL would choose (18). */
  notNullName: text,
})
export type Column = z.infer<typeof Column>

const Action = z.enum(['no_action', 'restrict', 'cascade', 'set_null', 'set_default'])

/** The target of a foreign key, and its referential actions. */
const Reference = z.object({
  schema: z.string(),
  relation: z.string(),
  columns: z.array(z.string()),
  onUpdate: Action,
  onDelete: Action,
})

/**
 * A constraint. `definition` is PostgreSQL's text; it is omitted for primary, unique and foreign keys without further
 * clauses, which the other fields describe completely.
 */
export const Constraint = z.object({
  name: z.string(),
  kind: z.enum(['primary_key', 'unique', 'foreign_key', 'check', 'exclusion']),
  columns: z.array(z.string()),
  references: Reference.optional(),
  definition: text,
  comment: text,
  /** True if it comes from a table that this table inherits from or is a partition of. */
  inherited: flag,
})
export type Constraint = z.infer<typeof Constraint>

/** An index that does not belong to a constraint. The indexes of keys and exclusions are part of their constraints. */
export const Index = z.object({
  name: z.string(),
  definition: z.string(),
  unique: flag,
  invalid: flag,
  comment: text,
  /** True if it belongs to an index of the table that this table is a partition of. */
  inherited: flag,
})
export type Index = z.infer<typeof Index>

/** A row-level security policy. `roles` is `["public"]` if it applies to everyone. */
export const Policy = z.object({
  name: z.string(),
  command: z.enum(['all', 'select', 'insert', 'update', 'delete']),
  restrictive: flag,
  roles: z.array(z.string()),
  using: text,
  check: text,
  comment: text,
})
export type Policy = z.infer<typeof Policy>

/**
 * When a trigger or rule fires: never (`disabled`), only in a replica's session (`replica`), or in any session
 * (`always`).
 */
const Enabled = z.enum(['disabled', 'replica', 'always']).optional()

/**
 * A trigger. Its arguments, condition and transition tables may contain secrets; if it has any of them, only the
 * SHA-256 of its whole text is kept, as `hash`.
 */
export const Trigger = z.object({
  name: z.string(),
  timing: z.enum(['before', 'after', 'instead_of']),
  events: z.array(z.enum(['insert', 'update', 'delete', 'truncate'])),
  /** The columns whose update fires it. */
  columns: z.array(z.string()).optional(),
  forEachRow: flag,
  /** The function with its schema, as SQL accepts it. */
  function: z.string(),
  enabled: Enabled,
  constraint: z.enum(['immediate', 'deferrable', 'deferred']).optional(),
  hash: text,
  comment: text,
})
export type Trigger = z.infer<typeof Trigger>

/** A rewrite rule, other than the query of a view. */
export const Rule = z.object({
  name: z.string(),
  event: z.enum(['select', 'insert', 'update', 'delete']),
  instead: flag,
  enabled: Enabled,
  definition: z.string(),
  comment: text,
})
export type Rule = z.infer<typeof Rule>

/** Membership of the table in a publication, with its columns (all, if there are none) and its row filter. */
export const Published = z.object({ name: z.string(), columns: z.array(z.string()).optional(), filter: text })
export type Published = z.infer<typeof Published>

/**
 * A part of a partition that does not come from its table. `name` is empty if there can be only one; `definition` is
 * absent if the snapshot does not hold it.
 */
const OwnPart = z.object({
  kind: z.enum([
    ...(['constraint', 'index', 'trigger', 'policy', 'rule', 'default', 'not null', 'publication'] as const),
    ...(['comment', 'storage', 'replica identity', 'row security'] as const),
  ]),
  name: z.string(),
  definition: text,
})
/** A part of a partition that does not come from its table. */
export type OwnPart = z.infer<typeof OwnPart>

/**
 * A partition of a partitioned table, at any depth. `name` and `of` include their schemas, as SQL accepts them; `of` is
 * the parent, if that is not the table itself. `bound` is `DEFAULT` or `FOR VALUES …`.
 */
export const Partition = z.object({
  name: z.string(),
  of: text,
  bound: z.string(),
  partitionKey: text,
  unlogged: flag,
  /** The foreign server's name, for a foreign table. */
  server: text,
  /** The options of a foreign table. */
  options: z.array(Option).optional(),
  /** Sorted by kind and name. */
  own: z.array(OwnPart).optional(),
})
export type Partition = z.infer<typeof Partition>

const RelationName = z.object({ schema: z.string(), name: z.string() })

/**
 * A table, view or materialized view. Partitions are included in their table. A partition is listed separately, with
 * `partitionOf`, only if a foreign key refers to it or the role cannot see its table.
 */
export const Relation = z.object({
  name: z.string(),
  kind: z.enum(['table', 'partitioned_table', 'foreign_table', 'view', 'materialized_view']),
  comment: text,
  /** In the table's own order; every other list is sorted by name. */
  columns: z.array(Column),
  constraints: z.array(Constraint).optional(),
  indexes: z.array(Index).optional(),
  rowSecurity: flag,
  rowSecurityForced: flag,
  policies: z.array(Policy).optional(),
  /** `RANGE (at)`, for a partitioned table. */
  partitionKey: text,
  /** The foreign server's name, for a foreign table. */
  server: text,
  /** The query, for a view or materialized view. */
  definition: text,
  /** `security_barrier=true, security_invoker=true`, in this order, for a view. */
  options: text,
  may: z.array(Permission).optional(),
  triggers: z.array(Trigger).optional(),
  rules: z.array(Rule).optional(),
  published: z.array(Published).optional(),
  partitions: z.array(Partition).optional(),
  unlogged: flag,
  /** The old values that replication sends if not those of the primary key: all, none, or those of `replicaIndex`. */
  replicaIdentity: z.enum(['full', 'nothing', 'index']).optional(),
  replicaIndex: text,
  /** The tables that it inherits from, in order; absent for a partition. */
  inherits: z.array(RelationName).optional(),
  partitionOf: RelationName.optional(),
  bound: text,
  /** The options of a foreign table. */
  serverOptions: z.array(Option).optional(),
  /** The composite type of a typed table, as SQL accepts it. */
  ofType: text,
  /** `fillfactor=70, toast.autovacuum_enabled=false`, in this order; a view has `options` instead. */
  storage: text,
})
export type Relation = z.infer<typeof Relation>
