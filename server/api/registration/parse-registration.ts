/**
 * Converts input to what is sealed and what is displayed, and adds the string's advice to answers: judges everything
 * that needs no look-up, and separates the secret from its display columns. Nothing here dials, and no reason quotes the
 * string.
 */

import type { KnownContext } from '#server/api/context.ts'
import type { BroughtSecret } from '#server/domain/access/sealed.ts'
import { placeFix } from '#server/domain/checks/fixes/place-fixes.ts'
import { judgeHost, judgeTarget, judgeUrl, type PlaceRefusal } from '#server/domain/network/host-policy.ts'
import type { NewDatasource } from '#server/store/datasources/registration.ts'
import { directNaturalKey } from '#shared/base/datasource-name.ts'
import { quoteName } from '#shared/base/sql-text.ts'
import { sharesPiece } from '#shared/base/text.ts'
import type { Mode } from '#shared/base/wire.ts'
import type { Advisory } from '#shared/checks/check.ts'
import { parseEndpointUrl } from '#shared/connection-string/endpoint-url.ts'
import { parseHost } from '#shared/connection-string/host.ts'
import { type Datasource, DEFAULT_EXCLUDED_SCHEMAS } from '#shared/datasources/datasource.ts'
import type { ReadString, RegisterInput } from '#shared/datasources/registration.ts'
import { failureSpec } from '#shared/faults/failure.ts'
import { Fault } from '#shared/faults/fault.ts'

/** The part of an input that names a database and its login. A sealed string has its CA certificate inside the box. */
export type StringInput = { connectionString: ReadString; caCertificate?: string | null | undefined } | SealedInput

interface SealedInput {
  readonly sealedConnectionString: string
  readonly keyId: string
  readonly host: string
  readonly port: number
  readonly database: string
  readonly namedSchema?: string | undefined
}

/** A parsed connection string: what to seal, and what to display. */
export interface SplitString {
  readonly secret: Extract<BroughtSecret, { kind: 'direct' | 'client-sealed' }>
  readonly host: string
  readonly port: number
  readonly database: string
  readonly tlsMode: string | null
  /** The advice on a string that arrived in clear; only the worker knows that on a sealed one. */
  readonly advisories: readonly Advisory[]
  /** The schema that the string names; for a sealed one, its caller's declaration, which the worker verifies. */
  readonly namedSchema: string | null
}

/** Parses a connection string, in clear or sealed by the caller. Throws `invalid_body`, `byo_host_not_allowed`. */
export function parseString(ctx: KnownContext, input: StringInput): SplitString {
  if ('sealedConnectionString' in input) {
    const host = parseHost(input.host)
    if (!host.ok)
      throw new Fault('invalid_body', { issues: [{ path: ['host'], code: host.code, message: host.message }] })
    const projection = { host: host.host, port: input.port, database: input.database }
    const judged = judgeHost({ ...projection, purpose: 'postgres' }, ctx.deps.policy)
    if (judged.verdict === 'refuse') throw refusedPlace(judged.code, 'host', host.host)
    const { sealedConnectionString: box, keyId } = input
    const secret = { kind: 'client-sealed' as const, box, keyId, projection, ...UNSAID }
    return { secret, ...projection, tlsMode: null, advisories: [], namedSchema: input.namedSchema ?? null }
  }
  const { target, advisories, schema: namedSchema } = input.connectionString
  const refused = judgeTarget(target, ctx.deps.policy)
  if (refused === 'tls_required') {
    const message = 'sslmode=disable is accepted only for hosts in networks that this installation has opened'
    throw new Fault('invalid_body', { issues: [{ path: ['connectionString'], code: 'parameter_value', message }] })
  }
  if (refused !== null) throw refusedPlace(refused, 'connectionString', target.host)
  const { host, port, database, tlsMode } = target
  const trust = input.caCertificate === undefined ? UNSAID : { caCertificate: input.caCertificate }
  return { secret: { kind: 'direct', target, ...trust }, host, port, database, tlsMode, advisories, namedSchema }
}

/** The fault for a place that is not dialled. For a private name it says which one to use instead. */
function refusedPlace(code: PlaceRefusal, field: string, host: string): Fault {
  if (code !== 'host_private') return new Fault('byo_host_not_allowed')
  const message = `The host is ${failureSpec(code).observed}. ${placeFix(code, host)}`
  return new Fault('byo_host_not_allowed', { issues: [{ path: [field], code, message }] })
}

/** No CA certificate was mentioned, at least outside the box: the worker knows whether one is in force. */
const UNSAID = { caCertificate: null, keepCertificate: true } as const

/** The schema of a field, or else the one that the string names. Throws `invalid_body` if both name different ones. */
export function schemaOf(given: string | null | undefined, { namedSchema, secret }: SplitString): string | null {
  if (given === undefined || given === null) return namedSchema ?? (given === null ? null : 'public')
  if (namedSchema === null || namedSchema === given) return given
  // A name that contains part of the password is not displayed.
  const password = secret.kind === 'direct' ? secret.target.password : ''
  const displayed = sharesPiece(namedSchema, password) ? 'another one' : quoteName(namedSchema)
  const message = `The schema field names ${quoteName(given)}, the connection string ${displayed}: give only one of them, or the same in both.`
  throw new Fault('invalid_body', { issues: [{ path: ['schema'], code: 'schema_conflict', message }] })
}

/** A datasource to register. */
export interface ParsedRegistration {
  readonly datasource: Omit<NewDatasource, 'id'>
  readonly secret: BroughtSecret
  readonly last4: string | null
  /** Labels for an existing datasource; undefined if none were given, so that it keeps its own. */
  readonly metadata: Readonly<Record<string, string>> | undefined
  /** The answer's advisories besides those of a check. */
  readonly advisories: readonly Advisory[]
  /** The natural key that the same string had before its schema was read; null for any other. */
  readonly formerIdentity: string | null
}

/** Everything of a registration but ids and boxes. Throws `invalid_body`, `byo_host_not_allowed`. */
export function parseRegistration(ctx: KnownContext, input: RegisterInput): ParsedRegistration {
  return 'endpoint' in input ? draftEndpoint(ctx, input) : draftDirect(ctx, input)
}

type DirectInput = Exclude<RegisterInput, { endpoint: string }>
type EndpointInput = Extract<RegisterInput, { endpoint: string }>

function draftDirect(ctx: KnownContext, input: DirectInput): ParsedRegistration {
  const drafted = parseString(ctx, input)
  const { secret, advisories, namedSchema, ...displayed } = drafted
  const mode = ctx.principal.mode
  const schema = schemaOf(input.schema, drafted)
  const hasIdentity = ctx.surface === 'datasources'
  const isFromString = input.schema === undefined && namedSchema !== null && namedSchema !== 'public'
  return {
    datasource: {
      kind: 'direct',
      mode,
      name: input.name ?? null,
      dbType: input.dbType ?? 'postgresql',
      ...displayed,
      schema,
      excludedSchemas: input.excludedSchemas ?? DEFAULT_EXCLUDED_SCHEMAS,
      endpoint: null,
      metadata: input.metadata ?? {},
      identity: hasIdentity ? directNaturalKey({ mode, ...displayed, schema }) : null,
    },
    secret,
    last4: null,
    metadata: input.metadata,
    advisories,
    formerIdentity: hasIdentity && isFromString ? directNaturalKey({ mode, ...displayed, schema: 'public' }) : null,
  }
}

function draftEndpoint(ctx: KnownContext, input: EndpointInput): ParsedRegistration {
  const parsed = parseEndpointUrl(input.endpoint)
  if (!parsed.ok)
    throw new Fault('invalid_body', { issues: [{ path: ['endpoint'], code: 'endpoint_url', message: parsed.message }] })
  const refused = judgeUrl(parsed.url, ctx.deps.policy)
  if (refused !== null && !refused.startsWith('host_') && !parsed.url.secure)
    throw new Fault('invalid_body', {
      issues: [{ path: ['endpoint'], code: 'endpoint_url', message: 'It must begin with https://.' }],
    })
  if (refused !== null)
    throw refusedPlace(refused === 'tls_required' ? 'host_refused' : refused, 'endpoint', parsed.url.host)
  const mode: Mode = input.environment ?? ctx.principal.mode
  return {
    datasource: {
      kind: 'endpoint',
      mode,
      name: input.name ?? null,
      dbType: null,
      host: null,
      port: null,
      database: null,
      schema: null,
      tlsMode: null,
      excludedSchemas: null,
      endpoint: parsed.url.href,
      metadata: input.metadata ?? {},
      identity: ctx.surface === 'datasources' ? JSON.stringify(['endpoint', mode, parsed.url.href]) : null,
    },
    secret: { kind: 'endpoint', url: parsed.url.href, signingKey: input.signingKey },
    last4: [...input.signingKey].slice(-4).join(''),
    metadata: input.metadata,
    advisories: [],
    formerIdentity: null,
  }
}

/**
 * The answer with the string's own advice after that of the last check. It concerns only the text of this call, so it is
 * not stored.
 */
export function withAdvice<T extends Pick<Datasource, 'advisories'>>(
  answer: T,
  { advisories }: { readonly advisories: readonly Advisory[] },
): T {
  if (advisories.length === 0) return answer
  const known = (one: Advisory) =>
    answer.advisories.some(({ item, recommendation }) => item === one.item && recommendation === one.recommendation)
  return { ...answer, advisories: [...answer.advisories, ...advisories.filter(one => !known(one))] }
}
