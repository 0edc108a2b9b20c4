/** Bad input to the datasources dialect: its own error, the field named, no secret quoted, nothing left behind. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  BAD_URLS,
  type BadInputFixture,
  GOOD_URL,
  makeBadInputFixture,
  SECRET,
  TOO_LARGE,
} from '#test/support/http/bad-input.ts'

const PATH = '/v1/datasources'
const good = { connectionString: GOOD_URL }
const endpoint = { endpoint: 'https://api.acme.io/feed', signingKey: `${SECRET}-${SECRET}` }

let deps: BadInputFixture
beforeAll(async () => {
  deps = await makeBadInputFixture()
})
afterAll(() => deps.mooring.stop())

interface Refusal {
  status: number
  code: string
  param?: string
}

/** The documented class names, by which callers distinguish errors. */
const TYPES: Readonly<Record<number, string>> = {
  400: 'AbloValidationError',
  401: 'AbloAuthenticationError',
  403: 'AbloPermissionError',
  404: 'AbloError',
  405: 'AbloError',
  409: 'AbloIdempotencyError',
  413: 'AbloValidationError',
  415: 'AbloValidationError',
}
const ALIASES: Readonly<Record<string, readonly string[]>> = { byo_host_not_allowed: ['database_host_not_allowed'] }

/** Asserts the flat error object, whose request id equals the header's. */
async function expectRefusal(call: Parameters<BadInputFixture['refused']>, { status, code, param }: Refusal) {
  const answer = await deps.refused(...call)
  expect([answer.status, answer.body.code, answer.body.param], answer.text).toEqual([status, code, param])
  expect(answer.body).toEqual({
    type: TYPES[status],
    code,
    ...(code in ALIASES ? { aliases: ALIASES[code] } : {}),
    message: expect.stringMatching(/./),
    ...(param === undefined ? {} : { param }),
    doc_url: expect.stringContaining(code),
    request_id: answer.headers.get('x-request-id'),
  })
  return answer
}

const post = (body: unknown): Parameters<BadInputFixture['refused']> => ['POST', PATH, { body }]
const invalid = (param?: string): Refusal => ({
  status: 400,
  code: 'invalid_body',
  ...(param === undefined ? {} : { param }),
})

describe('The body of a registration', () => {
  it('must be JSON', async () => {
    for (const body of [`{"connectionString": "${GOOD_URL}`, `{"x" ${SECRET}}`, '['.repeat(2000), '{'])
      await expectRefusal(post(body), { status: 400, code: 'invalid_json' })
  })

  it('is required, and must be an object', async () => {
    await expectRefusal(['POST', PATH, {}], invalid())
    for (const body of ['[]', '"text"', 'null', '5']) await expectRefusal(post(body), invalid())
  })

  it.each([
    ['connectionString', {}],
    ['connectionString', { connection: 'direct' }],
    ['connectionString', { connectionString: { url: GOOD_URL } }],
    ['connectionString', { connectionString: `${GOOD_URL}?application_name=${'x'.repeat(8192)}` }],
    ['schema', { ...good, schema: 5 }],
    ['schema', { ...good, schema: '' }],
    ['schema', { ...good, schema: 'é'.repeat(32) }],
    ['schema', { ...good, schema: 'a\u0000b' }],
    ['connection', { ...good, connection: 'indirect' }],
    ['metadata', { ...good, metadata: { team: 7 } }],
    ['metadata', { ...good, metadata: ['team'] }],
    ['metadata', { ...good, metadata: { [`${'k'.repeat(41)}`]: 'v' } }],
    ['metadata', { ...good, metadata: { team: 'v'.repeat(501) } }],
    ['metadata', { ...good, metadata: Object.fromEntries(Array.from({ length: 51 }, (_, at) => [`k${at}`, 'v'])) }],
    ['metadata', { ...good, metadata: { team: 'a\ud800b' } }],
    ['caCertificate', { ...good, caCertificate: SECRET }],
    ['signingKey', { endpoint: endpoint.endpoint }],
    ['signingKey', { ...endpoint, signingKey: 'short' }],
    ['endpoint', { signingKey: endpoint.signingKey }],
    ['endpoint', { ...endpoint, endpoint: 'http://api.acme.io/feed' }],
    ['endpoint', { ...endpoint, endpoint: 'http://api.acme.io:8443/feed' }],
    ['endpoint', { ...endpoint, endpoint: `https://user:${SECRET}@api.acme.io/feed` }],
    ['environment', { ...endpoint, environment: 'staging' }],
  ])('names the field that is missing, mistyped or overlong: %s', async (param, body) => {
    await expectRefusal(post(body), invalid(param))
  })

  it.each([
    ['name', { ...good, name: 'Shop' }],
    // A body with fields of both kinds is read as an endpoint's.
    ['connectionString', { ...good, ...endpoint }],
    ['schema', { ...endpoint, schema: 'public' }],
    ['livemode', { ...good, livemode: true }],
  ])('names an unknown field, including one of the other kind: %s', async (param, body) => {
    await expectRefusal(post(body), invalid(param))
  })

  it('does not repeat the name of an unknown field that could be a secret', async () => {
    const answer = await deps.refused('POST', PATH, { body: { ...good, [GOOD_URL]: 'x' } })
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_body'])
  })

  it.each(BAD_URLS)('must have a valid connection string, which the reason does not quote: %s', async (url, reason) => {
    const answer = await expectRefusal(post({ connectionString: url }), invalid('connectionString'))
    expect(answer.body.message).toMatch(reason)
  })

  it('is accepted up to 64 KiB, as application/json', async () => {
    await expectRefusal(post(TOO_LARGE), { status: 413, code: 'payload_too_large' })
    await expectRefusal(['POST', PATH, { body: JSON.stringify(good), headers: { 'content-type': 'text/plain' } }], {
      status: 415,
      code: 'unsupported_media_type',
    })
  })
})

describe('A host that may not be dialled', () => {
  it.each(['127.0.0.1', '10.1.2.3', '169.254.169.254', '[::1]', '[::ffff:10.0.0.1]', 'localhost'])(
    '%s is refused for both kinds',
    async host => {
      const refusal = { status: 403, code: 'byo_host_not_allowed' }
      await expectRefusal(post({ connectionString: `postgresql://app:${SECRET}@${host}/shop` }), refusal)
      await expectRefusal(post({ ...endpoint, endpoint: `https://${host}/feed` }), refusal)
    },
  )
})

describe('A path', () => {
  it('with an id that is unknown, malformed, or another organization’s, is not found', async () => {
    const hex = (uuid: string) => uuid.replaceAll('-', '')
    const ids = [`ds_test_${hex(deps.unknown)}`, `ds_test_${hex(deps.foreign)}`, deps.own, 'ds_test_5', '%00', '%ff']
    // Its own id under the other plane's prefix names nothing either.
    for (const id of [...ids, `ds_${hex(deps.own)}`, `dse_${hex(deps.own)}`]) {
      for (const method of ['GET', 'DELETE'])
        await expectRefusal([method, `${PATH}/${id}`], { status: 404, code: 'entity_not_found' })
    }
  })

  it('without a route gets an answer in this shape', async () => {
    for (const path of ['/v2/datasources', '/v1', '/', '/.env'])
      await expectRefusal(['GET', path], { status: 404, code: 'route_not_found' })
  })

  it('with an unsupported method names the supported ones, with the prefix /api and without', async () => {
    for (const prefix of ['', '/api']) {
      const answer = await expectRefusal(['PUT', `${prefix}${PATH}`], { status: 405, code: 'method_not_allowed' })
      expect(answer.headers.get('allow')).toBe('POST, GET, DELETE, HEAD')
    }
  })

  it.each(['limit=0', 'limit=101', 'limit=ten', 'starting_after=x', 'ending_before=ds_5', 'page=2'])(
    'with an invalid query names the parameter: %s',
    async query => {
      const [param = ''] = query.split('=')
      await expectRefusal(['GET', `${PATH}?${query}`], { status: 400, code: 'invalid_request', param })
    },
  )
})

describe('A key', () => {
  it.each([
    ['apikey_missing', () => null],
    ['apikey_invalid', () => deps.badKeys.mistyped],
    ['apikey_invalid', () => deps.badKeys.foreign],
    ['apikey_revoked', () => deps.badKeys.revoked],
    ['apikey_expired', () => deps.badKeys.expired],
  ])('is refused before the body is read: %s', async (code, keyOf) => {
    for (const body of [good, `{"connectionString": ${SECRET}`]) {
      const call: Parameters<BadInputFixture['refused']> = ['POST', PATH, { key: keyOf(), body }]
      await expectRefusal(call, { status: 401, code })
    }
  })

  it('of a mistyped or unknown capability is a permission error', async () => {
    for (const key of [`rk_test_${'a'.repeat(36)}`, 'rk_test_short'])
      await expectRefusal(['GET', PATH, { key }], {
        status: 403,
        code: 'capability_invalid',
      })
  })

  it('may read datasources of the other mode and change none of them', async () => {
    const key = deps.mooring.organization.liveKey
    const forbidden = { status: 403, code: 'forbidden' }
    const path = `${PATH}/ds_test_${deps.own.replaceAll('-', '')}`
    expect((await deps.mooring.call('GET', path, { key })).status).toBe(200)
    await expectRefusal(['DELETE', path, { key }], forbidden)
    await expectRefusal(['POST', PATH, { key, body: { ...endpoint, environment: 'test' } }], forbidden)
  })
})
