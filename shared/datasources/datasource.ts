/**
 * The canonical entity, in tRPC's form: a customer's registered database. Both dialects map to and from it.
 *
 * No output shape here has a field for a credential; `connectionString` and `signingKey` occur only in inputs.
 */
import { z } from 'zod'
import { DatasourceId } from '#shared/base/datasource-name.ts'
import { MAX_PAGE } from '#shared/base/page.ts'
import { codePoints, isStorable, storableText } from '#shared/base/text.ts'
import { Mode, Timestamp } from '#shared/base/wire.ts'
import { Advisory, Check } from '#shared/checks/check.ts'

/** How Mooring reaches a datasource: by a connection string, or by signed requests. */
export const Kind = z.enum(['direct', 'endpoint'])
export type Kind = z.infer<typeof Kind>

/** The state of a datasource; `server/domain/checks/verification.ts` has the transitions. */
export const Status = z.enum(['unverified', 'active', 'rejected'])
export type Status = z.infer<typeof Status>

/** The kinds of PostgreSQL hosting. The kind only selects the wording of a `fix`. */
export const DB_TYPES = ['supabase', 'postgres_gcp', 'postgresql_local', 'postgresql_aws', 'postgresql'] as const
/** One kind of PostgreSQL hosting. */
export const DbType = z.enum(DB_TYPES)
export type DbType = z.infer<typeof DbType>

/** Schemas that introspection skips by default. */
export const DEFAULT_EXCLUDED_SCHEMAS = [
  'auth',
  'storage',
  'realtime',
  'extensions',
  'vault',
  'pgsodium',
  'graphql',
  'graphql_public',
] as const

const isMetadata = (value: unknown): value is Record<string, string> =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every(item => typeof item === 'string')

/**
 * At most 50 keys of 40 characters with values of 500. `__proto__` is an ordinary key here, so `z.record` cannot be
 * used.
 */
export const Metadata = z
  .custom<Record<string, string>>(isMetadata, { error: 'metadata is an object whose values are strings' })
  .meta({ type: 'object', additionalProperties: { type: 'string', maxLength: 500 }, maxProperties: 50 })
  .refine(value => Object.keys(value).length <= 50, { error: 'metadata has at most 50 keys' })
  .refine(value => Object.keys(value).every(key => codePoints(key) <= 40), {
    error: 'a metadata key has at most 40 characters',
  })
  .refine(value => Object.values(value).every(text => codePoints(text) <= 500), {
    error: 'a metadata value has at most 500 characters',
  })
  .refine(value => Object.entries(value).flat().every(isStorable), {
    error: 'metadata holds U+0000 or a lone surrogate',
  })

/** A PostgreSQL identifier: 1 to 63 bytes of UTF-8. */
export const SchemaName = storableText(1, 63).refine(name => new TextEncoder().encode(name).length <= 63, {
  error: 'a schema name has at most 63 bytes',
})

/** The state of an endpoint's feed. Times are ISO 8601; `eventLag` is in whole seconds. */
const Feed = z.object({
  cursor: z.string().nullable(),
  eventLag: z.number().int(),
  retryCount: z.number().int(),
  lastRequestAt: Timestamp.nullable(),
  lastSuccessAt: Timestamp.nullable(),
  lastError: z.string().nullable(),
})

const both = {
  id: DatasourceId,
  mode: Mode,
  status: Status,
  /** A fault code: the reason why the datasource is not active, or a problem that it has while active. */
  statusReason: z.string().nullable(),
  name: z.string(),
  displayName: z.string(),
  metadata: z.custom<Record<string, string>>(isMetadata),
  checks: z.array(Check),
  advisories: z.array(Advisory),
  credentialVersion: z.number().int(),
  credentialFingerprint: z.string().nullable(),
  createdAt: Timestamp,
  /**
   * When a field of this object last changed. Dates of checks and introspections, and the state of a feed, do not
   * count.
   */
  updatedAt: Timestamp,
  verifiedAt: Timestamp.nullable(),
  nextCheckAt: Timestamp.nullable(),
  removedAt: Timestamp.nullable(),
}

/** A datasource reached by a connection string. */
const DirectDatasource = z.object({
  kind: z.literal('direct'),
  ...both,
  dbType: DbType,
  host: z.string(),
  port: z.number().int(),
  database: z.string(),
  schema: z.string().nullable(),
  excludedSchemas: z.array(z.string()),
  introspectedAt: Timestamp.nullable(),
})

/** A datasource reached by signed HTTPS requests. */
const EndpointDatasource = z.object({
  kind: z.literal('endpoint'),
  ...both,
  endpoint: z.string(),
  keyLast4: z.string().nullable(),
  feed: Feed,
})

/** A registered database, as every procedure returns it. Fields that belong to the other kind are absent. */
export const Datasource = z.discriminatedUnion('kind', [DirectDatasource, EndpointDatasource])
export type Datasource = z.infer<typeof Datasource>

/** Input of `datasources.list`. */
export const ListInput = z.strictObject({
  limit: z.number().int().min(1).max(MAX_PAGE).default(20),
  cursor: z.string().max(200).optional(),
  /** Selects the page of rows just newer than this datasource; used instead of `cursor`. */
  newerThan: DatasourceId.optional(),
  kind: Kind.optional(),
  mode: Mode.optional(),
  status: Status.optional(),
  namePrefix: storableText(1, 200).optional(),
  metadata: Metadata.optional(),
  /** Selects only datasources changed at this time or later. */
  updatedSince: Timestamp.optional(),
})

/** A page, newest first. `nextCursor` is null on the last page. */
export const DatasourcePage = z.object({ items: z.array(Datasource), nextCursor: z.string().nullable() })
