/**
 * Input → what is to be sealed and what is shown: judges what can be judged without a
 * look-up, and separates the secret from its display columns. Nothing here dials, and no reason quotes the string.
 */

import type { KnownContext } from '#server/api/context.ts'
import type { BroughtSecret } from '#server/domain/access/sealed.ts'
import { directIdentity } from '#server/domain/datasources/identity.ts'
import { judgeHost, judgeTarget, judgeUrl } from '#server/domain/network/host-policy.ts'
import type { NewDatasource } from '#server/store/datasources/registration.ts'
import type { Mode } from '#shared/base/wire.ts'
import { parseEndpointUrl } from '#shared/connection-string/endpoint-url.ts'
import { parseHost } from '#shared/connection-string/host.ts'
import { DEFAULT_EXCLUDED_SCHEMAS } from '#shared/datasources/datasource.ts'
import type { ReadString, RegisterInput } from '#shared/datasources/registration.ts'
import { Fault } from '#shared/faults/fault.ts'

/** The part of an input that names a database and how to log in to it. A sealed one has its CA certificate inside the box. */
export type StringInput =
  | { connectionString: ReadString; caCertificate?: string | null | undefined }
  | { sealedConnectionString: string; keyId: string; host: string; port: number; database: string }

/** A connection string taken apart: what to seal, and what to show. */
export interface DraftedString {
  readonly secret: Extract<BroughtSecret, { kind: 'direct' | 'client-sealed' }>
  readonly host: string
  readonly port: number
  readonly database: string
  readonly tlsMode: string | null
}

/** Takes a connection string, in clear or sealed by the caller, apart. Throws `invalid_body`, `byo_host_not_allowed`. */
export function draftString(ctx: KnownContext, input: StringInput): DraftedString {
  if ('sealedConnectionString' in input) {
    const host = parseHost(input.host)
    if (!host.ok)
      throw new Fault('invalid_body', { issues: [{ path: ['host'], code: host.code, message: host.message }] })
    const projection = { host: host.host, port: input.port, database: input.database }
    if (judgeHost({ ...projection, purpose: 'postgres' }, ctx.parts.policy).verdict === 'refuse')
      throw new Fault('byo_host_not_allowed')
    const { sealedConnectionString: box, keyId } = input
    const secret = { kind: 'client-sealed' as const, box, keyId, projection, ...UNSAID }
    return { secret, ...projection, tlsMode: null }
  }
  const { target } = input.connectionString
  const refused = judgeTarget(target, ctx.parts.policy)
  if (refused === 'tls_required') {
    const message = 'sslmode=disable is taken only for hosts in networks that this installation has opened'
    throw new Fault('invalid_body', { issues: [{ path: ['connectionString'], code: 'connection_string', message }] })
  }
  if (refused !== null) throw new Fault('byo_host_not_allowed')
  const { host, port, database, tlsMode } = target
  const trust = input.caCertificate === undefined ? UNSAID : { caCertificate: input.caCertificate }
  return { secret: { kind: 'direct', target, ...trust }, host, port, database, tlsMode }
}

/** Nothing is said of a CA certificate, at least out here: the worker knows whether one is in force. */
const UNSAID = { caCertificate: null, keepCertificate: true } as const

/** A datasource to be registered. */
export interface Draft {
  readonly datasource: Omit<NewDatasource, 'id'>
  readonly secret: BroughtSecret
  readonly last4: string | null
}

/** Everything of a registration but ids and boxes. Throws `invalid_body`, `byo_host_not_allowed`. */
export function draft(ctx: KnownContext, input: RegisterInput): Draft {
  return 'endpoint' in input ? draftEndpoint(ctx, input) : draftDirect(ctx, input)
}

type DirectInput = Exclude<RegisterInput, { endpoint: string }>
type EndpointInput = Extract<RegisterInput, { endpoint: string }>

function draftDirect(ctx: KnownContext, input: DirectInput): Draft {
  const { secret, ...shown } = draftString(ctx, input)
  const mode = ctx.principal.mode
  const schema = input.schema === undefined ? 'public' : input.schema
  return {
    datasource: {
      kind: 'direct',
      mode,
      name: input.name ?? null,
      dbType: input.dbType ?? 'postgresql',
      ...shown,
      schema,
      excludedSchemas: input.excludedSchemas ?? DEFAULT_EXCLUDED_SCHEMAS,
      endpoint: null,
      metadata: input.metadata ?? {},
      identity: ctx.voice === 'datasources' ? directIdentity({ mode, ...shown, schema }) : null,
    },
    secret,
    last4: null,
  }
}

function draftEndpoint(ctx: KnownContext, input: EndpointInput): Draft {
  const parsed = parseEndpointUrl(input.endpoint)
  if (!parsed.ok)
    throw new Fault('invalid_body', { issues: [{ path: ['endpoint'], code: 'endpoint_url', message: parsed.message }] })
  const refused = judgeUrl(parsed.url, ctx.parts.policy)
  if (refused !== null && refused !== 'host_refused' && !parsed.url.secure)
    throw new Fault('invalid_body', {
      issues: [{ path: ['endpoint'], code: 'endpoint_url', message: 'It has to begin with https://.' }],
    })
  if (refused !== null) throw new Fault('byo_host_not_allowed')
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
      identity: ctx.voice === 'datasources' ? JSON.stringify(['endpoint', mode, parsed.url.href]) : null,
    },
    secret: { kind: 'endpoint', url: parsed.url.href, signingKey: input.signingKey },
    last4: [...input.signingKey].slice(-4).join(''),
  }
}
