/** `/api/v1/api-keys`: the connections dialect creates, lists and revokes keys, and locks nobody out. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeKey } from '#test/support/access/keys.ts'
import { effects } from '#test/support/database/rows.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

const PATH = '/api/v1/api-keys'

let mooring: Mooring
beforeAll(async () => {
  mooring = await startMooring({ worker: false, env: { MOORING_MAX_KEYS: '40' } })
})
afterAll(() => mooring.stop())

async function created(key?: string) {
  const answer = await mooring.call('POST', PATH, { body: { name: 'import' }, ...(key && { key }) })
  expect(answer.status, answer.text).toBe(201)
  return answer.body.data as { id: string; key: string; prefix: string } // the shape is asserted below
}

const revoke = (id: string, key?: string) => mooring.call('DELETE', `${PATH}/${id}`, key ? { key } : {})
const status = async (key: string) => (await mooring.call('GET', '/v1/datasources', { key })).status

/** Asserts that the request is refused in the envelope and without an effect. */
async function refused(expected: { status: number; code: string }, request: () => ReturnType<Mooring['call']>) {
  const before = await effects(mooring.databaseUrl)
  const answer = await request()
  expect({ status: answer.status, code: answer.body.error?.code }).toEqual(expected)
  expect(answer.body).toMatchObject({ success: false, data: null })
  expect(await effects(mooring.databaseUrl)).toEqual(before)
  return answer
}

describe('A key', () => {
  it('is created in the mode of the calling key, with its scopes, and shown once', async () => {
    for (const [key, prefix] of [
      [mooring.organization.testKey, 'sk_test_'],
      [mooring.organization.liveKey, 'sk_live_'],
    ] as const) {
      const made = await created(key)
      expect(made).toMatchObject({ id: expect.stringMatching(/^[0-9a-f-]{36}$/), name: 'import', prefix })
      expect(made.key.startsWith(prefix)).toBe(true)
      expect(await status(made.key)).toBe(200)
      const listed = await mooring.call('GET', PATH)
      const { key: _, ...displayed } = made
      expect(listed.body.data.api_keys[0]).toEqual(displayed)
      expect(listed.body.data.count).toBe(listed.body.data.api_keys.length)
      expect(listed.text).not.toContain(made.key)
    }
    const { items } = await mooring.client().organization.listKeys.query()
    expect(items[0]?.scopes).not.toContain('datasources.lease')
  })

  it('has no scope that the calling key lacks', async () => {
    const key = await makeKey(mooring, { scopes: ['organization.write', 'feeds.read'] })
    const { id } = await created(key)
    const { items } = await mooring.client().organization.listKeys.query()
    expect(items.find(item => bareUuid(item.id) === id)?.scopes).toEqual(['organization.write', 'feeds.read'])
  })

  it('is created once for an idempotency key, and a replayed answer omits it', async () => {
    const headers = { 'idempotency-key': randomUUID() }
    const ask = () => mooring.call('POST', PATH, { body: { name: 'once' }, headers })
    const { key: _, ...first } = (await ask()).body.data
    const again = await ask()
    expect(again.body.data).toEqual(first)
    expect(again.headers.get('idempotent-replayed')).toBe('true')
  })

  it('is refused to a capability, to a key without the scope, and beyond the quota', async () => {
    const minted = await mooring.call('POST', '/v1/capabilities', { body: { operations: ['datasources.read'] } })
    const lesser = await makeKey(mooring, { scopes: ['datasources.read'] })
    const victim = await created()
    const forbidden = { status: 403, code: 'FORBIDDEN' }
    for (const key of [minted.body.token, lesser]) {
      await refused(forbidden, () => mooring.call('POST', PATH, { key, body: { name: 'x' } }))
      await refused(forbidden, () => mooring.call('GET', PATH, { key }))
      await refused(forbidden, () => revoke(victim.id, key))
    }
    await refused(forbidden, () => revoke(victim.id, mooring.organization.liveKey))
    const { testKey } = await mooring.newOrganization('Crowded')
    const made = await Promise.all(
      Array.from({ length: 45 }, () => mooring.call('POST', PATH, { key: testKey, body: { name: 'x' } })),
    )
    expect(made.filter(answer => answer.status === 201)).toHaveLength(38)
    await refused(forbidden, () => mooring.call('POST', PATH, { key: testKey, body: { name: 'x' } }))
  })
})

describe('A revocation', () => {
  it('ends the key, keeps its children and returns their number, also when it is repeated', async () => {
    const root = await created()
    const child = await created(root.key)
    const body = { operations: ['datasources.read'] }
    const minted = await mooring.call('POST', '/v1/capabilities', { key: child.key, body })
    const gone = await revoke(root.id)
    expect(gone).toMatchObject({ status: 200, body: { data: { id: root.id, kept: 2 } } })
    expect([await status(root.key), await status(child.key), await status(minted.body.token)]).toEqual([401, 200, 200])
    expect((await revoke(root.id)).body.data).toEqual(gone.body.data)
    const { api_keys: left } = (await mooring.call('GET', PATH)).body.data
    expect(left.map((key: { id: string }) => key.id)).not.toContain(root.id)
  })

  it('of the last key of a mode is 409 and names the call that forces it; of any other it never is', async () => {
    const { testKey } = await mooring.newOrganization('Last')
    const listed = (await mooring.call('GET', PATH, { key: testKey })).body.data.api_keys
    const { id } = listed.find((key: { prefix: string }) => key.prefix === 'sk_test_')
    const answer = await refused({ status: 409, code: 'CONFLICT' }, () => revoke(id, testKey))
    expect(answer.body.error.message).toContain('organization.revokeKey')
    const next = await created(testKey)
    expect((await revoke(id, next.key)).body.data).toMatchObject({ id, kept: 1 })
  })

  it('of a missing key, or of another organization’s, is 404', async () => {
    const { testKey } = await mooring.newOrganization('Stranger')
    const { id } = await created(testKey)
    for (const one of [id, randomUUID()]) await refused({ status: 404, code: 'NOT_FOUND' }, () => revoke(one))
    expect((await revoke('key_1')).status).toBe(422)
  })
})

it.each([
  [undefined, ['body'], 'missing'],
  [[], ['body'], 'model_attributes_type'],
  [{}, ['body', 'name'], 'missing'],
  [{ name: 7 }, ['body', 'name'], 'string_type'],
  [{ name: '' }, ['body', 'name'], 'string_too_short'],
  [{ name: 'x'.repeat(201) }, ['body', 'name'], 'string_too_long'],
])('an invalid body is refused in Pydantic’s words: %j', async (body, loc, type) => {
  const answer = await mooring.call('POST', PATH, body === undefined ? {} : { body })
  expect(answer.status).toBe(422)
  expect(answer.body.detail).toEqual([expect.objectContaining({ loc, type })])
})

it('neighbouring paths are refused in the same envelope', async () => {
  expect(await mooring.call('PUT', PATH)).toMatchObject({
    status: 405,
    body: { error: { code: 'METHOD_NOT_ALLOWED' } },
  })
  expect(await mooring.call('GET', `${PATH}/a/b`)).toMatchObject({
    status: 404,
    body: { error: { code: 'NOT_FOUND' } },
  })
})
