/** Bad input to tRPC: one error shape from the fault table, the field named, no secret quoted, nothing left behind. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  BAD_URLS,
  type BadInputFixture,
  GOOD_URL,
  makeBadInputFixture,
  SECRET,
  TOO_LARGE,
} from '#test/support/http/bad-input.ts'

const good = { connectionString: GOOD_URL }
const endpoint = { endpoint: 'https://api.acme.io/feed', signingKey: `${SECRET}-${SECRET}` }

let deps: BadInputFixture
beforeAll(async () => {
  deps = await makeBadInputFixture()
})
afterAll(() => deps.mooring.stop())

const mutate = (path: string, body: unknown, key?: string | null): Parameters<BadInputFixture['refused']> => [
  'POST',
  `/trpc/${path}`,
  { body, ...(key === undefined ? {} : { key }) },
]
const query = (path: string, input: unknown): Parameters<BadInputFixture['refused']> => [
  'GET',
  `/trpc/${path}?input=${encodeURIComponent(JSON.stringify(input))}`,
]

/** Asserts the error's shape, and that the HTTP status matches the body. Returns the paths of its issues. */
async function faultOf(call: Parameters<BadInputFixture['refused']>): Promise<{ fault: string; paths: string[] }> {
  const answer = await deps.refused(...call)
  const { error } = answer.body
  expect(Object.keys(error).sort(), answer.text).toEqual(['code', 'data', 'message'])
  const known = ['code', 'fault', 'httpStatus', 'issues', 'requestId', 'retryable']
  expect(known).toEqual(expect.arrayContaining(Object.keys(error.data)))
  expect([error.data.httpStatus, error.data.requestId]).toEqual([answer.status, answer.headers.get('x-request-id')])
  const issues: { path: (string | number)[]; code: string; message: string }[] = error.data.issues ?? []
  for (const issue of issues) expect(Object.keys(issue).sort()).toEqual(['code', 'message', 'path'])
  return { fault: error.data.fault, paths: issues.map(issue => issue.path.join('.')) }
}

describe('The input of a procedure', () => {
  it('must be JSON, of at most 64 KiB', async () => {
    expect(await faultOf(mutate('datasources.register', `{"connectionString": "${GOOD_URL}`))).toEqual({
      fault: 'invalid_json',
      paths: [],
    })
    expect(await faultOf(mutate('datasources.register', TOO_LARGE))).toEqual({ fault: 'payload_too_large', paths: [] })
  })

  it.each([
    ['connectionString', 'datasources.register', {}],
    ['connectionString', 'datasources.register', { connectionString: { url: GOOD_URL } }],
    ['connectionString', 'datasources.register', { connectionString: `${GOOD_URL}?x=${'x'.repeat(8192)}` }],
    ['name', 'datasources.register', { ...good, name: '' }],
    ['name', 'datasources.register', { ...good, name: 'x'.repeat(201) }],
    ['name', 'datasources.register', { ...good, name: 'a\u0000b' }],
    ['dbType', 'datasources.register', { ...good, dbType: 'mysql' }],
    ['schema', 'datasources.register', { ...good, schema: 'x'.repeat(64) }],
    ['excludedSchemas.1', 'datasources.register', { ...good, excludedSchemas: ['auth', 5] }],
    ['waitSeconds', 'datasources.register', { ...good, waitSeconds: 31 }],
    ['shoeSize', 'datasources.register', { ...good, shoeSize: 43 }],
    ['signingKey', 'datasources.register', { endpoint: endpoint.endpoint }],
    ['endpoint', 'datasources.register', { ...endpoint, endpoint: 'http://api.acme.io' }],
    ['id', 'datasources.remove', {}],
    ['id', 'datasources.remove', { id: 'ds_5' }],
    ['id', 'datasources.verify', { id: 5 }],
    ['mode', 'organization.createKey', { mode: 'staging' }],
    ['scopes.0', 'organization.createKey', { mode: 'test', scopes: ['everything'] }],
    ['id', 'organization.revokeKey', { id: 'key_5' }],
  ])('names the field that is missing, mistyped, overlong or unknown: %s of %s', async (path, procedure, body) => {
    const { fault, paths } = await faultOf(mutate(procedure, body))
    expect(fault).toBe('invalid_body')
    expect(paths).toContain(path)
  })

  it.each([
    ['limit', 'datasources.list', { limit: 0 }],
    ['limit', 'datasources.list', { limit: 101 }],
    ['status', 'datasources.list', { status: 'asleep' }],
    ['shoeSize', 'datasources.list', { shoeSize: 43 }],
    ['id', 'datasources.get', { id: 'x'.repeat(3000) }],
  ])('names it in a query, too: %s of %s', async (path, procedure, input) => {
    const { fault, paths } = await faultOf(query(procedure, input))
    expect(fault).toBe('invalid_body')
    expect(paths).toContain(path)
  })

  it('does not repeat the name of an unknown field that could be a secret', async () => {
    expect((await faultOf(mutate('datasources.register', { ...good, [GOOD_URL]: 1 }))).fault).toBe('invalid_body')
  })

  it('must have a cursor that Mooring issued', async () => {
    expect(await faultOf(query('datasources.list', { cursor: 'x' }))).toEqual({
      fault: 'invalid_request',
      paths: ['cursor'],
    })
  })

  it.each(BAD_URLS)('must have a valid connection string, which is not quoted: %s', async url => {
    expect(await faultOf(mutate('datasources.register', { connectionString: url }))).toEqual({
      fault: 'invalid_body',
      paths: ['connectionString'],
    })
  })

  it.each(['127.0.0.1', '10.1.2.3', '[fd00::1]', 'localhost'])('may not name the host %s', async host => {
    const connectionString = `postgresql://app:${SECRET}@${host}/shop`
    expect((await faultOf(mutate('datasources.register', { connectionString }))).fault).toBe('byo_host_not_allowed')
  })
})

describe('An id', () => {
  it('that is unknown, another organization’s, or of another mode or kind, is not found', async () => {
    const hex = (uuid: string) => uuid.replaceAll('-', '')
    const ids = [`ds_test_${hex(deps.unknown)}`, `ds_test_${hex(deps.foreign)}`, `ds_${hex(deps.own)}`]
    for (const id of [...ids, `dse_${hex(deps.own)}`]) {
      for (const call of [
        query('datasources.get', { id }),
        query('datasources.get', { id, includeRemoved: true }),
        mutate('datasources.verify', { id }),
        mutate('datasources.remove', { id }),
      ])
        expect((await faultOf(call)).fault).toBe('entity_not_found')
    }
    const id = `key_${hex(deps.unknown)}`
    expect((await faultOf(mutate('organization.revokeKey', { id }))).fault).toBe('entity_not_found')
  })
})

describe('A procedure', () => {
  it('that does not exist, or is called by the wrong method, is reported as such', async () => {
    expect((await faultOf(query('datasources.obtain', {}))).fault).toBe('route_not_found')
    expect((await faultOf(query('datasources.register', good))).fault).toBe('method_not_allowed')
    expect((await faultOf(mutate('datasources.get', {}))).fault).toBe('method_not_allowed')
  })

  it('is called at most twenty times in a batch', async () => {
    const paths = Array.from({ length: 21 }, () => 'datasources.list').join(',')
    const answer = await deps.refused('GET', `/trpc/${paths}?batch=1&input=%7B%7D`)
    expect(answer.status).toBe(400)
  })
})

describe('A key', () => {
  it.each([
    ['apikey_missing', () => null],
    ['apikey_invalid', () => deps.badKeys.mistyped],
    ['apikey_invalid', () => deps.badKeys.foreign],
    ['apikey_revoked', () => deps.badKeys.revoked],
    ['apikey_expired', () => deps.badKeys.expired],
    ['capability_invalid', () => 'rk_test_short'],
  ])('that is invalid is refused before the input is parsed: %s', async (fault, keyOf) => {
    for (const body of [good, {}])
      expect(await faultOf(mutate('datasources.register', body, keyOf()))).toEqual({ fault, paths: [] })
  })

  it('of the other mode changes nothing, and creates no key of this one', async () => {
    const { liveKey } = deps.mooring.organization
    const id = `ds_test_${deps.own.replaceAll('-', '')}`
    expect((await faultOf(mutate('datasources.remove', { id }, liveKey))).fault).toBe('forbidden')
    expect((await faultOf(mutate('datasources.verify', { id }, liveKey))).fault).toBe('forbidden')
    expect((await faultOf(mutate('organization.createKey', { mode: 'test' }, liveKey))).fault).toBe('forbidden')
  })

  it('in a URL is refused, since URLs end up in logs', async () => {
    const { testKey } = deps.mooring.organization
    const answer = await deps.refused('GET', `/trpc/datasources.list?key=${testKey}`, { key: null })
    expect(answer.status).toBe(400)
    expect(answer.text).not.toContain(testKey)
  })
})

describe('A single query', () => {
  const get = (input: string | null) => (input === null ? '' : `?input=${encodeURIComponent(input)}`)
  const id = () => JSON.stringify({ id: `ds_test_${deps.own.replaceAll('-', '')}` })

  /** An answer as a client sees it, without the headers that differ between two requests. */
  async function seen(path: string, headers: Record<string, string>) {
    const response = await fetch(`${deps.mooring.url}/trpc/${path}`, { headers: { ...headers, 'x-request-id': 'one' } })
    const varying = ['date', 'content-length', 'transfer-encoding', 'ratelimit-remaining', 'ratelimit-reset']
    const kept = [...response.headers].filter(([name]) => !varying.includes(name))
    return { status: response.status, headers: Object.fromEntries(kept), text: await response.text() }
  }

  it.each([
    ['datasources.get', id],
    ['datasources.get', () => '{"id":"ds_test_0190a00000007000800000000000aaaa"}'],
    ['datasources.get', () => '{"id":5,"shoeSize":43}'],
    ['datasources.get', () => '{"id":'],
    ['datasources.get', () => null],
    ['datasources.get', () => ''],
    ['datasources.list', () => '{"limit":2}'],
    ['datasources.list', () => '{"cursor":"x"}'],
    ['snapshots.latest', id],
    ['organization.current', () => null],
  ])('is answered as the library answers it, byte for byte, for every caller: %s', async (path, input) => {
    const keys = [deps.mooring.organization.testKey, deps.badKeys.revoked, 'rk_test_short', null]
    for (const key of keys) {
      const headers: Record<string, string> = key === null ? {} : { authorization: `Bearer ${key}` }
      const asked = `${path}${get(input())}`
      // With any other content type the library answers.
      const plain = await seen(asked, { ...headers, 'content-type': 'text/plain' })
      expect(plain.headers['content-type']).toBe('application/json')
      expect(await seen(asked, headers)).toEqual(plain)
    }
  })
})
