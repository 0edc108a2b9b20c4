/**
 * The parts of the OpenAPI document that belong to no single route: authentication, and the headers of requests and
 * answers. `openapi.ts` refers to them by name.
 */
import type { RequestHeader } from '#server/rest/dialect.ts'

/** The resources, one per tag. */
export const tags = [
  { name: 'connections', description: 'The connections dialect: an envelope, and validation errors like Pydantic v2.' },
  { name: 'datasources', description: 'The datasources dialect: objects that name their type, and flat errors.' },
  { name: 'capabilities', description: 'Tokens for a few named operations and a limited time.' },
  { name: 'api_keys', description: 'Keys of the organization, in the datasources dialect.' },
  { name: 'api-keys', description: 'The same in the connections dialect.' },
  { name: 'audit_events', description: 'The record of who did what.' },
  { name: 'role_sql', description: 'The SQL that creates a least-privileged role.' },
  { name: 'egress', description: 'The addresses that databases are dialled from.' },
  { name: 'sealing_key', description: 'The public key to which callers may seal connection strings.' },
] as const

/** Either header carries a key or a capability, in both dialects. */
export const securitySchemes = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description: 'An API key (`sk_live_…`, `sk_test_…`) or a capability (`rk_live_…`, `rk_test_…`).',
  },
  apiKey: {
    type: 'apiKey',
    in: 'header',
    name: 'X-API-Key',
    description: 'The same key or capability, in the header that the connections dialect documents.',
  },
} as const

const string = (example: string) => ({ schema: { type: 'string' as const }, example })

/** Headers of answers. */
export const headers = {
  RequestId: {
    description: "The request's id: the one that was sent if it is acceptable, otherwise a new one.",
    ...string('req_5f0c6a1be7d94f2a8c3d0e9b7a614f25'),
  },
  ETag: {
    description: 'Identifies this state of the object; send it back as `If-None-Match`.',
    ...string('"3nMWbmbaDRUHfdaVjL3LWg"'),
  },
  PreferenceApplied: { description: 'The applied waiting time.', ...string('wait=10') },
  IdempotentReplayed: {
    description: '`true` if this is the stored answer of an earlier request with the same key.',
    ...string('true'),
  },
  RetryAfter: { description: 'How many seconds to wait.', ...string('7') },
  WwwAuthenticate: { description: 'How to authenticate.', ...string('Bearer') },
} as const

/** Headers of requests. */
export const parameters = {
  RequestId: {
    in: 'header',
    name: 'x-request-id',
    description: "The caller's own id for the request: 1 to 128 of `A-Z a-z 0-9 . _ : -`. An invalid one is replaced.",
    schema: { type: 'string', pattern: '^[A-Za-z0-9._:-]{1,128}$' },
    example: 'checkout-7f3a',
  },
  IdempotencyKey: {
    in: 'header',
    name: 'Idempotency-Key',
    description:
      'The first answer is stored for 24 hours and returned again to the same caller for the same body; a different body is a 409. ' +
      '*Deliberate*: passwords and signing keys are not compared, since a 409 would reveal whether a guess is right.',
    schema: { type: 'string', minLength: 1, maxLength: 255 },
    example: 'register-cus_1042-1',
  },
  Prefer: {
    in: 'header',
    name: 'Prefer',
    description: '`wait=N` (RFC 7240) holds the answer until the verdict, for at most N seconds; the maximum is 30.',
    schema: { type: 'string' },
    example: 'wait=10',
  },
  WebhookId: {
    in: 'header',
    name: 'webhook-id',
    description: 'The id of a signed message (Standard Webhooks); one that was accepted before stores nothing.',
    schema: { type: 'string' },
    example: 'msg_2Lx8',
  },
  WebhookTimestamp: {
    in: 'header',
    name: 'webhook-timestamp',
    description: 'When it was signed, in Unix seconds.',
    schema: { type: 'string' },
    example: '1795305600',
  },
  WebhookSignature: {
    in: 'header',
    name: 'webhook-signature',
    description: 'Its signatures, one of which must be valid.',
    schema: { type: 'string' },
    example: 'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=',
  },
  IfNoneMatch: {
    in: 'header',
    name: 'If-None-Match',
    description: 'The `ETag` of an earlier answer; 304 without a body when nothing has changed.',
    schema: { type: 'string' },
    example: '"3nMWbmbaDRUHfdaVjL3LWg"',
  },
} as const satisfies Readonly<Record<RequestHeader, object>>
