/**
 * The shapes of the rows of the catalog query: every string and list has a bound, and a row of any other shape is
 * rejected without further inspection.
 *
 * The server is not trusted to run our query, so these must reject a row that it made up. Only `catalog-wire.ts` parses
 * rows with them.
 */
import { z } from 'zod'
import { list, shortText, wholeNumber, wireBounds } from './catalog-bounds.ts'
import { databaseRows, memberRow, otherRow, traitRows } from './catalog-shapes-trait.ts'

const count = z.number().int().nonnegative()
/**
 * PostgreSQL numbers a table's columns from 1 to 1600; in a key, 0 is an expression, and system columns are negative.
 */
const number = wholeNumber(-100, 1_600)
const numbers = list(number, 'maxColumns')
/** An object identifier, which is text in JSON. It only joins the rows of one relation. */
const id = shortText(10)
/** Letters, each of which stands for a property. */
const letters = shortText(8)
/** A PostgreSQL `bigint`, as text. */
const bigint = shortText(20)
const version = shortText(255)
const action = z.enum(['a', 'r', 'c', 'n', 'd', ' '])

/** The parts of a relation: a constraint, an index, a policy. */
function parts({ name, text }: ReturnType<typeof wireBounds>) {
  const constraint = z.object({
    name,
    kind: z.enum(['p', 'u', 'f', 'c', 'x']),
    /** Null for a check that names no column. */
    numbers: numbers.nullable(),
    targetId: id,
    targetNumbers: numbers.nullable(),
    /** Set for a foreign key to a relation that is not described itself. */
    target: z.object({ schema: name, relation: name, columns: list(name, 'maxColumns') }).nullable(),
    update: action,
    delete: action,
    definition: text.nullable(),
  })
  const index = z.object({
    name,
    definition: text.nullable(),
    unique: z.boolean(),
    valid: z.boolean(),
    /** For a partly visible relation: the columns involved, with `0` for those that cannot be determined. */
    about: numbers.nullable(),
  })
  const policy = z.object({
    name,
    command: z.enum(['*', 'r', 'a', 'w', 'd']),
    permissive: z.boolean(),
    roles: list(name, 'maxParts').nullable(),
    using: text.nullable(),
    check: text.nullable(),
  })
  return { constraint, index, policy }
}

/** The first row of a relation. */
function relationRow({ name, text }: ReturnType<typeof wireBounds>) {
  return z.object({
    k: z.literal('relation'),
    id,
    schema: name,
    name,
    kind: z.enum(['r', 'p', 'f', 'v', 'm']),
    may: letters,
    /** True if the role may see at most some of the columns. */
    partly: z.boolean(),
    secured: z.boolean(),
    forced: z.boolean(),
    rows: z.number().nullable(),
    bytes: z.number().nullable(),
    partitions: z.number().nullable(),
    server: name.nullable(),
    query: text.nullable(),
    partitionKey: text.nullable(),
    options: text.nullable(),
  })
}

/** The further rows of a relation, one for each kind of property. */
function partRows(bounds: ReturnType<typeof wireBounds>) {
  const { name, type, text, byNumber } = bounds
  const { constraint, index, policy } = parts(bounds)
  return [
    /** The arrays are parallel, and null for a relation without columns. */
    z.object({
      k: z.literal('columns'),
      id,
      numbers: numbers.nullable(),
      names: list(name, 'maxColumns').nullable(),
      types: list(type, 'maxColumns').nullable(),
      flags: list(letters, 'maxColumns').nullable(),
      collations: byNumber(type).nullable(),
      may: byNumber(letters).nullable(),
    }),
    z.object({ k: z.literal('defaults'), id, texts: byNumber(text.nullable()) }),
    /** `0` is the comment on the relation itself. */
    z.object({ k: z.literal('comments'), id, texts: byNumber(text) }),
    z.object({ k: z.literal('constraints'), id, constraints: list(constraint, 'maxParts') }),
    z.object({ k: z.literal('indexes'), id, indexes: list(index, 'maxParts') }),
    z.object({ k: z.literal('policies'), id, policies: list(policy, 'maxParts') }),
  ] as const
}

function objectRows({ name, type, text }: ReturnType<typeof wireBounds>) {
  return [
    z.object({
      k: z.literal('enum'),
      schema: name,
      name: type,
      labels: list(name, 'maxLabels').nullable(),
      comment: text.nullable(),
    }),
    z.object({
      k: z.literal('domain'),
      schema: name,
      name: type,
      type,
      notNull: z.boolean(),
      default: text.nullable(),
      collation: type.nullable(),
      checks: list(z.object({ name, definition: text.nullable() }), 'maxParts').nullable(),
      comment: text.nullable(),
      /** True if it belongs to an extension or to PostgreSQL itself. */
      foreign: z.boolean().optional(),
    }),
    z.object({
      k: z.literal('sequence'),
      schema: name,
      name,
      type,
      start: bigint,
      increment: bigint,
      min: bigint,
      max: bigint,
      cache: bigint,
      cycle: z.boolean(),
      unlogged: z.boolean(),
      ownedBy: z.object({ relation: name, column: name }).nullable(),
      comment: text.nullable(),
    }),
  ] as const
}

/** Any row of a database in UTF-8, or in another encoding. */
function anyRow(isUtf8: boolean) {
  const bounds = wireBounds(isUtf8)
  const { name, text } = bounds
  return z.discriminatedUnion('k', [
    relationRow(bounds),
    ...partRows(bounds),
    z.object({ k: z.literal('head'), version: count, encoding: name.optional() }),
    z.object({
      ...{ k: z.literal('schema'), name, usable: z.boolean(), comment: text.nullable() },
      extension: name.nullable(),
    }),
    z.object({ k: z.literal('extension'), name, version, schema: name, requires: list(name, 'maxParts').nullable() }),
    z.object({ k: z.literal('hidden'), relations: count, columns: count, sequences: count }),
    ...objectRows(bounds),
    ...traitRows(bounds),
    ...databaseRows(bounds),
    memberRow(bounds),
    otherRow(bounds),
  ])
}

/** Rows of a database in UTF-8. */
export const UTF8_ROW = anyRow(true)
/** Rows of a database in another encoding. */
export const OTHER_ROW = anyRow(false)

/** Any row. */
export type WireRow = z.infer<typeof UTF8_ROW>
type RowOf<K extends WireRow['k']> = Extract<WireRow, { k: K }>

/** The row of a schema. */
export type WireSchema = RowOf<'schema'>
/** The first row of a relation. */
export type WireRelation = RowOf<'relation'>
/** A further row of a relation. */
export type WirePart = RowOf<'columns' | 'defaults' | 'comments' | 'constraints' | 'indexes' | 'policies'> | WireTrait
/** A further row of a relation with a rare property. */
export type WireTrait = RowOf<
  | 'traits'
  | 'partition'
  | 'identity'
  | 'triggers'
  | 'rules'
  | 'published'
  | 'weak'
  | 'notNullNames'
  | 'remark'
  | 'inherited'
>
/** Objects of format 2 other than relations. */
export type WireObject = RowOf<'composite' | 'range' | 'function' | 'publication' | 'server' | 'member' | 'other'>
/** A constraint. */
export type WireConstraint = RowOf<'constraints'>['constraints'][number]
/** An index. */
export type WireIndex = RowOf<'indexes'>['indexes'][number]
/** A policy. */
export type WirePolicy = RowOf<'policies'>['policies'][number]
/** The row of an enum. */
export type WireEnum = RowOf<'enum'>
/** The row of a domain. */
export type WireDomain = RowOf<'domain'>
/** The row of a sequence. */
export type WireSequence = RowOf<'sequence'>
