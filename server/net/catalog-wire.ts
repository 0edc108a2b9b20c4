/**
 * The rows of the catalog query as they come over the wire: the shape that each must have before anything reads it.
 *
 * The server is not trusted to run our query, so a row that it made up must be refused here. Only the reader uses it.
 */
import { z } from 'zod'
import { Fault } from '#shared/fault.ts'

const nullable = z.string().nullable()
const texts = z.array(z.string())
const count = z.number().int().nonnegative()
/** PostgreSQL numbers a table's columns from 1 to 1600; an expression in a key is 0, and a system column is negative. */
const number = z.number().int().min(-100).max(1_600)
const byNumber = z.record(z.string(), z.string())
/** An object identifier, which JSON has as text. It joins the rows of one relation and goes no further. */
const id = z.string()

const action = z.enum(['a', 'r', 'c', 'n', 'd', ' '])

const WireConstraint = z.object({
  name: z.string(),
  kind: z.enum(['p', 'u', 'f', 'c', 'x']),
  /** Null of a check that names no column. */
  numbers: z.array(number).nullable(),
  targetId: id,
  targetNumbers: z.array(number).nullable(),
  /** Of a foreign key to a relation that is not described itself. */
  target: z.object({ schema: z.string(), relation: z.string(), columns: texts }).nullable(),
  update: action,
  delete: action,
  definition: nullable,
})
/** A constraint. */
export type WireConstraint = z.infer<typeof WireConstraint>

const WireIndex = z.object({
  name: z.string(),
  definition: nullable,
  unique: z.boolean(),
  valid: z.boolean(),
  /** Of a relation that is seen in part: the columns it is about, `0` for what cannot be told. */
  about: z.array(number).nullable(),
})
/** An index. */
export type WireIndex = z.infer<typeof WireIndex>

const WirePolicy = z.object({
  name: z.string(),
  command: z.enum(['*', 'r', 'a', 'w', 'd']),
  permissive: z.boolean(),
  roles: texts.nullable(),
  using: nullable,
  check: nullable,
})
/** A policy. */
export type WirePolicy = z.infer<typeof WirePolicy>

const WireRelation = z.object({
  k: z.literal('relation'),
  id,
  schema: z.string(),
  name: z.string(),
  kind: z.enum(['r', 'p', 'f', 'v', 'm']),
  may: z.string(),
  /** True when the role may see some columns at most. */
  partly: z.boolean(),
  secured: z.boolean(),
  forced: z.boolean(),
  rows: z.number().nullable(),
  bytes: z.number().nullable(),
  partitions: z.number().nullable(),
  server: nullable,
  query: nullable,
  partitionKey: nullable,
  options: nullable,
})
/** The first row of a relation. */
export type WireRelation = z.infer<typeof WireRelation>

/** What a relation has of something; the arrays of columns are parallel, and null of a relation without columns. */
const PARTS = [
  z.object({
    k: z.literal('columns'),
    id,
    numbers: z.array(number).nullable(),
    names: texts.nullable(),
    types: texts.nullable(),
    flags: texts.nullable(),
    collations: byNumber.nullable(),
    may: byNumber.nullable(),
  }),
  z.object({ k: z.literal('defaults'), id, texts: z.record(z.string(), nullable) }),
  /** `0` is the relation's own. */
  z.object({ k: z.literal('comments'), id, texts: byNumber }),
  z.object({ k: z.literal('constraints'), id, constraints: z.array(WireConstraint) }),
  z.object({ k: z.literal('indexes'), id, indexes: z.array(WireIndex) }),
  z.object({ k: z.literal('policies'), id, policies: z.array(WirePolicy) }),
] as const
const WirePart = z.discriminatedUnion('k', PARTS)
/** A further row of a relation. */
export type WirePart = z.infer<typeof WirePart>

const WireEnum = z.object({
  k: z.literal('enum'),
  schema: z.string(),
  name: z.string(),
  labels: texts.nullable(),
  comment: nullable,
})
/** The row of an enum. */
export type WireEnum = z.infer<typeof WireEnum>

const WireDomain = z.object({
  k: z.literal('domain'),
  schema: z.string(),
  name: z.string(),
  type: z.string(),
  notNull: z.boolean(),
  default: nullable,
  collation: nullable,
  checks: z.array(z.object({ name: z.string(), definition: nullable })).nullable(),
  comment: nullable,
})
/** The row of a domain. */
export type WireDomain = z.infer<typeof WireDomain>

const WireSequence = z.object({
  k: z.literal('sequence'),
  schema: z.string(),
  name: z.string(),
  type: z.string(),
  start: z.string(),
  increment: z.string(),
  min: z.string(),
  max: z.string(),
  cache: z.string(),
  cycle: z.boolean(),
  ownedBy: z.object({ relation: z.string(), column: z.string() }).nullable(),
  comment: nullable,
})
/** The row of a sequence. */
export type WireSequence = z.infer<typeof WireSequence>

const WireRow = z.discriminatedUnion('k', [
  WireRelation,
  ...PARTS,
  z.object({ k: z.literal('head'), version: count }),
  z.object({ k: z.literal('schema'), name: z.string(), usable: z.boolean(), comment: nullable }),
  z.object({ k: z.literal('extension'), name: z.string(), version: z.string(), schema: z.string() }),
  z.object({ k: z.literal('hidden'), relations: count, columns: count, sequences: count }),
  WireEnum,
  WireDomain,
  WireSequence,
])
/** Any row. */
export type WireRow = z.infer<typeof WireRow>

/** What is thrown at an answer that our query does not give. `what` is a phrase of ours. */
export function misbehaved(what: string): Fault {
  return new Fault('server_misbehaved', { cause: new Error(`catalog: ${what}`) })
}

/**
 * Reads one row.
 *
 * @throws {Fault} `server_misbehaved`; nothing of the row is in it
 */
export function parseRow(text: string): WireRow {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw misbehaved('a row that is not JSON')
  }
  const row = WireRow.safeParse(value)
  if (!row.success) throw misbehaved('a row of another shape')
  return row.data
}
