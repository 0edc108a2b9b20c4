/**
 * The bodies and queries of the datasources dialect (`/v1/datasources`), field by field as its contract documents them.
 * Requests are strict: an unknown field is an error that names it. The OpenAPI document shows these very schemas.
 */
import { z } from 'zod'
import { chosen, DatasourceId, Mode } from '#shared/base/wire.ts'
import { Metadata, SchemaName } from '#shared/datasources/datasource.ts'
import {
  PlainString,
  RegisterEndpoint,
  SealedString,
  Trusted,
  withReadString,
} from '#shared/datasources/registration.ts'

const metadata = Metadata.optional().describe(
  "The caller's own labels: at most 50 keys of 40 characters with values of 500. Shown as given, never interpreted.",
)

const dialled = {
  connection: z.literal('direct').optional().describe('May be left out: the fields tell the two forms apart.'),
  schema: SchemaName.optional().describe('PostgreSQL schema of the synced tables; `public` when left out.'),
}

const direct = { ...dialled, metadata }

const Plain = {
  connectionString: PlainString.connectionString.describe(
    'A PostgreSQL URI with the credentials of a least-privileged role. Sealed in the request that brings it; write-only.',
  ),
  caCertificate: Trusted.caCertificate.describe(
    'The certificate authority that the server must be verified against, as PEM; null for the public ones. While one is in force, ' +
      'another string has to bring it again. With a sealed string it stands inside the box.',
  ),
}

const Sealed = {
  sealedConnectionString: SealedString.sealedConnectionString.describe(
    'The same URI, or JSON `{ "connectionString", "caCertificate" }`, sealed by the caller: base64 of `crypto_box_seal` to the key of ' +
      '`GET /v1/sealing_key`; write-only.',
  ),
  key_id: SealedString.keyId.describe('The `key_id` that came with that key.'),
  host: SealedString.host.describe('The host in the sealed string, for display; the worker compares the two.'),
  port: SealedString.port.describe('The port in the sealed string.'),
  database: SealedString.database.describe('The database in the sealed string.'),
}

const signingKey = RegisterEndpoint.shape.signingKey.describe(
  'The secret that requests to the endpoint are signed with; write-only, only its last four characters are ever shown.',
)

/** The fields that this dialect names differently, under the procedures' names. */
function sealedInput<T extends { connection?: 'direct' | undefined; key_id: string }>({ connection: _, ...body }: T) {
  const { key_id: keyId, ...rest } = body
  return { ...rest, keyId }
}

function plainInput<T extends { connection?: 'direct' | undefined; connectionString: string }>(
  { connection: _, ...body }: T,
  ctx: z.core.$RefinementCtx,
) {
  return withReadString(body, ctx)
}

const isSealed = (body: object) => 'sealedConnectionString' in body || 'key_id' in body
const isEndpoint = (body: object) =>
  'endpoint' in body || 'signingKey' in body || ('connection' in body && body.connection === 'endpoint')

/** The direct form, its string in clear or sealed by the caller. */
export const DirectBody = chosen(
  isSealed,
  z
    .strictObject({ ...Plain, ...direct })
    .meta({ id: 'RegisterDirect', description: 'Registers by connection string.' })
    .transform(plainInput),
  z
    .strictObject({ ...Sealed, ...direct })
    .meta({ id: 'RegisterSealed', description: 'Registers by a connection string that our web tier cannot read.' })
    .transform(sealedInput),
)

/** The signed endpoint form. */
export const EndpointBody = z
  .strictObject({
    endpoint: RegisterEndpoint.shape.endpoint.describe('The HTTPS URL that signed requests go to.'),
    signingKey,
    environment: Mode.optional().describe("`live` or `test`; the calling key's mode when left out, and only that one."),
    connection: z.literal('endpoint').optional().describe('May be left out: the fields tell the two forms apart.'),
    metadata,
  })
  .meta({ id: 'RegisterEndpoint', description: 'Registers a signed endpoint.' })
  .transform(({ connection: _, ...input }) => input)

/** Body of `POST /v1/datasources`: one of the three, distinguished by their fields, as the procedure's input. */
export const RegisterBody = chosen(isEndpoint, DirectBody, EndpointBody)

/** Body of `POST /v1/datasources/validate`, as the procedure's input. */
export const ValidateBody = chosen(
  (body: object) => Object.keys(body).length === 0,
  chosen(
    isSealed,
    z
      .strictObject({ ...Plain, ...dialled })
      .meta({ id: 'ValidateDirect', description: 'Tries a connection string.' })
      .transform(plainInput),
    z
      .strictObject({ ...Sealed, ...dialled })
      .meta({ id: 'ValidateSealed', description: 'Tries a sealed one.' })
      .transform(sealedInput),
  ),
  z
    .strictObject({})
    .meta({ id: 'ValidateRegistered', description: 'Tries what is registered.' })
    .transform(() => ({ isRegistered: true as const })),
)

/** Query of `DELETE /v1/datasources`. */
export const RemoveAllQuery = z.strictObject({
  confirm: z
    .literal('true', { error: 'confirm=true has to be given: every datasource of the mode is removed.' })
    .describe('`true`, so that nobody removes everything by leaving out an id.'),
})

/** Body of `POST /v1/datasources/{id}/rotate_key`. */
export const RotateKeyBody = z.strictObject({ signingKey }).meta({ id: 'RotateKey', description: 'A new signing key.' })

/** `limit` of a list: 1 to 100, as text of a query. */
export const PageLimit = z
  .string()
  .regex(/^\d{1,3}$/)
  .transform(Number)
  .pipe(z.number().int().min(1).max(100))
  .meta({ type: 'integer', minimum: 1, maximum: 100 })

/** Query of `GET /v1/datasources`: Stripe's cursor parameters. Without any, the answer has every row. */
export const ListQuery = z.strictObject({
  limit: PageLimit.optional().describe('How many at most, 1 to 100. 10 when another parameter is given.'),
  starting_after: DatasourceId.optional().describe('The id of the last one seen: answers those after it, older ones.'),
  ending_before: DatasourceId.optional().describe('The id of the first one seen: answers those before it, newer ones.'),
})
