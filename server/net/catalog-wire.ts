/**
 * The rows of the catalog query as they come over the wire: the shape that each must have before anything reads it.
 *
 * The server is not trusted to run our query, so a row that it made up must be refused here. Only the reader uses it.
 */
import { z } from 'zod'
import { Fault } from '#shared/fault.ts'

const nullable = z.string().nullable()
const attributeNumber = z.number().int()
/** A map by attribute number; null where there is none. */
const byNumber = z.record(z.string(), z.string()).nullable()
/** `array_agg` over nothing is null. */
const texts = z.array(z.string()).nullable()

const References = z.object({
  schema: z.string(),
  relation: z.string(),
  columns: z.array(z.string()),
  update: z.enum(['a', 'r', 'c', 'n', 'd']),
  delete: z.enum(['a', 'r', 'c', 'n', 'd']),
})

const WireConstraint = z.object({
  name: z.string(),
  kind: z.enum(['p', 'u', 'f', 'c', 'x']),
  /** Null of a check that names no column. */
  columns: z.array(attributeNumber).nullable(),
  references: References.nullable(),
  definition: nullable,
})
/** A constraint; `columns` by number. */
export type WireConstraint = z.infer<typeof WireConstraint>

const WireIndex = z.object({
  name: z.string(),
  definition: nullable,
  unique: z.boolean(),
  valid: z.boolean(),
  /** Of a relation that is seen in part: the columns it is about, `0` for what cannot be told. */
  about: z.array(attributeNumber).nullable(),
})
/** An index. */
export type WireIndex = z.infer<typeof WireIndex>

const WirePolicy = z.object({
  name: z.string(),
  command: z.enum(['*', 'r', 'a', 'w', 'd']),
  permissive: z.boolean(),
  roles: texts,
  using: nullable,
  check: nullable,
})
/** A policy. */
export type WirePolicy = z.infer<typeof WirePolicy>

const WireRelation = z.object({
  k: z.literal('relation'),
  schema: z.string(),
  name: z.string(),
  kind: z.enum(['r', 'p', 'f', 'v', 'm']),
  may: z.string(),
  secured: z.boolean(),
  forced: z.boolean(),
  rows: z.number().nullable(),
  bytes: z.number().nullable(),
  partitions: z.number().nullable(),
  /** Numbers, names, types and flags in parallel, then collations and column permissions by number. */
  columns: z.tuple([z.array(attributeNumber).nullable(), texts, texts, texts, byNumber, byNumber]),
  /** How many columns the role may not see. */
  concealed: z.number().int(),
  defaults: byNumber,
  /** `0` is the relation's own. */
  comments: byNumber,
  constraints: z.array(WireConstraint).nullable(),
  indexes: z.array(WireIndex).nullable(),
  policies: z.array(WirePolicy).nullable(),
  server: nullable,
  query: nullable,
  partitionKey: nullable,
})
/** The row of a relation. */
export type WireRelation = z.infer<typeof WireRelation>

const WireEnum = z.object({
  k: z.literal('enum'),
  schema: z.string(),
  name: z.string(),
  labels: texts,
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
  z.object({ k: z.literal('head'), version: z.number().int() }),
  z.object({ k: z.literal('schema'), name: z.string(), usable: z.boolean(), comment: nullable }),
  z.object({ k: z.literal('extension'), name: z.string(), version: z.string(), schema: z.string() }),
  z.object({ k: z.literal('hidden'), relations: z.number().int(), sequences: z.number().int() }),
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
