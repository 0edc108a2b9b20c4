/**
 * The canonical entity: a customer's registered database, as tRPC speaks of it. Both dialects map from and to this.
 *
 * No shape here has a field for a credential on its way out; `connectionString` and `signingKey` occur in inputs only.
 */
import { z } from 'zod'
import { Advisory, Check } from './check.ts'
import { chosen, codePoints, DatasourceId, isStorable, Mode, storableText, Timestamp, WaitSeconds } from './wire.ts'

export const Kind = z.enum(['direct', 'endpoint'])
export type Kind = z.infer<typeof Kind>

/** Where the life of a datasource stands; the transitions are in `server/domain/verification.ts`. */
export const Status = z.enum(['unverified', 'active', 'rejected'])
export type Status = z.infer<typeof Status>

/** What kind of PostgreSQL it is; it only chooses the wording of a `fix`. */
export const DB_TYPES = ['supabase', 'postgres_gcp', 'postgresql_local', 'postgresql_aws', 'postgresql'] as const
export const DbType = z.enum(DB_TYPES)
export type DbType = z.infer<typeof DbType>

/** Schemas that introspection leaves out unless told otherwise. */
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

/** At most 50 keys of 40 characters with values of 500; `__proto__` is a key like any other, hence no `z.record`. */
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

/** An identifier of PostgreSQL: 1 to 63 bytes of UTF-8. */
export const SchemaName = storableText(1, 63).refine(name => new TextEncoder().encode(name).length <= 63, {
  error: 'a schema name has at most 63 bytes',
})

const CaCertificate = z.string().max(32_768).refine(isStorable).startsWith('-----BEGIN CERTIFICATE-----', {
  error: 'caCertificate is PEM text that begins with -----BEGIN CERTIFICATE-----',
})

const described = {
  name: storableText(1, 200).optional(),
  metadata: Metadata.optional(),
  waitSeconds: WaitSeconds.optional(),
  idempotencyKey: z.string().min(1).max(255).optional(),
}

const placed = {
  dbType: DbType.optional(),
  schema: SchemaName.nullable().optional(),
  excludedSchemas: z.array(SchemaName).max(100).optional(),
  caCertificate: CaCertificate.optional(),
}

/** The connection string in clear; it is parsed and sealed in the request and never stored. */
export const PlainString = { connectionString: z.string().min(1).max(2048) }

/** The connection string sealed by the caller, with the safe projection that the worker checks against it. */
export const SealedString = {
  sealedConnectionString: z.base64().min(64).max(8192),
  keyId: z.uuid(),
  host: z.string().min(1).max(253),
  port: z.number().int().min(1).max(65_535).default(5432),
  database: SchemaName,
}

const isSealed = (value: object) => 'sealedConnectionString' in value || 'keyId' in value
const isEndpoint = (value: object) => 'endpoint' in value || 'signingKey' in value

/** Registers a direct datasource, its string in clear or sealed by the caller. */
export const RegisterDirect = chosen(
  isSealed,
  z.strictObject({ ...PlainString, ...placed, ...described }),
  z.strictObject({ ...SealedString, ...placed, ...described }),
)

/** Registers a signed endpoint. */
export const RegisterEndpoint = z.strictObject({
  endpoint: z.string().min(1).max(2048),
  signingKey: storableText(8, 512),
  environment: Mode.optional(),
  ...described,
})

/** Input of `datasources.register`. */
export const RegisterInput = chosen(isEndpoint, RegisterDirect, RegisterEndpoint)
export type RegisterInput = z.output<typeof RegisterInput>

/** Input of `datasources.validate`: the direct form, of which only what concerns the dial is used. */
export const ValidateInput = chosen(
  isSealed,
  z.strictObject({ ...PlainString, ...placed, idempotencyKey: described.idempotencyKey }),
  z.strictObject({ ...SealedString, ...placed, idempotencyKey: described.idempotencyKey }),
)

/** Input of `datasources.rotate`. */
export const RotateInput = chosen(
  isSealed,
  z.strictObject({ id: DatasourceId, connectionString: PlainString.connectionString.optional(), ...rotation() }),
  z.strictObject({ id: DatasourceId, ...SealedString, ...rotation() }),
)

/** Input of `datasources.rotateKey`. */
export const RotateKeyInput = z.strictObject({
  id: DatasourceId,
  signingKey: storableText(8, 512),
  idempotencyKey: z.string().min(1).max(255).optional(),
})
export type RotateKeyInput = z.output<typeof RotateKeyInput>

/** Input of `datasources.update`: what is left out stays as it is. */
export const UpdateInput = z.strictObject({
  id: DatasourceId,
  name: storableText(1, 200).optional(),
  metadata: Metadata.optional(),
  schema: SchemaName.nullable().optional(),
  excludedSchemas: z.array(SchemaName).max(100).optional(),
  idempotencyKey: z.string().min(1).max(255).optional(),
})

/** Input of `datasources.verify`. */
export const VerifyInput = z.strictObject({
  id: DatasourceId,
  waitSeconds: described.waitSeconds,
  idempotencyKey: described.idempotencyKey,
})

/** Input of `datasources.remove`. */
export const RemoveInput = z.strictObject({ id: DatasourceId, idempotencyKey: described.idempotencyKey })

/** Input and answer of `datasources.roleSql`. */
export const RoleSqlInput = z.strictObject({
  schema: SchemaName,
  provider: z.enum(['plain', 'supabase', 'neon', 'rds', 'cloudsql', 'azure']).default('plain'),
  readOnly: z.boolean().default(true),
})
export const RoleSql = z.object({ sql: z.string() })

function rotation() {
  return {
    caCertificate: CaCertificate.nullable().optional(),
    expectedVersion: z.number().int().min(1).optional(),
    allowMove: z.boolean().optional(),
    waitSeconds: WaitSeconds.optional(),
    idempotencyKey: z.string().min(1).max(255).optional(),
  }
}

/** How an endpoint's feed goes; times are ISO 8601, `eventLag` whole seconds. */
export const Feed = z.object({
  cursor: z.string().nullable(),
  eventLag: z.number().int(),
  retryCount: z.number().int(),
  lastRequestAt: Timestamp.nullable(),
  lastSuccessAt: Timestamp.nullable(),
  lastError: z.string().nullable(),
})

const common = {
  id: DatasourceId,
  mode: Mode,
  status: Status,
  /** A fault code: why it is not active, or what troubles it while it is. */
  statusReason: z.string().nullable(),
  name: z.string(),
  displayName: z.string(),
  metadata: z.custom<Record<string, string>>(isMetadata),
  checks: z.array(Check),
  advisories: z.array(Advisory),
  credentialVersion: z.number().int(),
  credentialFingerprint: z.string().nullable(),
  createdAt: Timestamp,
  verifiedAt: Timestamp.nullable(),
  nextCheckAt: Timestamp.nullable(),
  removedAt: Timestamp.nullable(),
}

/** A datasource reached by a connection string. */
export const DirectDatasource = z.object({
  kind: z.literal('direct'),
  ...common,
  dbType: DbType,
  host: z.string(),
  port: z.number().int(),
  database: z.string(),
  schema: z.string().nullable(),
  excludedSchemas: z.array(z.string()),
  introspectedAt: Timestamp.nullable(),
})

/** A datasource reached by signed HTTPS requests. */
export const EndpointDatasource = z.object({
  kind: z.literal('endpoint'),
  ...common,
  endpoint: z.string(),
  keyLast4: z.string().nullable(),
  feed: Feed,
})

/** A registered database, as every procedure answers it. What a kind has not is absent. */
export const Datasource = z.discriminatedUnion('kind', [DirectDatasource, EndpointDatasource])
export type Datasource = z.infer<typeof Datasource>

/** Input of `datasources.list`. */
export const ListInput = z.strictObject({
  limit: z.number().int().min(1).max(100).default(20),
  cursor: z.string().max(200).optional(),
  /** The rows next to this one on its newer side; instead of `cursor`. */
  newerThan: DatasourceId.optional(),
  kind: Kind.optional(),
  mode: Mode.optional(),
  status: Status.optional(),
  namePrefix: storableText(1, 200).optional(),
  metadata: Metadata.optional(),
})

/** A page, newest first; `nextCursor` is null on the last one. */
export const DatasourcePage = z.object({ items: z.array(Datasource), nextCursor: z.string().nullable() })
