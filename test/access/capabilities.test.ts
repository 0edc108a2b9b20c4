/** Capabilities: their rights, what no capability may do, and everything that ends one. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { CapabilityObject } from '#shared/dialects/capability-dialect.ts'
import { makeKey, mistyped } from '#test/support/access/keys.ts'
import { query } from '#test/support/database/postgres.ts'
import { allRows, effects } from '#test/support/database/rows.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { secondWeb } from '#test/support/mooring/second-web.ts'

const PATH = '/v1/capabilities'
const HOUR_MS = 3_600_000

let mooring: Mooring
let aheadMs = 0
beforeAll(async () => {
  mooring = await startMooring({ worker: false, clock: () => new Date(Date.now() + aheadMs) })
})
beforeEach(() => {
  aheadMs = 0
})
afterAll(() => mooring.stop())

async function minted(grant: object = {}, key?: string) {
  const body = { operations: ['datasources.read'], ttlSeconds: 3600, ...grant }
  const answer = await mooring.call('POST', PATH, { body, ...(key && { key }) })
  expect(answer.status, answer.text).toBe(201)
  return answer.body
}

const statusWith = async (key: string, path = '/v1/datasources') => (await mooring.call('GET', path, { key })).status
const codeWith = async (key: string) => (await mooring.call('GET', '/v1/datasources', { key })).body.code

async function registered(name: string, key?: string): Promise<string> {
  const body = { connectionString: `postgres://reader:secret@127.0.0.1:5432/${name}` }
  const { body: made } = await mooring.call('POST', '/v1/datasources', { body, ...(key && { key }) })
  return made.id
}

/** Asserts that the request is refused without an effect. */
async function refused(expected: object, request: () => ReturnType<Mooring['call']>) {
  const before = await effects(mooring.databaseUrl)
  const { status, body } = await request()
  expect({ status, code: body.code, ...(body.param && { param: body.param }) }).toEqual(expected)
  expect(await effects(mooring.databaseUrl)).toEqual(before)
}

const DENIED = { status: 403, code: 'capability_scope_denied' }
const INVALID = { status: 403, code: 'capability_invalid' }

describe('A capability', () => {
  it('shows its token once, and its grant at any time', async () => {
    const { token, ...displayed } = await minted({ participantId: 'bot-7', label: 'nightly', syncGroups: ['org:1'] })
    expect(token).toMatch(/^rk_test_[0-9A-Za-z]{36}$/)
    expect(displayed).toMatchObject({
      object: 'capability',
      id: expect.stringMatching(/^cap_[0-9a-f]{32}$/),
      participantKind: 'agent',
      participantId: 'bot-7',
      allowedSyncGroups: ['org:1'],
      allowedOperations: ['datasources.read'],
      datasourceIds: null,
      revokedAt: null,
      label: 'nightly',
      userMeta: {},
      wideScope: false,
    })
    expect(Date.parse(displayed.expiresAt) - Date.parse(displayed.createdAt)).toBe(HOUR_MS)
    expect((await mooring.call('GET', `${PATH}/${displayed.id}`)).body).toEqual(displayed)
    expect((await mooring.call('GET', `/api${PATH}`)).body.data).toContainEqual(displayed)
    expect(JSON.stringify(await allRows(mooring.databaseUrl))).not.toContain(token)
    expect(mooring.logLines.join('')).not.toContain(token)
  })

  it('is minted through both documented forms', async () => {
    const kept = { wideScope: true, userMeta: { nested: { a: [1, null] }, ['__proto__']: 'x' } }
    const one = await minted({ operations: ['feeds.read'], syncGroups: ['a', 'b'], participantKind: 'system', ...kept })
    const { body: two } = await mooring.call('POST', '/api/v1/capabilities', {
      body: `{"allowedOperations":["feeds.read"],"allowedSyncGroups":["a","b"],"participantKind":"system","ttlSeconds":3600,
        "wideScope":true,"userMeta":{"nested":{"a":[1,null]},"__proto__":"x"}}`,
    })
    const own = { id: 0, capabilityId: 0, token: 0, createdAt: 0, issuedAt: 0, expiresAt: 0 }
    expect({ ...two, ...own }).toEqual({ ...one, ...own })
    expect(JSON.stringify(two.userMeta)).toBe('{"nested":{"a":[1,null]},"__proto__":"x"}')
  })

  it('is accepted in both headers, on all three surfaces', async () => {
    const { token } = await minted()
    for (const headers of [{ authorization: `Bearer ${token}` }, { 'x-api-key': token }]) {
      for (const path of ['/v1/datasources', '/api/v1/connections', '/trpc/datasources.list?input=%7B%7D'])
        expect((await mooring.call('GET', path, { key: null, headers })).status).toBe(200)
    }
  })

  it('permits the operations that it names and nothing else', async () => {
    const id = await registered('named')
    const { token } = await minted({ operations: ['datasources.read', 'datasources.remove'] })
    expect(await statusWith(token, `/v1/datasources/${id}`)).toBe(200)
    const body = { connectionString: 'postgres://reader:secret@127.0.0.1:5432/other' }
    await refused(DENIED, () => mooring.call('POST', '/v1/datasources', { key: token, body }))
    await refused(DENIED, () => mooring.call('POST', `/v1/datasources/${id}/verify`, { key: token }))
    expect((await mooring.call('DELETE', `/v1/datasources/${id}`, { key: token })).status).toBe(200)
  })

  it('reaches only the datasources that it names', async () => {
    const [mine, other] = [await registered('mine'), await registered('other')]
    const operations = ['datasources.read', 'datasources.create', 'datasources.update', 'datasources.remove']
    const { token, datasourceIds } = await minted({ operations, datasourceIds: [mine, mine] })
    expect(datasourceIds).toEqual([mine])
    const { body: listed } = await mooring.call('GET', '/v1/datasources', { key: token })
    expect(listed.data.map((item: { id: string }) => item.id)).toEqual([mine])
    expect(await statusWith(token, `/v1/datasources/${mine}`)).toBe(200)
    expect(await statusWith(token, `/v1/datasources/${other}`)).toBe(403)
    await refused(DENIED, () => mooring.call('DELETE', `/v1/datasources/${other}`, { key: token }))
    const body = { connectionString: 'postgres://reader:secret@127.0.0.1:5432/third' }
    await refused(DENIED, () => mooring.call('POST', '/v1/datasources', { key: token, body }))
  })

  it('changes only datasources of its own mode', async () => {
    const live = await registered('plane', mooring.organization.liveKey)
    const { token } = await minted({ operations: ['datasources.read', 'datasources.remove'] })
    expect(await statusWith(token, `/v1/datasources/${live}`)).toBe(200)
    await refused({ status: 403, code: 'forbidden' }, () =>
      mooring.call('DELETE', `/v1/datasources/${live}`, { key: token }),
    )
    expect((await minted({}, mooring.organization.liveKey)).token).toMatch(/^rk_live_/)
  })

  it('cannot mint, read, rotate or revoke capabilities or keys', async () => {
    const { token, id } = await minted({ operations: ['datasources.read', 'datasources.update', 'feeds.write'] })
    const body = { operations: ['datasources.read'], ttlSeconds: 60 }
    const to = (method: string, path: string) => () =>
      mooring.call(method, path, { key: token, ...(method === 'POST' && { body }) })
    await refused(DENIED, to('POST', PATH))
    await refused(DENIED, to('GET', PATH))
    await refused(DENIED, to('GET', `${PATH}/${id}`))
    await refused(DENIED, to('DELETE', `${PATH}/${id}`))
    await refused(DENIED, () => mooring.call('POST', `${PATH}/${id}/rotate`, { key: token }))
    await expect(mooring.client(token).organization.createKey.mutate({ mode: 'test' })).rejects.toMatchObject({
      data: { fault: 'capability_scope_denied' },
    })
  })
})

describe('A mint', () => {
  it.each([
    ['an operation that there is not', { operations: ['datasources.drop'] }, 'operations.0'],
    ['no operation', { operations: [] }, 'operations'],
    ['both spellings', { allowedOperations: ['feeds.read'] }, 'allowedOperations'],
    ['both spellings of groups', { syncGroups: [], allowedSyncGroups: [] }, 'allowedSyncGroups'],
    ['more than 30 days', { ttlSeconds: 2_592_001 }, 'ttlSeconds'],
    ['no time', { ttlSeconds: 0 }, 'ttlSeconds'],
    ['an unknown field', { admin: true }, 'admin'],
    ['a datasource that there is not', { datasourceIds: [`ds_${'0'.repeat(32)}`] }, 'datasourceIds.0'],
    ['an empty list of datasources', { datasourceIds: [] }, 'datasourceIds'],
    ['text that cannot be stored', { userMeta: { a: ['\u0000'] } }, 'userMeta'],
    ['deep nesting', { userMeta: JSON.parse(`${'{"a":'.repeat(10)}1${'}'.repeat(10)}`) }, 'userMeta'],
    ['much text', { userMeta: { a: 'x'.repeat(8_192) } }, 'userMeta'],
  ])('is refused for %s', async (_what, grant, param) => {
    const body = { operations: ['datasources.read'], ttlSeconds: 60, ...grant }
    await refused({ status: 400, code: 'invalid_body', param }, () => mooring.call('POST', PATH, { body }))
  })

  it("answers alike for another organization's datasource and for an unknown one", async () => {
    const { testKey } = await mooring.newOrganization('Second')
    const theirs = await registered('theirs', testKey)
    const body = { operations: ['datasources.read'], datasourceIds: [theirs] }
    const expected = { status: 400, code: 'invalid_body', param: 'datasourceIds.0' }
    await refused(expected, () => mooring.call('POST', PATH, { body }))
  })

  it('grants no more than its issuer has, and ends no later', async () => {
    const expiresAt = new Date(Date.now() + 60_000)
    const key = await makeKey(mooring, { scopes: ['datasources.read', 'organization.write'], expiresAt })
    for (const operation of ['datasources.remove', 'datasources.lease']) {
      const body = { operations: ['datasources.read', operation] }
      await refused({ status: 403, code: 'forbidden' }, () => mooring.call('POST', PATH, { body, key }))
    }
    expect((await minted({}, key)).expiresAt).toBe(expiresAt.toISOString())
  })

  it('happens once for an idempotency key, and the token is not stored for the replay', async () => {
    const headers = { 'idempotency-key': 'mint-once' }
    const body = { operations: ['feeds.read'] }
    const [one, two] = [
      await mooring.call('POST', PATH, { body, headers }),
      await mooring.call('POST', PATH, { body, headers }),
    ]
    const { token, ...displayed } = one.body
    expect(token).toMatch(/^rk_test_/)
    expect([two.status, two.headers.get('idempotent-replayed'), two.body]).toEqual([201, 'true', displayed])
    expect(JSON.stringify(await allRows(mooring.databaseUrl))).not.toContain(token)
  })
})

describe('A capability ends', () => {
  it('when it expires', async () => {
    const { token } = await minted({ ttlSeconds: 60 })
    aheadMs = 30_000
    expect(await statusWith(token)).toBe(200)
    aheadMs = 60_500
    expect(await codeWith(token)).toBe('capability_invalid')
  })

  it('when it is revoked, at every process from the next request on', async () => {
    const second = await secondWeb(mooring)
    try {
      const { token, id } = await minted()
      const elsewhere = async () => {
        const headers = { authorization: `Bearer ${token}` }
        return (await fetch(`${second.url}/v1/datasources`, { headers })).status
      }
      expect([await statusWith(token), await elsewhere()]).toEqual([200, 200])
      const { body: revoked } = await mooring.call('DELETE', `${PATH}/${id}`)
      expect(revoked).toMatchObject({ object: 'capability', id, revokedAt: expect.any(String) })
      expect([await statusWith(token), await elsewhere()]).toEqual([403, 403])
      expect((await mooring.call('DELETE', `${PATH}/${id}`)).body.revokedAt).toBe(revoked.revokedAt)
      const { body } = await mooring.call('GET', `/v1/audit_events?object_id=${id}&action=capability.revoked`)
      expect(body.data).toHaveLength(1)
    } finally {
      await second.stop()
    }
  })

  it('when the key that issued it is revoked or expires', async () => {
    const expiresAt = new Date(Date.now() + 2 * HOUR_MS)
    const [revoked, expiring] = [await makeKey(mooring), await makeKey(mooring, { expiresAt })]
    const [one, two] = [await minted({}, revoked), await minted({}, expiring)]
    const id = `(select issuer_id from capabilities where last4 = '${one.token.slice(-4)}')`
    await query(mooring.databaseUrl, `update api_keys set revoked_at = now() where id = ${id}`)
    expect([await codeWith(one.token), await statusWith(two.token)]).toEqual(['capability_invalid', 200])
    aheadMs = 2 * HOUR_MS
    expect(await codeWith(two.token)).toBe('capability_invalid')
  })

  it.each([
    "operations = '{datasources.read,datasources.remove}'",
    "datasource_ids = '{}'",
    "expires_at = expires_at + interval '1 hour'",
    "mode = 'live'",
    'issuer_id = null',
    "mac = decode(repeat('00', 32), 'hex')",
    "pepper_id = 'pepper-other'",
  ])('when its row is edited: %s', async edit => {
    const { token, id } = await minted()
    const { rowCount } = await edited(`update capabilities set ${edit} where ${idIs(id)} returning 1`)
    expect([rowCount, await codeWith(token)]).toEqual([1, 'capability_invalid'])
  })

  it('when its issuer is edited', async () => {
    const { token, id } = await minted(
      {},
      await makeKey(mooring, { scopes: ['datasources.read', 'organization.write'] }),
    )
    expect(await statusWith(token)).toBe(200)
    const issuer = `(select issuer_id from capabilities where ${idIs(id)})`
    await edited(`update api_keys set scopes = scopes || '{feeds.read}' where id = ${issuer} returning 1`)
    expect(await codeWith(token)).toBe('capability_invalid')
  })

  it('before it begins, when it is mistyped, and when it never existed', async () => {
    const { token } = await minted()
    await refused(INVALID, () => mooring.call('GET', '/v1/datasources', { key: mistyped(token) }))
    await refused(INVALID, () => mooring.call('GET', '/v1/datasources', { key: 'rk_test_short' }))
  })
})

const idIs = (id: string) => `replace(id::text, '-', '') = '${id.slice(4)}'`
const edited = async (text: string) => ({ rowCount: (await query(mooring.databaseUrl, text)).length })

describe('A rotation', () => {
  it('issues a new token with the same grant, and ends the old one', async () => {
    const old = await minted({ operations: ['datasources.read', 'feeds.read'], label: 'a', userMeta: { b: 1 } })
    aheadMs = 1_000
    const { status, body } = await mooring.call('POST', `${PATH}/${old.id}/rotate`)
    expect(status).toBe(200)
    const { id, capabilityId, token, createdAt, issuedAt, rotatedFrom, ...grant } = body
    expect({ ...old, ...grant }).toEqual(old)
    expect(rotatedFrom).toEqual({ id: old.id, capabilityId: old.id, expiresAt: createdAt })
    expect([capabilityId === id, issuedAt === createdAt, id === old.id, token === old.token]).toEqual([
      true,
      true,
      false,
      false,
    ])
    expect([await statusWith(token), await statusWith(old.token)]).toEqual([200, 403])
    await refused({ status: 409, code: 'conflict' }, () => mooring.call('POST', `${PATH}/${old.id}/rotate`))
  })

  it('keeps both tokens valid for the grace period, and never beyond the old expiry', async () => {
    const old = await minted({ ttlSeconds: 600 })
    const { body } = await mooring.call('POST', `${PATH}/${old.id}/rotate`, { body: { graceSeconds: 60 } })
    aheadMs = 30_000
    expect([await statusWith(body.token), await statusWith(old.token)]).toEqual([200, 200])
    const { body: ending } = await mooring.call('GET', `${PATH}/${old.id}`)
    expect([ending.revokedAt, Date.parse(ending.expiresAt) < Date.parse(old.expiresAt)]).toEqual([null, true])
    // As the documents describe both.
    expect(CapabilityObject.shape.revokedAt.description).toMatch(/else null.*`expiresAt`/)
    aheadMs = 61_000
    expect([await statusWith(body.token), await statusWith(old.token)]).toEqual([200, 403])
    expect(body.expiresAt).toBe(old.expiresAt)
    aheadMs = 0
    const late = await mooring.call('POST', `${PATH}/${body.id}/rotate`, { body: { graceSeconds: 86_400 } })
    expect((await mooring.call('GET', `${PATH}/${body.id}`)).body.expiresAt).toBe(old.expiresAt)
    expect(late.body.rotatedFrom).toEqual({ id: body.id, capabilityId: body.id, expiresAt: old.expiresAt })
  })

  it('is refused to a key that lacks part of the grant, and to a key of the other mode', async () => {
    const { id } = await minted({ operations: ['datasources.remove'] })
    const key = await makeKey(mooring, { scopes: ['datasources.read', 'organization.write'] })
    const forbidden = { status: 403, code: 'forbidden' }
    await refused(forbidden, () => mooring.call('POST', `${PATH}/${id}/rotate`, { key }))
    const { liveKey } = mooring.organization
    await refused(forbidden, () => mooring.call('POST', `${PATH}/${id}/rotate`, { key: liveKey }))
    await refused(forbidden, () => mooring.call('DELETE', `${PATH}/${id}`, { key: liveKey }))
  })
})

describe('A capability of another organization', () => {
  it('does not exist', async () => {
    const { testKey: key } = await mooring.newOrganization('Third')
    const { id } = await minted()
    const missing = { status: 404, code: 'capability_not_found' }
    for (const one of [id, 'cap_none']) {
      await refused(missing, () => mooring.call('GET', `${PATH}/${one}`, { key }))
      await refused(missing, () => mooring.call('DELETE', `${PATH}/${one}`, { key }))
      await refused(missing, () => mooring.call('POST', `${PATH}/${one}/rotate`, { key }))
    }
    expect((await mooring.call('GET', PATH, { key })).body).toEqual({ object: 'list', data: [], has_more: false })
  })
})

describe('The record', () => {
  it('names who minted, rotated and revoked a capability, and its operations', async () => {
    const { testKey: key } = await mooring.newOrganization('Recorded')
    const one = await minted({ operations: ['datasources.create'] }, key)
    await registered('recorded', one.token)
    const { body: two } = await mooring.call('POST', `${PATH}/${one.id}/rotate`, { key })
    await mooring.call('DELETE', `${PATH}/${two.id}`, { key })
    const events = await query(
      mooring.databaseUrl,
      `select action, principal_kind, outcome, replace(object_id::text, '-', '') as object, address from audit_events
       where org_id = (select org_id from capabilities where ${idIs(one.id)}) and principal_kind <> 'operator' order by id`,
    )
    const by = (action: string, kind: string, object: unknown) => ({
      action,
      principal_kind: kind,
      outcome: 'ok',
      object,
      address: '127.0.0.1',
    })
    expect(events).toEqual([
      by('capability.minted', 'key', one.id.slice(4)),
      by('datasource.registered', 'capability', expect.any(String)),
      by('capability.rotated', 'key', one.id.slice(4)),
      by('capability.revoked', 'key', two.id.slice(4)),
    ])
  })

  it('pages capabilities, newest first, on both surfaces', async () => {
    const { testKey: key } = await mooring.newOrganization('Paged')
    const ids: string[] = []
    for (let made = 0; made < 3; made += 1) ids.unshift((await minted({}, key)).id)
    const first = (await mooring.call('GET', `${PATH}?limit=2`, { key })).body
    expect([first.data.map((item: { id: string }) => item.id), first.has_more]).toEqual([ids.slice(0, 2), true])
    const rest = (await mooring.call('GET', `${PATH}?limit=2&starting_after=${ids[1]}`, { key })).body
    expect([rest.data.map((item: { id: string }) => item.id), rest.has_more]).toEqual([ids.slice(2), false])
    const { items, nextCursor } = await mooring.client(key).organization.listCapabilities.query()
    expect([items.map(item => item.id), nextCursor]).toEqual([ids, null])
  })
})
