/**
 * Limits of requests: how large one may be, how long it may
 * take, and how many a caller may make.
 */
import { MAX_WAITING_PUSHES } from '#server/api/caller/keyless-gate.ts'
import { LOCAL_SIGN_INS, VALIDATIONS } from '#server/api/caller/limits.ts'
import { MAX_PRINCIPALS } from '#server/api/caller/refusal-sampler.ts'
import { MAX_KEYLESS_BYTES } from '#server/api/feeds/keyless-push.ts'
import { MAX_ANSWER_BYTES, MAX_WAITING_READINGS, READERS } from '#server/api/schemas/reader/snapshot-reader.ts'
import { readConfig } from '#server/config.ts'
import { MAX_PUSH_DEPTH } from '#server/rest/datasources/event-routes.ts'
import { MAX_HEADERS, MAX_URL_LENGTH } from '#server/rest/front.ts'
import { MAX_BODY_BYTES, MAX_DEPTH } from '#server/rest/http/body.ts'
import { MAX_HEAD_BYTES } from '#server/rest/listener.ts'
import { MAX_BATCH } from '#server/rest/trpc.ts'
import { shareOf } from '#server/store/connection/pool.ts'
import { PUSHES_PER_SECOND } from '#server/wiring-web.ts'
import { MAX_PAGE } from '#shared/base/page.ts'
import { MAX_CONNECTION_STRING } from '#shared/connection-string/uri-text.ts'
import { EXCLUDED_SCHEMAS } from '#shared/datasources/excluded-schemas.ts'
import { MAX_EVENTS, MAX_PUSH_BYTES } from '#shared/feeds/feed.ts'
import type { Limit } from './limit.ts'

const { rateLimits, patience, quotas, poolSize } = readConfig({})

const TOO_LARGE = '`payload_too_large`'

/** Limits beyond which a request is refused without being read. */
const SIZES: readonly Limit[] = [
  {
    what: 'Request line and headers',
    ...{ bound: MAX_HEAD_BYTES, unit: 'bytes', happens: 'refused', how: `431 ${TOO_LARGE}` },
    test: ['http/http', '431'],
  },
  {
    what: 'Headers of a request',
    ...{ bound: MAX_HEADERS, unit: 'headers', happens: 'refused', how: `431 ${TOO_LARGE}` },
    test: ['house/limits-bounds', 'MAX_HEADERS'],
  },
  {
    what: 'A URL',
    ...{ bound: MAX_URL_LENGTH, unit: 'characters', happens: 'refused', how: `414 ${TOO_LARGE}` },
    test: ['http/http', 'of a URL over 8 KiB is 414'],
  },
  {
    what: 'A body',
    ...{ bound: MAX_BODY_BYTES, unit: 'bytes', happens: 'refused', how: `413 ${TOO_LARGE}` },
    test: ['http/bad-input-datasources', 'is accepted up to 64 KiB'],
  },
  {
    what: 'The body of a push',
    ...{ bound: MAX_PUSH_BYTES, unit: 'bytes', happens: 'refused', how: `413 ${TOO_LARGE}` },
    test: ['feeds/push', 'may have one mebibyte and not a byte more'],
  },
  {
    what: 'The body of a push without a key',
    ...{ bound: MAX_KEYLESS_BYTES, unit: 'bytes', happens: 'refused', how: `413 ${TOO_LARGE}` },
    test: ['attacks/neighbours/keyless-push', 'MAX_KEYLESS_BYTES'],
  },
  {
    what: 'Nesting of JSON in a body',
    ...{ bound: MAX_DEPTH, unit: 'levels', happens: 'refused', how: '400 `invalid_body`, or 422' },
    test: ['http/pydantic', 'nested deeper than is taken'],
    holds: [
      'server/rest/http/json-offset.ts jsonError()',
      'server/rest/http/json-offset.ts value()',
      'server/rest/http/json-offset.ts string()',
      'server/rest/http/json-offset.ts skip()',
    ],
  },
  {
    what: 'Nesting of JSON in a push',
    ...{ bound: MAX_PUSH_DEPTH, unit: 'levels', happens: 'refused', how: '400 `invalid_body`' },
    test: ['house/limits-bounds', 'MAX_PUSH_DEPTH'],
    holds: ['server/domain/feeds/json-text.ts endOfString()'],
  },
  {
    what: 'A connection string',
    ...{ bound: MAX_CONNECTION_STRING, unit: 'characters', happens: 'refused', how: '400 `invalid_body`, or 422' },
    test: ['http/bad-input-connections', 'a string of 8,192 characters'],
  },
  {
    what: 'Names of excluded schemas',
    ...{ bound: EXCLUDED_SCHEMAS.names, unit: 'names', happens: 'refused', how: '400 `invalid_body`, or 422' },
    test: ['http/pydantic', 'too many names in the list'],
  },
  {
    what: 'Names of excluded schemas together',
    ...{ bound: EXCLUDED_SCHEMAS.bytes, unit: 'bytes', happens: 'refused', how: '400 `invalid_body`, or 422' },
    test: ['http/pydantic', 'too long a list'],
    holds: [
      'input datasources.register excludedSchemas.[]',
      'input datasources.rotate excludedSchemas.[]',
      'input datasources.update excludedSchemas.[]',
      'input datasources.validate excludedSchemas.[]',
      'input POST /api/v1/connections excluded_schemas.[]',
      'input PATCH /api/v1/connections/:connection_id excluded_schemas.[]',
    ],
  },
  {
    what: 'Calls of a batch',
    ...{ bound: MAX_BATCH, unit: 'calls', happens: 'refused', how: '400 `invalid_request`' },
    test: ['http/bad-input-trpc', 'is called at most twenty times in a batch'],
  },
  {
    what: 'A page of a list',
    ...{
      bound: MAX_PAGE,
      unit: 'rows',
      happens: 'refused',
      how: '400 or 422; `nextCursor` and `has_more` show that there are more',
    },
    test: ['datasources/list', 'hold 1 to 100, 20 by default'],
  },
  {
    what: "A page of a feed's events",
    ...{ bound: MAX_EVENTS, unit: 'events', happens: 'refused', how: '400 `invalid_request`' },
    test: ['feeds/feed-read', 'limit=1001'],
  },
]

/** The size of answers, and their cost. */
const ANSWERS: readonly Limit[] = [
  {
    what: 'Rows that a process holds while it writes a list without pages',
    ...{ bound: MAX_PAGE, unit: 'rows', happens: 'waits' },
    how: 'the next rows are read when these are sent; after a minute unread, the answer is cut off',
    test: ['attacks/sizes/lists', 'reads no page ahead of its caller'],
  },
  {
    what: 'Snapshots in the answers of one request, all calls of a batch together',
    ...{
      bound: MAX_ANSWER_BYTES,
      unit: 'bytes',
      happens: 'refused',
      how: '413 `response_too_large`, naming `schema` and `table`',
    },
    test: ['attacks/sizes/amplification', 'MAX_ANSWER_BYTES'],
    holds: ['server/rest/http/put-in-place.ts held'],
  },
  {
    what: 'Threads that read snapshots, in each web process',
    ...{ bound: READERS, unit: 'threads', happens: 'waits', how: 'for a thread' },
    test: ['attacks/sizes/amplification', 'READERS'],
  },
  {
    what: 'Readings of snapshots that wait for a thread',
    ...{ bound: MAX_WAITING_READINGS, unit: 'readings', happens: 'refused', how: '503 `service_unavailable`' },
    test: ['attacks/sizes/amplification', 'MAX_WAITING_READINGS'],
    holds: ['server/api/schemas/reader/snapshot-reader.ts #waiting'],
  },
]

/** How long a client may take, and how often it may call. */
const RATES: readonly Limit[] = [
  {
    what: 'Time for the head of a request',
    ...{ bound: patience.headersTimeoutMs, unit: 'ms', setting: 'MOORING_HEADERS_TIMEOUT_MS' },
    ...{ happens: 'refused', how: '408 `timeout`' },
    test: ['http/http-exchange', 'does not finish its headers'],
  },
  {
    what: 'Time for a whole request',
    ...{ bound: patience.requestTimeoutMs, unit: 'ms', setting: 'MOORING_REQUEST_TIMEOUT_MS' },
    ...{ happens: 'refused', how: '408 `timeout`' },
    test: ['http/http-exchange', 'does not finish its body'],
  },
  {
    what: 'Calls of a key in a window of 10 s',
    ...{ bound: rateLimits.perKey, unit: 'calls', setting: 'MOORING_RATE_PER_KEY' },
    ...{ happens: 'refused', how: '429 `rate_limit_exceeded`' },
    test: ['access/limits', 'MOORING_RATE_PER_KEY'],
    holds: ['table rate_limits'],
  },
  {
    what: 'Calls of an organization in a window of 10 s',
    ...{ bound: rateLimits.perOrganization, unit: 'calls', setting: 'MOORING_RATE_PER_ORGANIZATION' },
    ...{ happens: 'refused', how: '429 `rate_limit_exceeded`' },
    test: ['access/limits', 'MOORING_RATE_PER_ORGANIZATION'],
  },
  {
    what: 'Connections to our own database that an organization holds in one process',
    ...{ bound: shareOf(poolSize), unit: 'connections', setting: 'MOORING_POOL_SIZE' },
    ...{ happens: 'waits', how: '2 s, then 429 `rate_limit_exceeded`' },
    test: ['database/own-database', 'holds half of the connections at most'],
    holds: ['server/store/connection/shares.ts holders'],
  },
  {
    what: 'Failed logins from an address in a minute',
    ...{ bound: rateLimits.failedLogins, unit: 'logins', setting: 'MOORING_RATE_FAILED_LOGINS' },
    ...{ happens: 'refused', how: '429 `rate_limit_exceeded`' },
    test: ['access/limits', 'MOORING_RATE_FAILED_LOGINS'],
  },
  {
    what: 'Pushes without a key in a second, to one datasource and from one network',
    ...{ bound: PUSHES_PER_SECOND, unit: 'pushes', happens: 'refused', how: '429 `rate_limit_exceeded`' },
    test: ['attacks/neighbours/keyless-push', 'PUSHES_PER_SECOND'],
  },
  {
    what: 'Pushes without a key to one datasource that wait in a process',
    ...{ bound: MAX_WAITING_PUSHES, unit: 'pushes', happens: 'refused', how: '429 `rate_limit_exceeded`' },
    test: ['attacks/neighbours/keyless-push', 'MAX_WAITING_PUSHES'],
    holds: ['server/api/caller/keyless-gate.ts #waiting'],
  },
  {
    what: 'Validations of a capability in an hour',
    ...{ bound: VALIDATIONS.points, unit: 'validations', happens: 'refused', how: '429 `rate_limit_exceeded`' },
    test: ['house/limits-bounds', 'VALIDATIONS'],
  },
  {
    what: 'Sign-ins by a code of the terminal in a minute',
    ...{ bound: LOCAL_SIGN_INS.points, unit: 'sign-ins', happens: 'refused', how: '429 `rate_limit_exceeded`' },
    test: ['standalone/console-sign-in', 'LOCAL_SIGN_INS'],
  },
  {
    what: 'Datasources of an organization',
    ...{ bound: quotas.datasources, unit: 'datasources', setting: 'MOORING_MAX_DATASOURCES' },
    ...{ happens: 'refused', how: '403 `resource_limit_reached`' },
    test: ['datasources/quotas', 'MOORING_MAX_DATASOURCES'],
    holds: ['table datasources', 'table credentials', 'table quotas'],
  },
  {
    what: 'Living keys of an organization',
    ...{ bound: quotas.keys, unit: 'keys', setting: 'MOORING_MAX_KEYS' },
    ...{ happens: 'refused', how: '403 `resource_limit_reached`' },
    test: ['datasources/quotas', 'MOORING_MAX_KEYS'],
    holds: ['table api_keys'],
  },
  {
    what: 'Living capabilities of an organization',
    ...{ bound: quotas.capabilities, unit: 'capabilities', setting: 'MOORING_MAX_CAPABILITIES' },
    ...{ happens: 'refused', how: '403 `resource_limit_reached`' },
    test: ['datasources/quotas', 'MOORING_MAX_CAPABILITIES'],
    holds: ['table capabilities'],
  },
]

/** A process's memory of its callers. */
const MEMORY: readonly Limit[] = [
  {
    what: 'Principals whose refusals a process counts',
    ...{ bound: MAX_PRINCIPALS, unit: 'principals', happens: 'oldest goes', how: 'all counts restart' },
    test: ['house/limits-bounds', 'MAX_PRINCIPALS'],
    holds: ['server/api/caller/refusal-sampler.ts #seen'],
  },
]

/** Limits of requests. */
export const REQUEST_LIMITS: readonly Limit[] = [...SIZES, ...ANSWERS, ...RATES, ...MEMORY]
