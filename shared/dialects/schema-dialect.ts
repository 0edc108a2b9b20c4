/**
 * The answers of both dialects about the schema of a database, field by field. The names in them come from a customer's
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
    table_count: z.number().int().meta({ description: 'The number of tables found.', example: 2 }),
    tables: names('Their names as `schema.table`, sorted.', 'app.orders'),
    schemas_introspected: names('The existing schemas that were introspected.', 'app'),
    snapshot_id: z.uuid().meta({ description: 'The id of the snapshot with the result.' }),
    introspected_at: Timestamp.meta({ description: 'The time of the introspection.' }),
  })
  .meta({ id: 'ConnectionIntrospection', description: 'The result of an introspection.' })

/** Body of `POST /v1/datasources/{id}/introspect`. */
export const IntrospectBody = z
  .strictObject({
    schemas: z
      .array(z.string().min(1).max(63))
      .min(1)
      .max(100)
      .optional()
      .meta({ description: 'Exactly these schemas; by default, all except the excluded ones.', example: ['app'] }),
  })
  .meta({ id: 'IntrospectBody', description: 'The schemas to introspect.' })

const Counts = z
  .object({
    breaking: z
      .number()
      .int()
      .meta({ description: 'The number of changes that break something that worked.', example: 0 }),
    risky: z.number().int().meta({ description: 'The number of changes that may alter some behaviour.', example: 0 }),
    safe: z.number().int().meta({ description: 'The number of harmless changes.', example: 1 }),
  })
  .meta({ id: 'DriftCounts', description: 'The number of changes in each class.' })

const Found = z
  .object({
    schema: z.string().meta({ description: 'A requested schema.', example: 'app' }),
    finding: z.enum(['unknown', 'no_usage', 'system']).meta({
      description: "The reason for skipping it: it does not exist, the role may not use it, or it is PostgreSQL's own.",
    }),
  })
  .meta({ id: 'SchemaFinding', description: 'A finding about a requested schema.' })

const count = (what: string) =>
  z
    .number()
    .int()
    .meta({ description: `The number of ${what}.`, example: 0 })
const Unseen = z
  .object({
    schemas: count('schemas'),
    relations: count('tables and views'),
    columns: count('columns'),
    sequences: count('sequences'),
  })
  .meta({ id: 'SchemaHidden', description: 'The number of objects that the role cannot see.' })

/** A snapshot without its content. */
export const SchemaSnapshotObject = z
  .object({
    object: z.literal('schema_snapshot').meta({ description: 'Always `schema_snapshot`.' }),
    id: snapshotId('The id of the snapshot.'),
    datasource: z.string().meta({ description: 'The id of the datasource.' }),
    fingerprint: z
      .string()
      .meta({ description: 'SHA-256 of its canonical form: equal schemas have equal fingerprints.' }),
    table_count: z.number().int().meta({ description: 'The number of tables.', example: 2 }),
    tables: names('Their names as `schema.table`, sorted.', 'app.orders'),
    previous: snapshotId('The previous snapshot.').nullable().describe('The previous snapshot, if there is one.'),
    drift: Counts.nullable().describe('The number of changes since the previous snapshot.'),
    findings: z.array(Found).meta({ description: 'Requested schemas that were skipped.' }),
    hidden: Unseen,
    taken: seconds('When it was first found (Unix seconds).'),
    seen: seconds('When an introspection last confirmed it (Unix seconds).'),
  })
  .meta({ id: 'SchemaSnapshot', description: 'A snapshot of a schema, without its content.' })

/** A snapshot with its content. */
export const SchemaObject = z
  .object({
    ...SchemaSnapshotObject.shape,
    object: z.literal('schema').meta({ description: 'Always `schema`.' }),
    schemas: z
      .array(z.looseObject({}))
      .meta({ description: 'The schemas with their relations, columns, constraints, indexes and policies.' }),
  })
  .meta({ id: 'Schema', description: 'A snapshot of a schema.' })

/** Query of `GET /v1/datasources/{id}/schema`. */
export const SchemaQuery = z.strictObject({
  schema: z.string().max(63).optional().meta({ description: 'One schema of it.', example: 'app' }),
  table: z.string().max(63).optional().meta({ description: 'One table, in that schema or in any.', example: 'orders' }),
})

/** Query of `GET /v1/datasources/{id}/schema/drift`. */
export const DriftQuery = z.strictObject({
  from: snapshotId('A snapshot.').optional().describe('The older snapshot; by default, the one before `to`.'),
  to: snapshotId('A snapshot.').optional().describe('The newer snapshot; by default, the latest.'),
})

const DriftChange = z
  .looseObject({
    kind: z.enum(['added', 'removed', 'changed']).meta({ description: 'The kind of change.' }),
    object: z.string().meta({ description: 'The kind of object.', example: 'column' }),
    path: names('The path of the object, from its schema down.', 'app'),
    class: z.enum(['breaking', 'risky', 'safe']).meta({ description: 'The effect on users of the datasource.' }),
    reason: z.string().meta({ description: 'The reason for the class, in a sentence.' }),
  })
  .meta({ id: 'DriftChange', description: 'One change.' })

/** The answer of `GET /v1/datasources/{id}/schema/drift`. */
export const DriftObject = z
  .object({
    object: z.literal('schema_drift').meta({ description: 'Always `schema_drift`.' }),
    from: snapshotId('The older snapshot.'),
    to: snapshotId('The newer snapshot.'),
    counts: Counts,
    notes: z.array(z.string()).meta({
      description: 'Notes on the comparison: that the formats differ, or the major versions of the servers.',
      example: ['The servers are PostgreSQL 15 and 18, which format some expressions differently.'],
    }),
    changes: z.array(DriftChange).meta({ description: 'All changes, in schema order.' }),
  })
  .meta({ id: 'SchemaDrift', description: 'The changes from one snapshot to another.' })
