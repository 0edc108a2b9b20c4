/**
 * The bodies and the object of the datasources dialect (`/v1/datasources`), field by field as its contract documents them.
 * Requests are strict: an unknown field is an error, named.
 */
import { z } from 'zod'
import { Check } from './check.ts'
import { Metadata, PlainString, RegisterEndpoint, SchemaName, SealedString } from './datasource.ts'
import { chosen, DatasourceId, Mode } from './wire.ts'

const CaCertificate = z.string().max(32_768).startsWith('-----BEGIN CERTIFICATE-----', {
  error: 'caCertificate is PEM text that begins with -----BEGIN CERTIFICATE-----',
})

const dialled = {
  connection: z.literal('direct').optional(),
  schema: SchemaName.optional(),
  caCertificate: CaCertificate.optional(),
}

const direct = { ...dialled, metadata: Metadata.optional() }

const Sealed = {
  sealedConnectionString: SealedString.sealedConnectionString,
  key_id: SealedString.keyId,
  host: SealedString.host,
  port: SealedString.port,
  database: SealedString.database,
}

const isSealed = (body: object) => 'sealedConnectionString' in body || 'key_id' in body
const isEndpoint = (body: object) =>
  'endpoint' in body || 'signingKey' in body || ('connection' in body && body.connection === 'endpoint')

/** The direct form, its string in clear or sealed by the caller. */
export const DirectBody = chosen(
  isSealed,
  z.strictObject({ ...PlainString, ...direct }),
  z.strictObject({ ...Sealed, ...direct }),
)

/** The signed endpoint form. */
export const EndpointBody = z.strictObject({
  endpoint: RegisterEndpoint.shape.endpoint,
  signingKey: RegisterEndpoint.shape.signingKey,
  environment: Mode.optional(),
  connection: z.literal('endpoint').optional(),
  metadata: Metadata.optional(),
})

/** Body of `POST /v1/datasources`: one of the two, told apart by their fields. */
export const RegisterBody = chosen(isEndpoint, DirectBody, EndpointBody)
export type RegisterBody = z.output<typeof RegisterBody>

/** Body of `POST /v1/datasources/validate`. */
export const ValidateBody = chosen(
  isSealed,
  z.strictObject({ ...PlainString, ...dialled }),
  z.strictObject({ ...Sealed, ...dialled }),
)

/** Body of `POST /v1/datasources/{id}/rotate_key`. */
export const RotateKeyBody = z.strictObject({ signingKey: RegisterEndpoint.shape.signingKey })

const common = {
  object: z.literal('datasource'),
  id: z.string(),
  status: z.enum(['unverified', 'active', 'rejected']),
  livemode: z.boolean(),
  metadata: z.custom<Record<string, string>>(),
  created: z.number().int(),
  status_reason: z.string().nullable(),
  checks: z.array(Check),
  credential_version: z.number().int(),
  credential_fingerprint: z.string().nullable(),
}

const seconds = z.number().int().nullable()

/** The datasource object. A field of the other kind is left out, not null. */
export const DatasourceObject = z.discriminatedUnion('connection', [
  z.object({
    ...common,
    connection: z.literal('direct'),
    provider: z.literal('postgresql'),
    host: z.string(),
    database: z.string(),
    schema: z.string(),
    display_name: z.string(),
  }),
  z.object({
    ...common,
    connection: z.literal('endpoint'),
    environment: Mode,
    endpoint: z.string(),
    key_last4: z.string().nullable(),
    cursor: z.string().nullable(),
    event_lag: z.number().int(),
    retry_count: z.number().int(),
    last_request_at: seconds,
    last_success_at: seconds,
    last_error: z.string().nullable(),
  }),
])
export type DatasourceObject = z.output<typeof DatasourceObject>

/** Query of `GET /v1/datasources`: Stripe's cursor parameters. With none of them all come back. */
export const ListQuery = z.strictObject({
  limit: z
    .string()
    .regex(/^\d{1,3}$/)
    .transform(Number)
    .pipe(z.number().int().min(1).max(100))
    .optional(),
  starting_after: DatasourceId.optional(),
  ending_before: DatasourceId.optional(),
})
