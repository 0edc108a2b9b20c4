/**
 * API keys: validated by checksum without a query, stored as a keyed hash, invalid once edited or revoked, bound to one
 * mode.
 */
import { crc32 as zlibCrc32 } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { faultOf } from '#client/index.ts'
import { createTokens } from '#server/seal/token.ts'
import { checksum, recognise } from '#shared/access/token.ts'
import { typedId } from '#shared/base/wire.ts'
import { makeKey, mistyped } from '#test/support/access/keys.ts'
import { query } from '#test/support/database/postgres.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

let mooring: Mooring
beforeAll(async () => {
  mooring = await startMooring({ worker: false })
})
afterAll(() => mooring.stop())

async function ends(key: string): Promise<string> {
  const answer = await mooring.call('GET', '/v1/datasources', { key })
  return answer.status === 200 ? 'ok' : answer.body.code
}

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

describe('The checksum', () => {
  it('is CRC-32 of everything before it, in six base62 digits', async () => {
    for (let count = 0; count < 20; count += 1) {
      const key = await makeKey(mooring)
      expect(key).toMatch(/^sk_test_[0-9A-Za-z]{36}$/)
      let value = 0
      for (const digit of key.slice(-6)) value = value * 62 + BASE62.indexOf(digit)
      expect(value).toBe(zlibCrc32(key.slice(0, -6)))
    }
    expect(checksum('sk_test_')).toHaveLength(6)
  })

  it('detects every change of one character and every swap of two neighbours', () => {
    const key = mooring.organization.testKey
    for (let at = 0; at < key.length; at += 1) {
      const swapped = key.slice(0, at) + (key[at + 1] ?? '') + (key[at] ?? '') + key.slice(at + 2)
      if (swapped !== key) expect(recognise(swapped), `swap at ${at}`).toBeNull()
      for (const other of ['0', 'Z', '_', ' '])
        if (other !== key[at]) expect(recognise(key.slice(0, at) + other + key.slice(at + 1))).toBeNull()
    }
    for (const text of ['', key.slice(1), `${key}0`, ` ${key}`, key.toUpperCase()]) expect(recognise(text)).toBeNull()
  })

  it('refuses a mistyped key like an unknown one', async () => {
    expect(await ends(mistyped(mooring.organization.testKey))).toBe('apikey_invalid')
    expect(await ends(`sk_test_${'0'.repeat(30)}${checksum(`sk_test_${'0'.repeat(30)}`)}`)).toBe('apikey_invalid')
  })
})

describe('At rest', () => {
  it('a key is a hash under the pepper: two installations store the same key differently', async () => {
    const key = mooring.organization.testKey
    const tokens = await createTokens(mooring.keyring)
    const rows = await query(mooring.databaseUrl, "select encode(hash, 'hex') as hash, last4 from api_keys")
    const [hash] = tokens.hashes(key)
    expect(rows).toContainEqual({ hash: hash?.hash.toString('hex'), last4: key.slice(-4) })
    const pepper = mooring.keyring.pepper.map(({ id, secret }) => ({ id, secret: Buffer.from(secret).reverse() }))
    const others = await createTokens({ ...mooring.keyring, pepper })
    expect(others.hashes(key)[0]?.hash.equals(hash?.hash ?? Buffer.alloc(0))).toBe(false)
  })

  it('an old pepper still finds the keys made under it, and new keys use the new one', async () => {
    const [old] = mooring.keyring.pepper
    if (old === undefined) throw new Error('there is no pepper')
    const fresh = { id: 'pepper-new1', secret: Buffer.from(old.secret).reverse() }
    const tokens = await createTokens({ ...mooring.keyring, pepper: [fresh, old] })
    expect(tokens.hashes('x').map(hash => hash.pepperId)).toEqual(['pepper-new1', old.id])
  })
})

describe('An edited row', () => {
  const other = "'0190a000-0000-7000-8000-000000000000'"
  it.each([
    ['its mode', "mode = 'live'"],
    ['its scopes', "scopes = scopes || '{datasources.lease}'"],
    ['its scopes’ order', 'scopes = (select array_agg(s order by s) from unnest(scopes) s)'],
    ['its expiry', "expires_at = now() + interval '1 year'"],
    ['its MAC', "mac = decode(repeat('00', 32), 'hex')"],
    ['its pepper', "pepper_id = 'pepper-none'"],
    ['its id', `id = ${other}`],
  ])('invalidates the key: %s', async (_, set) => {
    const key = await makeKey(mooring, { scopes: ['datasources.read', 'datasources.create'] })
    expect(await ends(key)).toBe('ok')
    const at = `last4 = '${key.slice(-4)}' and not 'organization.write' = any(scopes)`
    const before = await query(mooring.databaseUrl, `select id, scopes from api_keys where ${at}`)
    await query(mooring.databaseUrl, `update api_keys set ${set} where id = '${before[0]?.['id']}'`)
    expect(await ends(key)).toBe('apikey_invalid')
    // Frees the id for the next row.
    await query(mooring.databaseUrl, `delete from api_keys where id = ${other} or id = '${before[0]?.['id']}'`)
  })

  it('is invalid under another organization, as is a row with another row’s hash', async () => {
    const second = await mooring.newOrganization('Second')
    const key = await makeKey(mooring)
    const [row] = await query(mooring.databaseUrl, 'select id from api_keys order by id desc limit 1')
    await query(mooring.databaseUrl, `update api_keys set org_id = '${second.id}' where id = '${row?.['id']}'`)
    expect(await ends(key)).toBe('apikey_invalid')

    const [weak, strong] = [await makeKey(mooring, { scopes: ['feeds.read'] }), await makeKey(mooring)]
    const hashOf = `(select hash from api_keys where last4 = '${weak.slice(-4)}' and cardinality(scopes) = 1)`
    await query(
      mooring.databaseUrl,
      `with w as (update api_keys set hash = sha256(hash) where hash = ${hashOf} returning old.hash as hash)
       update api_keys set hash = w.hash from w where last4 = '${strong.slice(-4)}' and cardinality(scopes) > 1`,
    )
    expect(await ends(weak)).toBe('apikey_invalid')
  })
})

describe('A revoked key', () => {
  it('is refused from the next request on with its own error; a repeated revocation changes and records nothing', async () => {
    const { organization } = mooring.client()
    const { id, key = '' } = await organization.createKey.mutate({ mode: 'test' })
    expect(await ends(key)).toBe('ok')
    const first = await organization.revokeKey.mutate({ id })
    expect(await ends(key)).toBe('apikey_revoked')
    expect((await organization.revokeKey.mutate({ id })).revokedAt).toBe(first.revokedAt)
    const { items: recorded } = await organization.audit.query({ objectId: id, action: 'key.revoked' })
    expect(recorded).toHaveLength(1)
    const { items } = await organization.listKeys.query()
    expect(items.find(item => item.id === id)).toMatchObject({ revokedAt: first.revokedAt, last4: key.slice(-4) })
    expect(JSON.stringify(items)).not.toContain(key)
  })
})

describe('A key’s mode', () => {
  it('is the mode of the datasources that it registers, as the id and livemode show', async () => {
    const { testKey, liveKey } = mooring.organization
    for (const [key, prefix, livemode] of [
      [testKey, /^ds_test_[0-9a-f]{32}$/, false],
      [liveKey, /^ds_[0-9a-f]{32}$/, true],
    ] as const) {
      const body = { connectionString: 'postgresql://app:pw@127.0.0.1:9/shop' }
      const answer = await mooring.call('POST', '/v1/datasources', { key, body })
      expect(answer.body).toMatchObject({ id: expect.stringMatching(prefix), livemode })
    }
    const both = await mooring.call('GET', '/v1/datasources', { key: testKey })
    expect(both.body.data.map((one: { livemode: boolean }) => one.livemode)).toEqual([true, false])
  })

  it('is the mode of every key that it creates, and none of them exceeds its scopes', async () => {
    const { organization } = mooring.client()
    expect((await organization.createKey.mutate({ mode: 'test' })).scopes).not.toContain('datasources.lease')
    const refused = [{ mode: 'live' as const }, { mode: 'test' as const, scopes: ['datasources.lease' as const] }]
    const count = 'select count(*)::int as count from api_keys'
    const before = await query(mooring.databaseUrl, count)
    for (const ask of refused) expect(await organization.createKey.mutate(ask).catch(faultOf)).toBe('forbidden')
    expect(await query(mooring.databaseUrl, count)).toEqual(before)
    const lessKey = await makeKey(mooring, { scopes: ['organization.write', 'feeds.read'] })
    const made = await mooring.client(lessKey).organization.createKey.mutate({ mode: 'test' })
    expect(made.scopes).toEqual(['organization.write', 'feeds.read'])
    const id = typedId('key_', '0190a000-0000-7000-8000-000000000000')
    expect(await organization.revokeKey.mutate({ id }).catch(faultOf)).toBe('entity_not_found')
  })
})
