/**
 * The single closed table of faults. tRPC codes, HTTP statuses, both dialects' codes, the OpenAPI responses and
 * `docs/faults.md` are all derived from it; no other file maps an error to a status.
 *
 * Callers see the message. It is fixed text and never contains part of a request, an address or a library's message,
 * because error messages are where a password leaks most easily. The cause goes to the log.
 */

/** One row: HTTP status, the dialects' codes, whether a retry can help, and the public message. */
export interface FaultSpec {
  /** The HTTP status over tRPC and in both dialects, unless a dialect's contract names another one. */
  readonly status: number
  /** The status in the datasources dialect if its contract differs. */
  readonly datasourcesStatus?: number
  /** Newer documented codes in the datasources dialect, for callers of both API generations. */
  readonly aliases?: readonly string[]
  /** `error.code` in the connections dialect. */
  readonly connections: string
  readonly retryable: boolean
  readonly message: string
}

const invalid = { status: 400, connections: 'VALIDATION_ERROR', retryable: false } as const
const unauthorized = { status: 401, connections: 'UNAUTHORIZED', retryable: false } as const
const denied = { status: 403, connections: 'FORBIDDEN', retryable: false } as const
const conflict = { status: 409, connections: 'CONFLICT', retryable: false } as const
const unreachable = { status: 502, datasourcesStatus: 400, connections: 'DATABASE_UNREACHABLE' } as const

/** Every way in which Mooring refuses or fails, by code. */
export const FAULTS = {
  invalid_body: { ...invalid, message: 'The body is invalid; the error names the field.' },
  narrow_scope_required: {
    ...invalid,
    message: 'List the permitted operations in operations, or set wideScope: true for everything that the key may do.',
  },
  invalid_participant_kind: {
    ...invalid,
    message: 'A capability is for an agent or a system: set participantKind to one of them.',
  },
  invalid_json: { ...invalid, message: 'The body is not valid JSON.' },
  invalid_request: { ...invalid, message: 'A parameter or header is invalid; the error names it.' },
  apikey_missing: {
    ...unauthorized,
    message: 'Send an API key as "Authorization: Bearer <key>" or "X-API-Key: <key>".',
  },
  apikey_invalid: { ...unauthorized, message: 'This API key is unknown. Check that you copied all of it.' },
  apikey_expired: { ...unauthorized, message: 'This API key has expired. Create a new one.' },
  apikey_revoked: { ...unauthorized, message: 'This API key was revoked. Create a new one.' },
  capability_invalid: {
    ...denied,
    message: 'This capability is mistyped, expired or revoked. Ask its issuer for a new one.',
  },
  capability_scope_denied: { ...denied, message: 'The credential does not grant this operation on this datasource.' },
  forbidden: {
    ...denied,
    message: 'This key or capability may not do that. A key can change only objects of its own mode, live or test.',
  },
  byo_host_not_allowed: {
    ...denied,
    connections: 'HOST_NOT_ALLOWED',
    aliases: ['database_host_not_allowed'],
    message:
      'The host or port may not be dialled, or the host resolves to an address that may not. Use a publicly routable host.',
  },
  byo_role_cannot_enforce_rls: {
    ...denied,
    aliases: ['database_role_cannot_enforce_rls'],
    message:
      'The role can bypass row-level security, or can become a role that does. Register a least-privileged role.',
  },
  byo_role_unreadable: {
    ...denied,
    aliases: ['database_role_unreadable'],
    message: "The role's attributes could not be read, so it cannot be trusted.",
  },
  authentication_failed: { ...invalid, message: 'The database refused the user name or password. Check both.' },
  authentication_unsafe: {
    ...invalid,
    message:
      'The server requested a login that would expose the password, or did not prove that it knows the password. Use SCRAM over TLS.',
  },
  tls_failed: {
    ...invalid,
    message:
      'No acceptable TLS session could be established. Enable TLS on the server, provide its CA certificate, or choose a suitable sslmode.',
  },
  database_not_found: { ...invalid, message: 'The server has no such database, or the role may not connect to it.' },
  schema_not_found: { ...invalid, message: 'The schema does not exist, or the role has no USAGE on it.' },
  schema_conflict: {
    ...invalid,
    message:
      'The connection string names a different schema from the request. Name the same schema in both, or leave it out of the string.',
  },
  server_unsupported: {
    ...invalid,
    message: 'The server is not PostgreSQL, or is older than version 13. Register PostgreSQL 13 or later.',
  },
  server_misbehaved: {
    ...unreachable,
    retryable: false,
    message: 'The server at this address is not a conforming PostgreSQL server.',
  },
  database_unreachable: {
    ...unreachable,
    retryable: true,
    message: 'The database could not be reached. Check the host, the port and the firewall.',
  },
  endpoint_unavailable: {
    ...unreachable,
    retryable: true,
    message: 'The endpoint is temporarily unavailable. It is retried automatically; check its own log.',
  },
  endpoint_misbehaved: {
    ...unreachable,
    retryable: false,
    message: 'The endpoint did not answer as the endpoint protocol requires.',
  },
  signature_refused: {
    ...invalid,
    message: 'The endpoint rejected our signature. Check that it has the registered signing key, and check its clock.',
  },
  endpoint_clock_off: {
    ...invalid,
    message: 'The endpoint rejected the timestamp of our signature. Synchronize its clock.',
  },
  endpoint_key_missing: {
    ...invalid,
    message: 'The endpoint has no key to verify our signature. Set it in the configuration of the endpoint.',
  },
  projection_mismatch: {
    ...invalid,
    message: 'The sealed connection string names a different host, port or database from the request.',
  },
  credential_unreadable: {
    ...conflict,
    message: 'The stored credential cannot be opened. Register it again; if you did not change it, tell the operator.',
  },
  introspection_failed: {
    status: 502,
    connections: 'INTROSPECTION_FAILED',
    retryable: true,
    message:
      'The schema could not be read. Try again; a table that stays locked, for example during a migration, delays reading.',
  },
  entity_not_found: { ...invalid, status: 404, connections: 'NOT_FOUND', message: 'There is no such object.' },
  capability_not_found: { ...invalid, status: 404, connections: 'NOT_FOUND', message: 'There is no such capability.' },
  route_not_found: { ...invalid, status: 404, connections: 'NOT_FOUND', message: 'There is nothing at this path.' },
  method_not_allowed: {
    ...invalid,
    status: 405,
    connections: 'METHOD_NOT_ALLOWED',
    message: 'This path does not support that method; the Allow header lists the supported ones.',
  },
  conflict: { ...conflict, message: 'The object is not in a state that allows this. Read it again.' },
  target_changed: {
    ...conflict,
    message:
      'The new credential is for another host, port or database. Allow the move explicitly, or register a new datasource.',
  },
  ca_certificate_required: {
    ...conflict,
    message:
      'A CA certificate can be changed only together with the connection string. Send both, or set caCertificate to null for public CAs.',
  },
  idempotency_conflict: {
    ...conflict,
    message: 'This idempotency key was used with a different request. Use a new key.',
  },
  payload_too_large: {
    ...invalid,
    status: 413,
    connections: 'PAYLOAD_TOO_LARGE',
    message:
      "The request is too large. From a provider's bundle of CA certificates, send only the one for the server's region.",
  },
  response_too_large: {
    ...invalid,
    status: 413,
    connections: 'RESPONSE_TOO_LARGE',
    message: 'The answer is too large for one request. Request a part of it.',
  },
  unsupported_media_type: {
    ...invalid,
    status: 415,
    connections: 'UNSUPPORTED_MEDIA_TYPE',
    message: 'Send the body as application/json in UTF-8.',
  },
  resource_limit_reached: {
    ...denied,
    message: 'The organization has reached its limit for these objects. Remove some, or ask for a higher limit.',
  },
  rate_limit_exceeded: {
    status: 429,
    connections: 'RATE_LIMITED',
    retryable: true,
    message: 'Too many requests. Wait for the time given in Retry-After.',
  },
  internal_error: {
    status: 500,
    connections: 'INTERNAL_ERROR',
    retryable: true,
    message: 'An internal error occurred. Quote the request id when you report it.',
  },
  service_unavailable: {
    status: 503,
    connections: 'SERVICE_UNAVAILABLE',
    retryable: true,
    message:
      "Mooring's own database is temporarily unavailable, and nothing was done. Retry after the time given in Retry-After.",
  },
  organization_moving: {
    status: 503,
    connections: 'SERVICE_UNAVAILABLE',
    retryable: true,
    message:
      'The organization is being moved to another installation: it can only be read, and nothing was done. Retry after the time given in Retry-After.',
  },
  organization_moved: {
    ...conflict,
    message:
      'The organization has moved to another installation, and nothing was done. Send the request there, with the same key.',
  },
  outcome_unknown: {
    status: 503,
    connections: 'SERVICE_UNAVAILABLE',
    retryable: false,
    message: 'The connection to our own database was lost. The request may have taken effect; check before you retry.',
  },
  timeout: {
    status: 504,
    connections: 'TIMEOUT',
    retryable: true,
    message: 'Timed out. The operation is still running; retry to get its result.',
  },
} as const satisfies Record<string, FaultSpec>

/** The code of a fault. */
export type FaultCode = keyof typeof FAULTS

/** True if the text is the code of a fault. */
export function isFaultCode(text: string): text is FaultCode {
  return Object.hasOwn(FAULTS, text)
}

/** Returns the row of a code, widened to its interface. */
export function faultSpec(code: FaultCode): FaultSpec {
  return FAULTS[code]
}

/** One invalid input: its path and a stable code, never the value. */
export interface Issue {
  readonly path: readonly (string | number)[]
  readonly code: string
  /** One of our own messages. It never quotes the input. */
  readonly message: string
  /** Limits such as `{ min_length: 1 }`; never part of the input. */
  readonly ctx?: Readonly<Record<string, string | number>>
}

interface FaultOptions {
  /** The cause, for the log only. */
  readonly cause?: unknown
  readonly issues?: readonly Issue[]
  /** True if a retry can help in this case, whatever the table says for the code. */
  readonly retryable?: boolean
  /** Headers of the response, such as `Retry-After` and `Allow`. */
  readonly headers?: Readonly<Record<string, string>>
}

/** A refusal or failure that a caller may see. `message` is always the message from the table. */
export class Fault extends Error {
  readonly code: FaultCode
  readonly issues: readonly Issue[]
  readonly headers: Readonly<Record<string, string>>
  readonly retryable: boolean

  constructor(code: FaultCode, options: FaultOptions = {}) {
    super(FAULTS[code].message, { cause: options.cause })
    this.name = 'Fault'
    this.code = code
    this.issues = options.issues ?? []
    this.headers = options.headers ?? {}
    this.retryable = options.retryable ?? FAULTS[code].retryable
  }
}
