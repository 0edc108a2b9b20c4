/**
 * The bodies and queries of what is done to one registered datasource, and to all of them, in the datasources dialect.
 * Requests are strict: an unknown field is an error that names it. The OpenAPI document shows these very schemas.
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
    .literal('true', { error: 'confirm=true has to be given: every datasource of the mode is removed.' })
    .describe('`true`, so that nobody removes everything by leaving out an id.'),
})

/** Body of `POST /v1/datasources/{id}/rotate_key`. */
export const RotateKeyBody = z.strictObject({ signingKey }).meta({ id: 'RotateKey', description: 'A new signing key.' })

const rotating = {
  expectedVersion: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe('The `credential_version` that has to be in force; with another one nothing is changed: 409 `conflict`.'),
  allowMove: z
    .boolean()
    .optional()
    .describe('Whether the string may name another host, port or database than the one in force.'),
}

/** Body of `POST /v1/datasources/{id}/rotate`: another connection string, in clear or sealed by the caller. */
export const RotateBody = chosen(
  hasSealedString,
  z
    .strictObject({ ...Plain, ...rotating })
    .meta({ id: 'RotateDatasource', description: 'Another connection string.' })
    .transform(withReadString),
  z
    .strictObject({ ...Sealed, ...rotating })
    .meta({ id: 'RotateSealedDatasource', description: 'Another connection string that our web tier cannot read.' })
    .transform(({ key_id: keyId, ...rest }) => ({ ...rest, keyId })),
)

/** Body of `PATCH /v1/datasources/{id}`. */
export const UpdateBody = z
  .strictObject({
    name: UpdateInput.shape.name.describe('What people call it: 1 to 200 characters.'),
    metadata: metadata.describe('Replaces the labels that are there, all of them.'),
    schema: SchemaName.optional().describe(
      'The PostgreSQL schema of the synced tables. Another one is checked at once. A signed endpoint has none.',
    ),
  })
  .meta({ id: 'UpdateDatasource', description: 'What to change; a field that is left out stays as it is.' })

/** Query of `GET /v1/datasources/{id}/verifications`. */
export const VerificationsQuery = z.strictObject({
  limit: PageLimit.optional().describe('How many at most, 1 to 100; 20 when left out.'),
  starting_after: z.uuid().optional().describe('The id of the last one seen: answers those after it, older ones.'),
})
