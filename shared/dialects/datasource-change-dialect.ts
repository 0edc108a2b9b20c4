/**
 * The bodies and queries of operations on registered datasources, one or all of them, in the datasources dialect.
 * Requests are strict: an unknown field is an error that names it. The OpenAPI document shows these schemas.
 */
import { z } from 'zod'
import { chosen } from '#shared/base/wire.ts'
import { SchemaName } from '#shared/datasources/datasource.ts'
import { UpdateInput } from '#shared/datasources/datasource-change.ts'
import { withReadString } from '#shared/datasources/registration.ts'
import { metadata, Plain, Sealed, signingKey } from './datasource-fields.ts'
import { hasSealedString, PageLimit } from './datasources-dialect.ts'

/** Query of `DELETE /v1/datasources`. */
export const RemoveAllQuery = z.strictObject({
  confirm: z
    .literal('true', { error: 'confirm=true is required: every datasource of the mode is removed.' })
    .describe('Must be `true`, so that omitting an id never removes everything.'),
})

/** Body of `POST /v1/datasources/{id}/rotate_key`. */
export const RotateKeyBody = z.strictObject({ signingKey }).meta({ id: 'RotateKey', description: 'A new signing key.' })

const rotating = {
  expectedVersion: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe('The `credential_version` that must be in force; otherwise nothing is changed: 409 `conflict`.'),
  allowMove: z
    .boolean()
    .optional()
    .describe('Whether the string may name a different host, port or database from the one in force.'),
}

/** Body of `POST /v1/datasources/{id}/rotate`: a new connection string, in clear or sealed by the caller. */
export const RotateBody = chosen(
  hasSealedString,
  z
    .strictObject({ ...Plain, ...rotating })
    .meta({ id: 'RotateDatasource', description: 'A new connection string.' })
    .transform(withReadString),
  z
    .strictObject({ ...Sealed, ...rotating })
    .meta({ id: 'RotateSealedDatasource', description: 'A new connection string that the web tier cannot read.' })
    .transform(({ key_id: keyId, ...rest }) => ({ ...rest, keyId })),
)

/** Body of `PATCH /v1/datasources/{id}`. */
export const UpdateBody = z
  .strictObject({
    name: UpdateInput.shape.name.describe('The name for people: 1 to 200 characters.'),
    metadata: metadata.describe('Replaces all existing labels.'),
    schema: SchemaName.optional().describe(
      'The PostgreSQL schema of the synced tables. A new one is checked immediately. A signed endpoint has none.',
    ),
  })
  .meta({ id: 'UpdateDatasource', description: 'The fields to change; omitted fields stay unchanged.' })

/** Query of `GET /v1/datasources/{id}/verifications`. */
export const VerificationsQuery = z.strictObject({
  limit: PageLimit.optional().describe('The maximum number of items, 1 to 100; 20 by default.'),
  starting_after: z
    .uuid()
    .optional()
    .describe('The id of the last item already seen; the answer has the items after it, which are older.'),
})
