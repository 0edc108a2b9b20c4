/**
 * The answers of both dialects about the schema of a database, field by field. Names in it come from a customer's
 * server: print them, never run them.
 */
import { z } from 'zod'
import { Timestamp } from '#shared/base/wire.ts'

const seconds = (description: string) => z.number().int().meta({ description, example: 1_795_305_600 })
const snapshotId = (description: string) =>
  z.string().meta({ description, example: 'snap_01938f5e2c7a7d3ba1f04c8de95b6a72' })
const names = (description: string, example: string) => z.array(z.string()).meta({ description, example: [example] })

/** The answer of `POST /api/v1/connections/{id}/introspect`. */
export const ConnectionIntrospection = z
  .object({
    connection_id: z.uuid().meta({ description: 'The id of the connection.' }),
    table_count: z.number().int().meta({ description: 'How many tables were found.', example: 2 }),
    tables: names('Their names as `schema.table`, sorted.', 'app.orders'),
    schemas_introspected: names('The schemas that were looked at and are there.', 'app'),
    snapshot_id: z.uuid().meta({ description: 'The id of the snapshot that holds what was found.' }),
    introspected_at: Timestamp.meta({ description: 'When it was found.' }),
  })
  .meta({ id: 'ConnectionIntrospection', description: 'What an introspection found.' })

/** Body of `POST /v1/datasources/{id}/introspect`. */
export const IntrospectBody = z
  .strictObject({
    schemas: z
      .array(z.string().min(1).max(63))
      .min(1)
      .max(100)
      .optional()
      .meta({ description: 'Exactly these schemas; without it, all but the excluded ones.', example: ['app'] }),
  })
  .meta({ id: 'IntrospectBody', description: 'What to look at.' })

const Counts = z
  .object({
    breaking: z.number().int().meta({ description: 'Changes by which something that worked fails.', example: 0 }),
    risky: z.number().int().meta({ description: 'Changes by which something may behave otherwise.', example: 0 }),
    safe: z.number().int().meta({ description: 'Changes that harm nothing.', example: 1 }),
  })
  .meta({ id: 'DriftCounts', description: 'How many changes of each class there are.' })

const Found = z
  .object({
    schema: z.string().meta({ description: 'A schema that was asked for.', example: 'app' }),
    finding: z.enum(['unknown', 'no_usage', 'system']).meta({
      description: "Why it is not looked at: there is none, the role may not use it, it is PostgreSQL's own.",
    }),
  })
  .meta({ id: 'SchemaFinding', description: 'What there is to say of a schema that was asked for.' })

const count = (what: string) =>
  z
    .number()
    .int()
    .meta({ description: `How many ${what}.`, example: 0 })
const Unseen = z
  .object({
    schemas: count('schemas'),
    relations: count('tables and views'),
    columns: count('columns'),
    sequences: count('sequences'),
  })
  .meta({ id: 'SchemaHidden', description: 'What is there, and the role may not see it.' })

/** A snapshot without its content. */
export const SchemaSnapshotObject = z
  .object({
    object: z.literal('schema_snapshot').meta({ description: 'Always `schema_snapshot`.' }),
    id: snapshotId('The id of the snapshot.'),
    datasource: z.string().meta({ description: 'The id of the datasource.' }),
    fingerprint: z.string().meta({ description: 'SHA-256 of its canonical form: equal schemas have equal ones.' }),
    table_count: z.number().int().meta({ description: 'How many tables it has.', example: 2 }),
    tables: names('Their names as `schema.table`, sorted.', 'app.orders'),
    previous: snapshotId('The snapshot before it.').nullable().describe('The snapshot before it, if there is one.'),
    drift: Counts.nullable().describe('How many changes there are since the snapshot before it.'),
    findings: z.array(Found).meta({ description: 'Schemas that were asked for and are not looked at.' }),
    hidden: Unseen,
    taken: seconds('When it was first found (Unix seconds).'),
    seen: seconds('When it was last seen to hold (Unix seconds).'),
  })
  .meta({ id: 'SchemaSnapshot', description: 'What a schema looked like, without its content.' })

/** A snapshot with its content. */
export const SchemaObject = z
  .object({
    ...SchemaSnapshotObject.shape,
    object: z.literal('schema').meta({ description: 'Always `schema`.' }),
    schemas: z
      .array(z.looseObject({}))
      .meta({ description: 'The schemas with their relations, columns, constraints, indexes and policies.' }),
  })
  .meta({ id: 'Schema', description: 'What a schema looks like.' })

/** Query of `GET /v1/datasources/{id}/schema`. */
export const SchemaQuery = z.strictObject({
  schema: z.string().max(63).optional().meta({ description: 'One schema of it.', example: 'app' }),
  table: z.string().max(63).optional().meta({ description: 'One table, of that schema or of all.', example: 'orders' }),
})

/** Query of `GET /v1/datasources/{id}/schema/drift`. */
export const DriftQuery = z.strictObject({
  from: snapshotId('A snapshot.').optional().describe('The snapshot to compare from; without it, the one before `to`.'),
  to: snapshotId('A snapshot.').optional().describe('The snapshot to compare to; without it, the latest.'),
})

const DriftChange = z
  .looseObject({
    kind: z.enum(['added', 'removed', 'changed']).meta({ description: 'What happened.' }),
    object: z.string().meta({ description: 'What it happened to.', example: 'column' }),
    path: names('Its names, from the schema down.', 'app'),
    class: z.enum(['breaking', 'risky', 'safe']).meta({ description: 'What it means for who uses it.' }),
    reason: z.string().meta({ description: 'Why, in a sentence.' }),
  })
  .meta({ id: 'DriftChange', description: 'One change.' })

/** The answer of `GET /v1/datasources/{id}/schema/drift`. */
export const DriftObject = z
  .object({
    object: z.literal('schema_drift').meta({ description: 'Always `schema_drift`.' }),
    from: snapshotId('The snapshot compared from.'),
    to: snapshotId('The snapshot compared to.'),
    counts: Counts,
    notes: z.array(z.string()).meta({
      description: 'Sentences on how they were compared: that they have two formats, or two major versions.',
      example: ['The servers are PostgreSQL 15 and 18, which spell some expressions otherwise.'],
    }),
    changes: z.array(DriftChange).meta({ description: 'Every change, in the order of the schema.' }),
  })
  .meta({ id: 'SchemaDrift', description: 'What changed from one snapshot to another.' })
