/** Bad input to the connections dialect: its own error, the field named, no secret quoted, nothing left behind. */
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  BAD_URLS,
  type BadInputFixture,
  GOOD_URL,
  makeBadInputFixture,
  SECRET,
  TOO_LARGE,
} from '#test/support/http/bad-input.ts'

const PATH = '/api/v1/connections'
const good = { name: 'Shop', db_type: 'postgresql', connection_string: GOOD_URL }

let deps: BadInputFixture
beforeAll(async () => {
  deps = await makeBadInputFixture()
})
afterAll(() => deps.mooring.stop())

/** The details of a 422, the only content of its body. */
async function details(body: unknown) {
  const answer = await deps.refused('POST', PATH, { body })
  expect(answer.status).toBe(422)
  expect(Object.keys(answer.body)).toEqual(['detail'])
  return answer.body.detail
}

function envelope(code: string) {
  return { success: false, data: null, error: { code, message: expect.any(String), details: null } }
}

describe('The body of a registration', () => {
  it('must be JSON; the answer gives the place of the first error', async () => {
    const body = `{"name": "Shop", "connection_string": "${GOOD_URL}`
    expect(await details(body)).toEqual([
      {
        type: 'json_invalid',
        loc: ['body', body.indexOf('postgres') - 1],
        msg: 'JSON decode error',
        ctx: { error: 'Unterminated string starting at' },
      },
    ])
    expect(await details(`{"connection_string" ${SECRET}}`)).toMatchObject([
      { type: 'json_invalid', loc: ['body', 21] },
    ])
    expect(await details('['.repeat(2000))).toMatchObject([{ type: 'json_invalid' }])
  })

  it('is required, and must be an object', async () => {
    const nothing = { type: 'missing', loc: ['body'], msg: 'Field required' }
    const absent = await deps.refused('POST', PATH)
    expect([absent.status, absent.body]).toEqual([422, { detail: [nothing] }])
    expect(await details('null')).toEqual([nothing])
    for (const body of ['[]', '"text"', '5']) {
      expect(await details(body)).toMatchObject([{ type: 'model_attributes_type', loc: ['body'] }])
    }
  })

  it('must have every required field; one answer names all missing ones', async () => {
    expect(await details({})).toEqual(
      ['name', 'db_type', 'connection_string'].map(field => ({
        type: 'missing',
        loc: ['body', field],
        msg: 'Field required',
      })),
    )
  })

  it('must have fields of the right types; one answer names every mistyped one, with its place in a list', async () => {
    const mistyped = { name: 5, db_type: [], connection_string: { url: GOOD_URL }, excluded_schemas: 'auth' }
    expect(await details(mistyped)).toMatchObject([
      { type: 'string_type', loc: ['body', 'name'], input: 5 },
      { type: 'string_type', loc: ['body', 'db_type'] },
      { type: 'string_type', loc: ['body', 'connection_string'] },
      { type: 'list_type', loc: ['body', 'excluded_schemas'] },
    ])
    expect(await details({ ...good, excluded_schemas: ['auth', 7] })).toMatchObject([
      { type: 'string_type', loc: ['body', 'excluded_schemas', 1], input: 7 },
    ])
  })

  it('must have fields within their limits, counted in code points', async () => {
    expect(await details({ ...good, name: '' })).toMatchObject([
      { type: 'string_too_short', loc: ['body', 'name'], ctx: { min_length: 1 } },
    ])
    expect(await details({ ...good, name: '🦀'.repeat(201) })).toMatchObject([
      { type: 'string_too_long', loc: ['body', 'name'], ctx: { max_length: 200 } },
    ])
    expect(await details({ ...good, connection_string: 'postgres:' })).toMatchObject([
      { type: 'string_too_short', loc: ['body', 'connection_string'], ctx: { min_length: 10 } },
    ])
    expect(
      await details({ ...good, connection_string: `${GOOD_URL}?application_name=${'x'.repeat(8192)}` }),
    ).toMatchObject([{ type: 'string_too_long', loc: ['body', 'connection_string'] }])
  })

  it('must name a documented kind of database', async () => {
    const pattern = '^(supabase|postgres_gcp|postgresql_local|postgresql_aws|postgresql)$'
    expect(await details({ ...good, db_type: 'mysql' })).toEqual([
      {
        type: 'string_pattern_mismatch',
        loc: ['body', 'db_type'],
        msg: `String should match pattern '${pattern}'`,
        input: 'mysql',
        ctx: { pattern },
      },
    ])
  })

  it('must hold text that PostgreSQL can store', async () => {
    for (const name of ['a\u0000b', 'a\ud800b']) {
      expect(await details({ ...good, name })).toMatchObject([{ type: 'value_error', loc: ['body', 'name'] }])
    }
    expect(await details({ ...good, excluded_schemas: ['a\u0000b'] })).toMatchObject([
      { type: 'value_error', loc: ['body', 'excluded_schemas', 0] },
    ])
  })

  it.each(BAD_URLS)('must have a valid connection string, which the reason does not quote: %s', async (url, reason) => {
    const found = await details({ ...good, connection_string: url })
    expect(found).toEqual([
      {
        type: 'value_error',
        loc: ['body', 'connection_string'],
        msg: expect.stringMatching(reason),
        ctx: { error: {} },
      },
    ])
  })

  it('is never echoed in a field that holds a piece of the connection string', async () => {
    const found = await details({ name: SECRET.repeat(40), db_type: SECRET, connection_string: GOOD_URL })
    expect(found).toMatchObject([{ loc: ['body', 'name'] }, { loc: ['body', 'db_type'] }])
    for (const one of found) expect(one).not.toHaveProperty('input')
  })

  it('may hold unknown fields, which are ignored', async () => {
    const answer = await deps.mooring.call('POST', PATH, { body: { ...good, shoe_size: 43 } })
    expect(answer.status).toBe(201)
    expect(answer.text).not.toContain('shoe_size')
  })

  it('is accepted up to 64 KiB, uncompressed, as application/json', async () => {
    const large = await deps.refused('POST', PATH, { body: TOO_LARGE })
    expect([large.status, large.body]).toEqual([413, envelope('PAYLOAD_TOO_LARGE')])
    const type = (header: Record<string, string>, body = JSON.stringify(good)) =>
      deps.refused('POST', PATH, { body, headers: header })
    for (const header of [
      { 'content-type': 'text/plain' },
      { 'content-type': 'application/x-www-form-urlencoded' },
      { 'content-type': 'application/jsonp' },
      { 'content-type': 'application/json, text/plain' },
      { 'content-encoding': 'gzip' },
    ]) {
      const answer = await type(header as Record<string, string>, gzipSync('{}').toString('latin1'))
      expect([answer.status, answer.body]).toEqual([415, envelope('UNSUPPORTED_MEDIA_TYPE')])
    }
  })

  it.each([
    'application/json;',
    'application/json; foo=bar',
    'application/json ; charset="utf-8"; q="a;b"',
    'Application/JSON;charset=latin1',
    'application/vnd.acme+json',
  ])('is read as UTF-8 under any parameter of its media type: %s', async type => {
    const body = JSON.stringify({ ...good, name: 'é🦀' })
    const answer = await deps.mooring.call('POST', PATH, { body, headers: { 'content-type': type } })
    expect([answer.status, answer.body.data.name]).toEqual([201, 'é🦀'])
  })

  it('may name excluded schemas that cannot exist', async () => {
    for (const excluded_schemas of [
      [''],
      Array(101).fill('x'),
      ['y'.repeat(64)],
      Array(1_000).fill(''),
      ['é'.repeat(8_192)],
    ]) {
      const answer = await deps.mooring.call('POST', PATH, { body: { ...good, excluded_schemas } })
      expect([answer.status, answer.body.data.excluded_schemas]).toEqual([201, excluded_schemas])
    }
  })

  it('may hold deeply nested values, and a string of 8,192 characters', async () => {
    const deep = JSON.stringify(good).replace('{', `{"more":${'['.repeat(100)}${']'.repeat(100)},`)
    expect((await deps.mooring.call('POST', PATH, { body: deep })).status).toBe(201)
    const [login = '', place = ''] = GOOD_URL.split('@')
    const connection_string = `${login}${'x'.repeat(8_192 - GOOD_URL.length)}@${place}`
    expect((await deps.mooring.call('POST', PATH, { body: { ...good, connection_string } })).status).toBe(201)
    expect(await details({ ...good, connection_string: connection_string.replace('@', 'x@') })).toMatchObject([
      { type: 'string_too_long', ctx: { max_length: 8_192 } },
    ])
  })
})

describe('A host that may not be dialled', () => {
  it.each(['127.0.0.1', '10.1.2.3', '169.254.169.254', '[::1]', 'localhost'])('%s is refused', async host => {
    const connection_string = `postgresql://app:${SECRET}@${host}/shop`
    const answer = await deps.refused('POST', PATH, { body: { ...good, connection_string } })
    expect([answer.status, answer.body]).toEqual([403, envelope('HOST_NOT_ALLOWED')])
  })
})

describe('A path', () => {
  it.each(['GET', 'DELETE'])('with an unknown id, or another organization’s, is not found: %s', async method => {
    for (const id of [deps.unknown, deps.foreign]) {
      const answer = await deps.refused(method, `${PATH}/${id}`)
      expect([answer.status, answer.body]).toEqual([404, envelope('NOT_FOUND')])
    }
  })

  it.each(['GET', 'DELETE'])('with an id that is no UUID is a validation error: %s', async method => {
    for (const id of ['5', 'ds_test_0190a000000070008000000000000000', '%00', 'x'.repeat(5000)]) {
      const answer = await deps.refused(method, `${PATH}/${id}`)
      expect(answer.status).toBe(422)
      expect(answer.body.detail).toMatchObject([{ type: 'uuid_parsing', loc: ['path', 'connection_id'] }])
    }
  })

  it('accepts an id in every notation of a UUID', async () => {
    for (const id of [deps.own.replaceAll('-', ''), `{${deps.own}}`, `urn:uuid:${deps.own}`, deps.own.toUpperCase()]) {
      const answer = await deps.mooring.call('GET', `${PATH}/${encodeURIComponent(id)}`)
      expect([answer.status, answer.body.data?.id]).toEqual([200, deps.own])
    }
    const nil = await deps.refused('GET', `${PATH}/00000000-0000-0000-0000-000000000000`)
    expect(nil.status).toBe(404)
  })

  it('without a route is not found', async () => {
    const answer = await deps.refused('GET', `${PATH}/${deps.own}/elsewhere/still`)
    expect([answer.status, answer.body]).toEqual([404, envelope('NOT_FOUND')])
  })

  it('with an unsupported method names the supported ones', async () => {
    for (const [method, path, allow] of [
      ['PUT', PATH, 'POST, GET, HEAD'],
      ['PUT', `${PATH}/${deps.own}`, 'GET, DELETE, PATCH, HEAD'],
      ['POST', `${PATH}/${deps.own}`, 'GET, DELETE, PATCH, HEAD'],
    ] as const) {
      const answer = await deps.refused(method, path)
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, allow])
      expect(answer.body).toEqual(envelope('METHOD_NOT_ALLOWED'))
    }
  })
})

describe('A key', () => {
  it('that is missing, mistyped, unknown, revoked or expired is refused before the body is read', async () => {
    for (const key of [null, ...Object.values(deps.badKeys)]) {
      for (const body of [good, `{"connection_string": ${SECRET}`]) {
        const answer = await deps.refused('POST', PATH, { key, body })
        expect([answer.status, answer.body]).toEqual([401, envelope('UNAUTHORIZED')])
        expect(answer.headers.get('www-authenticate')).toBe('Bearer')
      }
    }
  })

  it('is accepted in either header; two different ones are refused', async () => {
    const { testKey, liveKey } = deps.mooring.organization
    const alone = await deps.mooring.call('GET', PATH, { key: null, headers: { 'x-api-key': testKey } })
    expect(alone.status).toBe(200)
    const both = await deps.refused('GET', PATH, { key: testKey, headers: { 'x-api-key': liveKey } })
    expect([both.status, both.body]).toEqual([401, envelope('UNAUTHORIZED')])
  })

  it('of the other mode may read and not remove', async () => {
    const key = deps.mooring.organization.liveKey
    expect((await deps.mooring.call('GET', `${PATH}/${deps.own}`, { key })).status).toBe(200)
    const answer = await deps.refused('DELETE', `${PATH}/${deps.own}`, { key })
    expect([answer.status, answer.body]).toEqual([403, envelope('FORBIDDEN')])
  })
})
