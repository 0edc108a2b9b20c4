/**
 * The registration of a datasource: a connection string in clear or sealed by the caller, or a signed endpoint. These
 * are the only shapes that carry a credential, and they are inputs only.
 */
import { z } from 'zod'
import { MAX_PEM, readPem } from '#shared/base/pem.ts'
import { storableText } from '#shared/base/text.ts'
import { chosen, IdempotencyKey, Mode, WaitSeconds } from '#shared/base/wire.ts'
import { type ParsedString, parseConnectionString, type Target } from '#shared/connection-string/connection-string.ts'
import { MAX_CONNECTION_STRING, MAX_URL } from '#shared/connection-string/uri-text.ts'
import { ExcludedSchemas } from '#shared/datasources/excluded-schemas.ts'
import { DbType, Metadata, SchemaName } from './datasource.ts'

const TOO_LONG =
  `at most ${MAX_PEM} characters: from a provider's bundle, give only the certificates that issue for this server, such as those of ` +
  'its region'

/** PEM text, never a path; it is reduced to its certificates. */
export const CaCertificate = z
  .string()
  .max(MAX_PEM, { error: TOO_LONG, abort: true })
  .meta({ description: 'One or more CA certificates as PEM; comments between them are ignored.' })
  .transform((text, ctx): string => {
    const read = readPem(text)
    if (read.ok) return read.pem
    const params = { type: 'value_error', message: `Value error, ${read.message}` }
    ctx.issues.push({ code: 'custom', input: undefined, message: read.message, params })
    return z.NEVER
  })

const described = {
  name: storableText(1, 200).optional(),
  metadata: Metadata.optional(),
  waitSeconds: WaitSeconds.optional(),
  idempotencyKey: IdempotencyKey,
}

const placed = {
  dbType: DbType.optional(),
  schema: SchemaName.nullable().optional(),
  excludedSchemas: ExcludedSchemas.optional(),
}

/**
 * Accepted only together with a connection string in clear; null selects the public roots. With a sealed string, the
 * certificate is inside the box, where nobody on the way can replace it.
 */
export const Trusted = { caCertificate: CaCertificate.nullable().optional() }

/** A parsed connection string. `text` identifies a repeated request under an idempotency key and is never stored. */
export interface ReadString {
  readonly text: string
  readonly target: Target
  readonly advisories: ParsedString['advisories']
  /** The schema that the string names; null if it names none. */
  readonly schema: string | null
}

type WithReadString<T> = Omit<T, 'connectionString'> & { readonly connectionString: ReadString }

/** Parses the string of an input once. Use it as a transformation that runs after the rules of the other fields. */
export function withReadString<T extends { connectionString: string }>(
  input: T,
  ctx: z.core.$RefinementCtx,
): WithReadString<T> {
  const { connectionString: text } = input
  const parsed = parseConnectionString(text)
  if (parsed.ok) {
    const { target, advisories, schema } = parsed
    return { ...input, connectionString: { text, target, advisories, schema } satisfies ReadString }
  }
  ctx.issues.push({
    ...{ code: 'custom', input: undefined, path: ['connectionString'], message: parsed.message },
    params: { code: parsed.code },
  })
  return z.NEVER
}

/** The connection string in clear. It is parsed and sealed during the request and never stored. */
export const PlainString = { connectionString: z.string().min(1).max(MAX_CONNECTION_STRING) }

/** The maximum length of PEM text whose line breaks are escaped in JSON, plus the names of its two fields. */
const MAX_JSON_CERTIFICATE = 36_864
/**
 * A box of `crypto_box_seal` is 48 bytes longer than its content, and base64 encodes three bytes as four characters.
 */
const MAX_SEALED_STRING = 4 * Math.ceil((MAX_CONNECTION_STRING + MAX_JSON_CERTIFICATE + 48) / 3)

/** The connection string sealed by the caller, with the non-secret projection that the worker compares with it. */
export const SealedString = {
  sealedConnectionString: z.base64().min(64).max(MAX_SEALED_STRING),
  keyId: z.uuid(),
  host: z.string().min(1).max(253),
  port: z.number().int().min(1).max(65_535).default(5432),
  database: SchemaName,
  /** The schema that the string names. It is registered if `schema` is absent. */
  namedSchema: SchemaName.optional(),
}

/** True for an input whose connection string the caller has sealed. */
export const isSealed = (value: object) => 'sealedConnectionString' in value || 'keyId' in value
const isEndpoint = (value: object) => 'endpoint' in value || 'signingKey' in value

/** Registers a direct datasource, with its string in clear or sealed by the caller. */
export const RegisterDirect = chosen(
  isSealed,
  z.strictObject({ ...PlainString, ...Trusted, ...placed, ...described }).transform(withReadString),
  z.strictObject({ ...SealedString, ...placed, ...described }),
)

/** Registers a signed endpoint. */
export const RegisterEndpoint = z.strictObject({
  endpoint: z.string().min(1).max(MAX_URL),
  signingKey: storableText(8, 512),
  environment: Mode.optional(),
  ...described,
})

/** Input of `datasources.register`. */
export const RegisterInput = chosen(isEndpoint, RegisterDirect, RegisterEndpoint)
export type RegisterInput = z.output<typeof RegisterInput>

/** Input of `datasources.validate`: the direct form. Only the fields that concern the dial are used. */
export const ValidateInput = chosen(
  isSealed,
  z
    .strictObject({ ...PlainString, ...Trusted, ...placed, idempotencyKey: described.idempotencyKey })
    .transform(withReadString),
  z.strictObject({ ...SealedString, ...placed, idempotencyKey: described.idempotencyKey }),
)
export type ValidateInput = z.output<typeof ValidateInput>
