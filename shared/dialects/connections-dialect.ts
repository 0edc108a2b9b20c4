/**
 * The bodies of the connections dialect (`/api/v1/connections`), field by field as its contract documents them. Its
 * validation errors use the vocabulary of Pydantic v2, so each issue carries one of Pydantic's types.
 */
import { z } from 'zod'
import { codePoints, isStorable } from '#shared/base/text.ts'
import { readUuid, uuidParsing } from '#shared/base/uuid-text.ts'
import { parseConnectionString } from '#shared/connection-string/connection-string.ts'
import { MAX_CONNECTION_STRING } from '#shared/connection-string/uri-text.ts'
import { DB_TYPES, type DbType, DEFAULT_EXCLUDED_SCHEMAS } from '#shared/datasources/datasource.ts'
import { bytesOf, EXCLUDED_SCHEMAS, looksSecret } from '#shared/datasources/excluded-schemas.ts'
import { CaCertificate, type ReadString, SealedString } from '#shared/datasources/registration.ts'

/** The documented pattern of `db_type`, as `ctx.pattern` shows it. */
export const DB_TYPE_PATTERN = `^(${DB_TYPES.join('|')})$`

/** The parts of an issue: Pydantic's type, its message, and the content of `ctx`. */
interface PydanticIssue {
  readonly type: string
  readonly message: string
  readonly ctx?: Readonly<Record<string, string | number>>
}

const issue = (params: PydanticIssue) => ({ error: params.message, params, abort: true })
const plural = (count: number) => `${count} character${count === 1 ? '' : 's'}`

const misplaced = { type: 'value_error', message: 'Value error, a schema name has the form of a connection string' }
const tooManyBytes = { type: 'value_error', message: 'Value error, a database name has at most 63 bytes' }
const odd = { type: 'value_error', message: 'Value error, the text holds U+0000 or a lone surrogate' }

/** A string of `min` to `max` code points that PostgreSQL can store. */
export function boundedText(min: number, max: number) {
  return sized(min, max).refine(isStorable, issue(odd)).meta({ minLength: min, maxLength: max })
}

function sized(min: number, max: number) {
  const short = {
    type: 'string_too_short',
    message: `String should have at least ${plural(min)}`,
    ctx: { min_length: min },
  }
  const long = {
    type: 'string_too_long',
    message: `String should have at most ${plural(max)}`,
    ctx: { max_length: max },
  }
  return z
    .string()
    .refine(value => codePoints(value) >= min, issue(short))
    .refine(value => codePoints(value) <= max, issue(long))
}

/** A UUID as Pydantic accepts it, converted to its canonical form. */
const Uuid = z
  .custom<string>()
  .meta({ type: 'string', format: 'uuid' })
  .transform((value, ctx): string => {
    const read = typeof value === 'string' ? readUuid(value) : null
    if (read?.ok === true) return read.uuid
    const mistyped = { type: 'uuid_type', message: 'UUID input should be a string, bytes or UUID object' }
    const params = read === null ? mistyped : uuidParsing(read.error)
    ctx.issues.push({ code: 'custom', input: undefined, message: params.message, params })
    return z.NEVER
  })

const isDbType = (value: string): value is DbType => DB_TYPES.some(type => type === value)

const pattern = {
  type: 'string_pattern_mismatch',
  message: `String should match pattern '${DB_TYPE_PATTERN}'`,
  ctx: { pattern: DB_TYPE_PATTERN },
}

// The order of the documented model, in which issues are reported.
const named = {
  name: boundedText(1, 200).describe('The name for people.'),
  db_type: z.string().refine(isDbType, issue(pattern)).meta({
    pattern: DB_TYPE_PATTERN,
    description: 'The kind of PostgreSQL hosting, which selects the wording of fixes.',
  }),
}
/** Refuses a list that exceeds `max`, counted in `unit`s. */
function bounded(max: number, { count, unit }: { unit: string; count: (names: string[]) => number }) {
  return (ctx: z.core.ParsePayload<string[]>): void => {
    const actual = count(ctx.value)
    if (actual <= max) return
    const message = `List should have at most ${max} ${unit}s after validation, not ${actual}`
    const params = { type: 'too_long', message, ctx: { field_type: 'List', max_length: max, actual_length: actual } }
    ctx.issues.push({ code: 'custom', input: undefined, message, params, continue: false })
  }
}

const described = {
  excluded_schemas: z
    .array(
      z
        .string()
        .refine(isStorable, issue(odd))
        .refine(name => !looksSecret(name), issue(misplaced)),
    )
    .check(bounded(EXCLUDED_SCHEMAS.names, { unit: 'item', count: names => names.length }))
    .check(bounded(EXCLUDED_SCHEMAS.bytes, { unit: 'byte', count: bytesOf }))
    .optional()
    .meta({
      maxItems: EXCLUDED_SCHEMAS.names,
      description:
        `Schemas that introspection skips. By default: ${DEFAULT_EXCLUDED_SCHEMAS.join(', ')}. An empty list excludes ` +
        `nothing, and neither does a name that cannot exist. At most ${EXCLUDED_SCHEMAS.bytes} bytes of names together.`,
    }),
}

// No rule about storable text: the string is never stored as text, and the parser names any character that it may not
// hold.
const ConnectionString = sized(10, MAX_CONNECTION_STRING)
  .meta({ minLength: 10, maxLength: MAX_CONNECTION_STRING })
  .describe('A full PostgreSQL URI with credentials. It is sealed during the request; write-only.')
  .transform((value, ctx): ReadString => {
    const parsed = parseConnectionString(value)
    if (parsed.ok) {
      const { target, advisories, schema } = parsed
      return { text: value, target, advisories, schema }
    }
    const message = `Value error, ${parsed.message}`
    ctx.issues.push({ code: 'custom', input: undefined, message, params: { type: 'value_error', message } })
    return z.NEVER
  })

/** The fields that both forms have apart from the string, under the names of the procedure `datasources.register`. */
function describedInput(body: { name: string; db_type: DbType; excluded_schemas?: string[] | undefined }) {
  const { name, db_type: dbType, excluded_schemas: excludedSchemas } = body
  return { name, dbType, schema: null, ...(excludedSchemas === undefined ? {} : { excludedSchemas }) }
}

const trusted = {
  ca_certificate: CaCertificate.nullable()
    .optional()
    .describe(
      'The certificate authority for verifying the server, as PEM; null for the public ones. With a sealed string it ' +
        'is inside the box.',
    ),
}

const Plain = z
  .object({ ...named, connection_string: ConnectionString, ...trusted, ...described })
  .meta({ id: 'CreateConnection', description: 'Registers with a connection string.' })
  .transform(({ connection_string: connectionString, ca_certificate: ca, ...body }) => ({
    connectionString,
    ...describedInput(body),
    ...(ca === undefined ? {} : { caCertificate: ca }),
  }))
const sealedFields = {
  sealed_connection_string: SealedString.sealedConnectionString.describe(
    'The URI sealed by the caller: base64 of `crypto_box_seal` to the key of `GET /v1/sealing_key`; write-only.',
  ),
  key_id: Uuid.describe('The `key_id` that came with that key; a UUID in any of its usual notations.'),
  host: boundedText(1, 253).describe('The host in the sealed string, for display; the worker compares the two.'),
  port: SealedString.port.describe('The port in the sealed string.'),
  database_name: boundedText(1, 63)
    .refine(name => bytesOf([name]) <= 63, issue(tooManyBytes))
    .describe('The database in the sealed string.'),
}

/** The fields of a sealed string under the procedure's names. */
function sealedInput(body: {
  sealed_connection_string: string
  key_id: string
  host: string
  port: number
  database_name: string
}) {
  const { sealed_connection_string: sealedConnectionString, key_id: keyId, host, port, database_name: database } = body
  return { sealedConnectionString, keyId, host, port, database }
}

const Sealed = z
  .object({ ...named, ...sealedFields, ...described })
  .meta({ id: 'CreateSealedConnection', description: 'Registers with a string that the web tier cannot read.' })
  .transform(body => ({ ...sealedInput(body), ...describedInput(body) }))

/** The documented body of `POST /api/v1/connections`: one of the two forms that `registerBodyFor` chooses from. */
export const CreateConnection = z.union([Plain, Sealed])

const changed = {
  name: named.name.optional(),
  ...described,
}

const moved = {
  allow_move: z
    .boolean()
    .optional()
    .describe(
      'Whether the string may name a different host, port or database from the one in force; by default it must not.',
    ),
}

/** The form without a string, which changes only fields that are not secret. */
const Described = z
  .object(changed)
  .meta({ id: 'UpdateConnection', description: 'Changes the name, the excluded schemas, or both.' })
  .transform(body => ({ kind: 'change' as const, input: changedInput(body) }))
const RotatedPlain = z
  .object({ ...changed, connection_string: ConnectionString, ...trusted, ...moved })
  .meta({ id: 'RotateConnection', description: 'Rotates the credential, and changes the other given fields.' })
  .transform(({ connection_string: connectionString, ca_certificate: ca, allow_move: allowMove, ...body }) => ({
    kind: 'rotation' as const,
    input: { connectionString, ...changedInput(body), allowMove, ...(ca === undefined ? {} : { caCertificate: ca }) },
  }))
const RotatedSealed = z
  .object({ ...changed, ...sealedFields, ...moved })
  .meta({ id: 'RotateSealedConnection', description: 'Rotates to a string that the web tier cannot read.' })
  .transform(({ allow_move: allowMove, ...body }) => ({
    kind: 'rotation' as const,
    input: { ...sealedInput(body), ...changedInput(body), allowMove },
  }))

function changedInput({
  name,
  excluded_schemas: excludedSchemas,
}: {
  name?: string | undefined
  excluded_schemas?: string[] | undefined
}) {
  return {
    ...(name === undefined ? {} : { name }),
    ...(excludedSchemas === undefined ? {} : { excludedSchemas }),
  }
}

/**
 * The documented body of `PATCH /api/v1/connections/{id}`: one of the three forms that `updateBodyFor` chooses from.
 */
export const UpdateConnection = z.union([RotatedPlain, RotatedSealed, Described])

/** Returns the schema for the form of an update body; null if the body has both a string in clear and a sealed one. */
export function updateBodyFor(body: object) {
  if (!('sealed_connection_string' in body)) return 'connection_string' in body ? RotatedPlain : Described
  return 'connection_string' in body ? null : RotatedSealed
}

/**
 * Returns the schema for the form of a registration body, either with a sealed string or with one in clear. The schema
 * converts the body into the procedure's input.
 */
export function registerBodyFor(body: object) {
  const isSealed = 'sealed_connection_string' in body
  if (isSealed && 'connection_string' in body) return null
  return isSealed ? Sealed : Plain
}
