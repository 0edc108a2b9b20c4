/**
 * The error answers of a route in the OpenAPI document: the faults that it may return, each formatted by the dialect
 * itself, so that the examples are exactly what a caller gets.
 */
import type { ZodOpenApiResponsesObject } from 'zod-openapi'
import type { Dialect, Route } from '#server/rest/dialect.ts'
import { uuidParsing } from '#shared/base/uuid-text.ts'
import { Fault, type FaultCode, type Issue } from '#shared/faults/fault.ts'
import { IDS } from './examples.ts'

const ALWAYS: readonly FaultCode[] = [
  'apikey_missing',
  'apikey_invalid',
  'apikey_expired',
  'apikey_revoked',
  'capability_invalid',
  'capability_scope_denied',
  'forbidden',
  'rate_limit_exceeded',
  'internal_error',
  'service_unavailable',
  'organization_moved',
]
const WITH_KEY: readonly FaultCode[] = ['invalid_request', 'idempotency_conflict', 'timeout']
const WITH_BODY: readonly FaultCode[] = ['invalid_body', 'invalid_json', 'payload_too_large', 'unsupported_media_type']

/** A path with an invalid id. */
const SAMPLE = { connection_id: '5' }

/** A read is safe to retry whatever its outcome, and continues while an organization is moving. */
const WITH_CHANGE: readonly FaultCode[] = ['outcome_unknown', 'organization_moving']

/** True if a route accepts an `Idempotency-Key`. */
export function takesKey({ method }: Route): boolean {
  return method === 'post' || method === 'patch'
}

/** Every fault that the route may return. */
export function faultsOf(route: Route): FaultCode[] {
  const changed = route.method === 'get' ? [] : WITH_CHANGE
  const posted = takesKey(route) ? WITH_KEY : []
  const withBody: readonly FaultCode[] = route.body === undefined ? [] : WITH_BODY
  return [...new Set([...ALWAYS, ...changed, ...posted, ...withBody, ...route.faults])]
}

/** The answers with a status of 400 or more: one for each status, with an example for each fault. */
export function errorResponses(dialect: Dialect, route: Route): ZodOpenApiResponsesObject {
  const replies = faultsOf(route).flatMap(code =>
    samplesOf(route, dialect, code).map(issues => {
      const fault = new Fault(code, { issues })
      const { status, body } = dialect.faultReply({ fault, requestId: IDS.request, body: undefined, params: SAMPLE })
      return { code, status, body, message: fault.message }
    }),
  )
  const statuses = [...new Set(replies.map(one => one.status))].sort((one, other) => one - other)
  return Object.fromEntries(
    statuses.map(status => {
      const here = replies.filter(one => one.status === status)
      const examples = Object.fromEntries(here.map(one => [one.code, { summary: one.message, value: one.body }]))
      const content = { 'application/json': { schema: dialect.errorSchema(status), examples } }
      const codes = [...new Set(here.map(one => `\`${one.code}\``))].join(', ')
      return [String(status), { description: `Refused or failed: ${codes}.`, headers: headersOf(status), content }]
    }),
  )
}

function headersOf(status: number) {
  const named = ['RequestId', ...(status === 401 ? ['WwwAuthenticate'] : []), ...(status === 429 ? ['RetryAfter'] : [])]
  const names: Readonly<Record<string, string>> = { WwwAuthenticate: 'WWW-Authenticate', RetryAfter: 'Retry-After' }
  return Object.fromEntries(
    named.map(name => [names[name] ?? 'x-request-id', { $ref: `#/components/headers/${name}` }]),
  )
}

/** The issues of a fault, as the dialect's own parsing would report them. */
function samplesOf(route: Route, dialect: Dialect, code: FaultCode): readonly (readonly Issue[])[] {
  const isConnections = dialect.surface === 'connections'
  if (code === 'invalid_json') {
    const ctx = { error: 'Expecting value' }
    return [[{ path: [17], code: 'json_invalid', message: 'JSON decode error', ctx }]]
  }
  if (code === 'invalid_body' && isConnections)
    return [[{ path: ['name'], code: 'missing', message: 'Field required' }]]
  if (code === 'invalid_body')
    return [[{ path: ['schemas'], code: 'unknown_field', message: 'There is no such field.' }]]
  if (code !== 'invalid_request') return [[]]
  const header = [{ path: ['Idempotency-Key'], code: 'length', message: 'An Idempotency-Key has 1 to 255 characters.' }]
  const [named] = Object.keys(route.params)
  const query = [{ path: ['limit'], code: 'too_big', message: 'It must be at most 100.' }]
  const { type, ...said } = uuidParsing('invalid length: expected length 32 for simple format, found 1')
  const path = [{ path: ['path', named ?? ''], code: type, ...said }]
  const placed = isConnections ? (named === undefined ? [] : [path]) : route.query ? [query] : []
  return takesKey(route) ? [header, ...placed] : placed
}
