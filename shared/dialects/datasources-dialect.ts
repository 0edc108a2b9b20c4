/**
 * The bodies and queries of the datasources dialect (`/v1/datasources`), field by field as its contract documents them.
 * Requests are strict: an unknown field is an error that names it. The OpenAPI document shows these schemas.
 */
import { z } from 'zod'
import { DatasourceId } from '#shared/base/datasource-name.ts'
import { chosen, Mode } from '#shared/base/wire.ts'
import { Kind, Metadata, SchemaName, Status } from '#shared/datasources/datasource.ts'
import { RegisterEndpoint, withReadString } from '#shared/datasources/registration.ts'
import { metadata, Plain, Sealed, signingKey } from './datasource-fields.ts'

const dialled = {
  connection: z.literal('direct').optional().describe('Optional: the fields distinguish the two forms.'),
  schema: SchemaName.optional().describe('PostgreSQL schema of the synced tables; `public` by default.'),
}

const direct = { ...dialled, metadata }

/** Maps the fields that this dialect names differently to the procedures' names. */
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

/** True for a body whose connection string the caller has sealed. */
export const hasSealedString = (body: object) => 'sealedConnectionString' in body || 'key_id' in body
const isEndpoint = (body: object) =>
  'endpoint' in body || 'signingKey' in body || ('connection' in body && body.connection === 'endpoint')

/** The direct form, with its string in clear or sealed by the caller. */
export const DirectBody = chosen(
  hasSealedString,
  z
    .strictObject({ ...Plain, ...direct })
    .meta({ id: 'RegisterDirect', description: 'Registers with a connection string.' })
    .transform(plainInput),
  z
    .strictObject({ ...Sealed, ...direct })
    .meta({ id: 'RegisterSealed', description: 'Registers with a connection string that the web tier cannot read.' })
    .transform(sealedInput),
)

/** The form of a signed endpoint. */
export const EndpointBody = z
  .strictObject({
    endpoint: RegisterEndpoint.shape.endpoint.describe('The HTTPS URL that receives signed requests.'),
    signingKey,
    environment: Mode.optional().describe("`live` or `test`; it must be the calling key's mode, which is the default."),
    connection: z.literal('endpoint').optional().describe('Optional: the fields distinguish the two forms.'),
    metadata,
  })
  .meta({ id: 'RegisterEndpoint', description: 'Registers a signed endpoint.' })
  .transform(({ connection: _, ...input }) => input)

/**
 * Body of `POST /v1/datasources`: one of three forms, distinguished by their fields and converted into the procedure's
 * input.
 */
export const RegisterBody = chosen(isEndpoint, DirectBody, EndpointBody)

/** Body of `POST /v1/datasources/validate`, converted into the procedure's input. */
export const ValidateBody = chosen(
  (body: object) => Object.keys(body).length === 0,
  chosen(
    hasSealedString,
    z
      .strictObject({ ...Plain, ...dialled })
      .meta({ id: 'ValidateDirect', description: 'Checks a connection string.' })
      .transform(plainInput),
    z
      .strictObject({ ...Sealed, ...dialled })
      .meta({ id: 'ValidateSealed', description: 'Checks a sealed connection string.' })
      .transform(sealedInput),
  ),
  z
    .strictObject({})
    .meta({ id: 'ValidateRegistered', description: 'Checks a registered datasource.' })
    .transform(() => ({ isRegistered: true as const })),
)

/** `limit` of a list: 1 to 100, parsed from the query string. */
export const PageLimit = z
  .string()
  .regex(/^\d{1,3}$/)
  .transform(Number)
  .pipe(z.number().int().min(1).max(100))
  .meta({ type: 'integer', minimum: 1, maximum: 100 })

const EPOCH_SECONDS = /^\d{1,10}$/

/**
 * Query of `GET /v1/datasources`: Stripe's cursor parameters, and filters. Without any of them, the answer has every
 * row.
 */
export const ListQuery = z.strictObject({
  status: Status.optional().describe('Only datasources with this status.'),
  mode: Mode.optional().describe('Only datasources of this mode, `live` or `test`.'),
  connection: Kind.optional().describe('Only datasources of this kind, `direct` or `endpoint`.'),
  updated_since: z
    .string()
    .regex(EPOCH_SECONDS, { error: 'Unix seconds, in at most ten digits' })
    .transform(seconds => new Date(Number(seconds) * 1000).toISOString())
    .meta({ type: 'integer', minimum: 0, maximum: 9_999_999_999, example: 1_795_305_600 })
    .optional()
    .describe(
      'Only datasources whose `updated_at` is this time or later, in Unix seconds. Removed datasources are in no list.',
    ),
  metadata: Metadata.optional().meta({
    param: { style: 'deepObject', explode: true },
    description: 'Only datasources with all of these labels: `metadata[customer]=cus_1042`.',
    example: { customer: 'cus_1042' },
  }),
  limit: PageLimit.optional().describe(
    'The maximum number of items, 1 to 100; 10 by default if another parameter is given.',
  ),
  starting_after: DatasourceId.optional().describe(
    'The id of the last item already seen; the answer has the items after it, which are older.',
  ),
  ending_before: DatasourceId.optional().describe(
    'The id of the first item already seen; the answer has the items before it, which are newer.',
  ),
})
