/**
 * Inputs of the procedures that change a registered datasource: a new credential, a new name or schema, a check, and
 * removal.
 */
import { z } from 'zod'
import { DatasourceId } from '#shared/base/datasource-name.ts'
import { storableText } from '#shared/base/text.ts'
import { chosen, IdempotencyKey, WaitSeconds } from '#shared/base/wire.ts'
import { ExcludedSchemas } from '#shared/datasources/excluded-schemas.ts'
import { Metadata, SchemaName } from './datasource.ts'
import { isSealed, PlainString, SealedString, Trusted, withReadString } from './registration.ts'

/**
 * Input of `datasources.rotate`. A CA certificate is always sent together with the connection string that it belongs
 * to.
 */
export const RotateInput = chosen(
  isSealed,
  z.strictObject({ id: DatasourceId, ...PlainString, ...Trusted, ...rotation() }).transform(withReadString),
  z.strictObject({ id: DatasourceId, ...SealedString, ...rotation() }),
)

/** Input of `datasources.rotateKey`. */
export const RotateKeyInput = z.strictObject({
  id: DatasourceId,
  signingKey: storableText(8, 512),
  idempotencyKey: IdempotencyKey,
})
export type RotateKeyInput = z.output<typeof RotateKeyInput>

/** Input of `datasources.update`. Omitted fields stay unchanged. */
export const UpdateInput = z.strictObject({
  id: DatasourceId,
  name: storableText(1, 200).optional(),
  metadata: Metadata.optional(),
  schema: SchemaName.nullable().optional(),
  excludedSchemas: ExcludedSchemas.optional(),
  idempotencyKey: IdempotencyKey,
})

/** Input of `datasources.verify`. */
export const VerifyInput = z.strictObject({
  id: DatasourceId,
  waitSeconds: WaitSeconds.optional(),
  idempotencyKey: IdempotencyKey,
})

/** Input of `datasources.validateRegistered`. Without `id`: the only direct datasource of the caller's mode. */
export const ValidateRegisteredInput = z.strictObject({ id: DatasourceId.optional(), idempotencyKey: IdempotencyKey })
export type ValidateRegisteredInput = z.output<typeof ValidateRegisteredInput>

/** Input of `datasources.removeAll`. The confirmation is explicit, so that nobody triggers the removal by omission. */
export const RemoveAllInput = z.strictObject({ confirm: z.literal(true) })

/** Answer of `datasources.removeAll`: the number of removed datasources of each kind. */
export const RemovedAll = z.object({ direct: z.number().int(), endpoints: z.number().int() })
export type RemovedAll = z.output<typeof RemovedAll>

/** Input of `datasources.remove`. */
export const RemoveInput = z.strictObject({ id: DatasourceId, idempotencyKey: IdempotencyKey })

/** Input of `datasources.roleSql`. */
export const RoleSqlInput = z.strictObject({
  schema: SchemaName,
  /** The database that the grants are for; by default, the database in which the SQL is run. */
  database: SchemaName.optional(),
  /** The name of the role; by default, a name derived from the database. */
  role: SchemaName.optional(),
  provider: z.enum(['plain', 'supabase', 'neon', 'rds', 'cloudsql', 'azure']).default('plain'),
  readOnly: z.boolean().default(true),
})

/** Answer of `datasources.roleSql`. */
export const RoleSql = z.object({ sql: z.string() })

function rotation() {
  return {
    /** The new name, changed in the same transaction as the credential. */
    name: storableText(1, 200).optional(),
    excludedSchemas: ExcludedSchemas.optional(),
    expectedVersion: z.number().int().min(1).optional(),
    allowMove: z.boolean().optional(),
    waitSeconds: WaitSeconds.optional(),
    idempotencyKey: IdempotencyKey,
  }
}
