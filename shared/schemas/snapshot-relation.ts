/**
 * The shape of a table or view in a snapshot, and of what it is made of.
 *
 * As in `snapshot.ts`, which alone says what a whole snapshot is: what is absent is false, empty or unknown.
 */
import { z } from 'zod'

const flag = z.literal(true).optional()
const text = z.string().optional()

/** The privileges of the datasource's own role on a relation or a column. */
export const Permission = z.enum(['select', 'insert', 'update', 'delete'])
export type Permission = z.infer<typeof Permission>

/** The numbers of an identity column's sequence. They are text: they do not fit a JSON number. */
const IdentityOptions = z.object({
  start: text,
  increment: text,
  min: text,
  max: text,
  cache: text,
  cycle: flag,
})
/** The numbers of an identity column's sequence. */
export type IdentityOptions = z.infer<typeof IdentityOptions>

/** An option of a foreign table or column. Of a value that may be a secret there is the SHA-256 alone, as `hash`. */
const Option = z.object({ name: z.string(), value: text, hash: text })
/** An option of a foreign table or column. */
export type Option = z.infer<typeof Option>

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
  /** Privileges on this column and not on the whole relation. */
  may: z.array(Permission).optional(),
  /** Null is refused from now on, and earlier rows may still have it: `not null … not valid` (PostgreSQL 18). */
  notNullUnvalidated: flag,
  /** A table that inherits from this one takes null in it, and is read with it. */
  nullBelow: flag,
  /** Of an identity column: what its sequence was given, where that is not what it has by itself. */
  identityOptions: IdentityOptions.optional(),
  /** The base type of an extension's or PostgreSQL's own domain, which is not in `domains`. */
  base: text,
  /** Of a foreign table's column. */
  options: z.array(Option).optional(),
  /** The name of its not null, where PostgreSQL would give it another one (18). */
  notNullName: text,
})
export type Column = z.infer<typeof Column>

const Action = z.enum(['no_action', 'restrict', 'cascade', 'set_null', 'set_default'])

/** The target of a foreign key, and its actions on rows. */
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
  comment: text,
  /** It comes from the table that this one inherits from or is a partition of. */
  inherited: flag,
})
export type Constraint = z.infer<typeof Constraint>

/** An index that no constraint owns: those of keys and exclusions are their constraints. */
export const Index = z.object({
  name: z.string(),
  definition: z.string(),
  unique: flag,
  invalid: flag,
  comment: text,
  /** It is the part of an index of the table that this one is a partition of. */
  inherited: flag,
})
export type Index = z.infer<typeof Index>

/** A row-level security policy. `roles` is `["public"]` when it is for everyone. */
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

/** How a trigger or a rule fires: `disabled`, in a replica's session alone (`replica`) or in any (`always`). */
const Enabled = z.enum(['disabled', 'replica', 'always']).optional()

/**
 * A trigger. Its arguments, condition and transition tables may hold secrets: of its whole text there is the SHA-256 alone,
 * as `hash`, where it has any of them.
 */
export const Trigger = z.object({
  name: z.string(),
  timing: z.enum(['before', 'after', 'instead_of']),
  events: z.array(z.enum(['insert', 'update', 'delete', 'truncate'])),
  /** Of an update of these columns alone. */
  columns: z.array(z.string()).optional(),
  forEachRow: flag,
  /** With its schema as SQL takes it. */
  function: z.string(),
  enabled: Enabled,
  constraint: z.enum(['immediate', 'deferrable', 'deferred']).optional(),
  hash: text,
  comment: text,
})
export type Trigger = z.infer<typeof Trigger>

/** A rewrite rule, but for the query of a view. */
export const Rule = z.object({
  name: z.string(),
  event: z.enum(['select', 'insert', 'update', 'delete']),
  instead: flag,
  enabled: Enabled,
  definition: z.string(),
  comment: text,
})
export type Rule = z.infer<typeof Rule>

/** That a publication names the table: with which columns (all, if there are none) and rows. */
export const Published = z.object({ name: z.string(), columns: z.array(z.string()).optional(), filter: text })
export type Published = z.infer<typeof Published>

/**
 * The part of a partition that its table does not give it. `name` is empty where it has one alone, `definition` absent where
 * the snapshot does not hold it.
 */
const OwnPart = z.object({
  kind: z.enum([
    ...(['constraint', 'index', 'trigger', 'policy', 'rule', 'default', 'not null', 'publication'] as const),
    ...(['comment', 'storage', 'replica identity', 'row security'] as const),
  ]),
  name: z.string(),
  definition: text,
})
/** The part of a partition that its table does not give it. */
export type OwnPart = z.infer<typeof OwnPart>

/**
 * A partition of a partitioned table, of whatever depth. `name` and `of` are spelled with their schemas as SQL takes them;
 * `of` is what it is a partition of, where that is not the table itself. `bound` is `DEFAULT` or `FOR VALUES …`.
 */
export const Partition = z.object({
  name: z.string(),
  of: text,
  bound: z.string(),
  partitionKey: text,
  unlogged: flag,
  /** The foreign server's name, of a foreign table. */
  server: text,
  /** Of a foreign table. */
  options: z.array(Option).optional(),
  /** In the order of kind and name. */
  own: z.array(OwnPart).optional(),
})
export type Partition = z.infer<typeof Partition>

const RelationName = z.object({ schema: z.string(), name: z.string() })

/**
 * A table, view or materialized view. Partitions are folded into their table, but for those that a foreign key refers to
 * and those whose table the role does not see: these are listed too, with `partitionOf`.
 */
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
  triggers: z.array(Trigger).optional(),
  rules: z.array(Rule).optional(),
  published: z.array(Published).optional(),
  partitions: z.array(Partition).optional(),
  unlogged: flag,
  /** Which old values replication gets: not the primary key's, but all, none, or those of `replicaIndex`. */
  replicaIdentity: z.enum(['full', 'nothing', 'index']).optional(),
  replicaIndex: text,
  /** The tables that it inherits from, in their order; a partition does not. */
  inherits: z.array(RelationName).optional(),
  partitionOf: RelationName.optional(),
  bound: text,
  /** Of a foreign table. */
  serverOptions: z.array(Option).optional(),
  /** The composite type that a typed table is of, as SQL takes it. */
  ofType: text,
  /** `fillfactor=70, toast.autovacuum_enabled=false`, in this order; a view has `options` instead. */
  storage: text,
})
export type Relation = z.infer<typeof Relation>
