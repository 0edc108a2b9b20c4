/**
 * Attack: a stolen key makes others before it is revoked, and they outlive it. A revocation reaches everything that the
 * revoked key made, reports its extent before it acts, and never locks out an ordinary rotation.
 */

import { TRPCClientError } from '@trpc/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '#server/domain/access/ids.ts'
import { lockAccess, revokeKeyRow } from '#server/store/access/revocation.ts'
import { typedId, uuidOf } from '#shared/base/wire.ts'
import { families } from '#test/support/access/key-family.ts'
import { meanwhile } from '#test/support/database/meanwhile.ts'
import { query } from '#test/support/database/postgres.ts'
import { effects } from '#test/support/database/rows.ts'
import { unitOf } from '#test/support/database/unit.ts'
import { holderKey, leaseCapability } from '#test/support/keys/leasing.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { operator } from '#test/support/mooring/operator.ts'
import { secondWeb } from '#test/support/mooring/second-web.ts'

let mooring: Mooring
let other: Awaited<ReturnType<typeof secondWeb>>
beforeAll(async () => {
  mooring = await startMooring({ worker: false })
  other = await secondWeb(mooring, { MOORING_RATE_PER_KEY: '1000000', MOORING_RATE_PER_ORGANIZATION: '1000000' })
})
afterAll(async () => {
  await other.stop()
  await mooring.stop()
})

const { child, capabilityOf, ends, stolen } = families(() => ({ mooring, urls: [mooring.url, other.url] }))

/** The error of a call, as tRPC reports it. */
async function refusal(call: Promise<unknown>) {
  const thrown = await call.then(
    () => null,
    (error: unknown) => error,
  )
  if (!(thrown instanceof TRPCClientError)) throw new Error('it was not refused', { cause: thrown })
  return thrown.data
}

const revoker = (key?: string) => mooring.client(key).organization.revokeKey
const REVOKED = 'apikey_revoked'

describe('The revocation of a key that has made others', () => {
  it('requires a choice about them, reports how many there are, and changes nothing without it', async () => {
    const { root, daughter, minted, rotated } = await stolen()
    const before = await effects(mooring.databaseUrl)
    const reported = await refusal(revoker().mutate({ id: root.id }))
    expect(reported).toMatchObject({
      fault: 'conflict',
      httpStatus: 409,
      issues: [
        {
          path: ['children'],
          code: 'living_descendants',
          message: expect.stringContaining('2 living keys and 2 living capabilities'),
          ctx: { keys: 2, capabilities: 2 },
        },
      ],
    })
    expect(await effects(mooring.databaseUrl)).toEqual(before)
    for (const { key } of [root, daughter]) expect(await ends(key)).toBe('ok')
    for (const { token } of [minted, rotated]) expect(await ends(token)).toBe('ok')
  })

  it('reaches all of them: keys, capabilities, their descendants and their rotations', async () => {
    const { root, daughter, granddaughter, minted, rotated } = await stolen()
    const done = await revoker().mutate({ id: root.id, children: 'revoke' })
    expect(done).toEqual({ id: root.id, revokedAt: done.revokedAt, revokedKeys: 2, revokedCapabilities: 2 })
    for (const { key } of [root, daughter, granddaughter]) expect(await ends(key)).toBe(REVOKED)
    for (const { token } of [minted, rotated]) expect(await ends(token)).toBe('capability_invalid')
    const { items } = await mooring.client().organization.audit.query({ limit: 5 })
    expect(items.map(item => [item.action, item.objectId]).sort()).toEqual(
      [
        ...[root, daughter, granddaughter].map(({ id }) => ['key.revoked', id]),
        ...[minted, rotated].map(({ id }) => ['capability.revoked', id]),
      ].sort(),
    )
    const listed = (await mooring.client().organization.listKeys.query()).items
    expect(listed.find(item => item.id === daughter.id)).toMatchObject({ issuerId: root.id, revokedAt: done.revokedAt })
  })

  it('keeps all of them on request, capabilities included: a rotation locks nobody out', async () => {
    const { root, daughter, granddaughter, minted, rotated } = await stolen()
    const own = await capabilityOf(root.key)
    const done = await revoker(daughter.key).mutate({ id: root.id, children: 'keep' })
    expect(done).toMatchObject({ revokedKeys: 0, revokedCapabilities: 0 })
    expect(await ends(root.key)).toBe(REVOKED)
    for (const { key } of [daughter, granddaughter]) expect(await ends(key)).toBe('ok')
    for (const { token } of [minted, rotated, own]) expect(await ends(token)).toBe('ok')
    expect((await mooring.client().organization.getCapability.query({ id: own.id })).status).toBe('active')
  })

  it('reaches through a child that was revoked or kept before', async () => {
    const { root, daughter, granddaughter } = await stolen()
    const own = await capabilityOf(daughter.key)
    await revoker().mutate({ id: daughter.id, children: 'keep' })
    const done = await revoker().mutate({ id: root.id, children: 'revoke' })
    expect(done).toMatchObject({ revokedKeys: 1, revokedCapabilities: 3 })
    expect(await ends(granddaughter.key)).toBe(REVOKED)
    expect(await ends(own.token)).toBe('capability_invalid')
  })

  it('can be extended: a key that was revoked with its children kept is revoked again with them', async () => {
    const { root, daughter, minted } = await stolen()
    const first = await revoker().mutate({ id: root.id, children: 'keep' })
    expect(await refusal(revoker().mutate({ id: root.id }))).toMatchObject({ fault: 'conflict' })
    const again = await revoker().mutate({ id: root.id, children: 'revoke' })
    expect(again).toMatchObject({ revokedAt: first.revokedAt, revokedKeys: 2, revokedCapabilities: 2 })
    expect([await ends(daughter.key), await ends(minted.token)]).toEqual([REVOKED, 'capability_invalid'])
  })

  it('requires no choice when no descendant is alive: revoked children, expired capabilities', async () => {
    const root = await child(mooring.organization.testKey)
    const gone = await child(root.key)
    const minted = await capabilityOf(root.key)
    const past = await capabilityOf(root.key)
    await revoker().mutate({ id: gone.id })
    await mooring.client().organization.revokeCapability.mutate({ id: minted.id })
    await query(
      mooring.databaseUrl,
      `update capabilities set expires_at = now() where id = '${String(uuidOf(past.id, 'cap_'))}'`,
    )
    expect(await revoker().mutate({ id: root.id })).toMatchObject({ revokedKeys: 0, revokedCapabilities: 0 })
    expect(await ends(root.key)).toBe(REVOKED)
  })

  it('happens once for an idempotency key, and its answer is replayed', async () => {
    const { root } = await stolen()
    const ask = { id: root.id, children: 'revoke' as const, idempotencyKey: newId() }
    const first = await revoker().mutate(ask)
    expect(await revoker().mutate(ask)).toEqual(first)
    expect(first.revokedKeys).toBe(2)
  })
})

describe('The last key of a mode with organization.write', () => {
  it('is revoked only by force, named or as a descendant, at every process', async () => {
    const organization = await mooring.newOrganization('Last')
    const ids = async () =>
      await query(
        mooring.databaseUrl,
        `select id, mode from api_keys where org_id = '${organization.id}' and revoked_at is null order by mode`,
      )
    const [live, test] = (await ids()).map(row => typedId('key_', String(row['id'])))
    if (live === undefined || test === undefined) throw new Error('an organization has a key for each mode')
    const reader = await child(organization.testKey, ['datasources.read'])
    const before = await effects(mooring.databaseUrl)
    const mutate = revoker(organization.testKey).mutate
    expect(await refusal(mutate({ id: test, children: 'keep' }))).toMatchObject({
      fault: 'conflict',
      issues: [{ path: ['force'], code: 'last_key', message: expect.stringContaining('organization.revokeKey') }],
    })
    expect(await refusal(mutate({ id: test, children: 'revoke' }))).toMatchObject({ issues: [{ path: ['force'] }] })
    expect(await effects(mooring.databaseUrl)).toEqual(before)
    // The new key was made with the old one: revoking the old key's children would include it.
    const fresh = await child(organization.testKey)
    const byNew = revoker(fresh.key).mutate
    expect(await refusal(byNew({ id: test, children: 'revoke' }))).toMatchObject({ issues: [{ path: ['force'] }] })
    expect(await byNew({ id: test, children: 'keep' })).toMatchObject({ revokedKeys: 0 })
    expect([await ends(fresh.key), await ends(reader.key)]).toEqual(['ok', 'ok'])
    expect(await byNew({ id: test, children: 'revoke', force: true })).toMatchObject({ revokedKeys: 2 })
    expect(await ids()).toMatchObject([{ mode: 'live' }])
    const byLive = revoker(organization.liveKey).mutate
    expect(await refusal(byLive({ id: live }))).toMatchObject({ issues: [{ path: ['force'] }] })
    expect(await byLive({ id: live, force: true })).toMatchObject({ id: live })
    expect(await ids()).toEqual([])
  })

  it('survives two keys that revoke each other at once', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { id: org, testKey } = await mooring.newOrganization('Duel')
      const two = await child(testKey)
      const [row] = await query(
        mooring.databaseUrl,
        `select id from api_keys where org_id = '${org}' and mode = 'test' and issuer_id is null`,
      )
      const one = typedId('key_', String(row?.['id']))
      const ended = await Promise.allSettled([
        revoker(testKey).mutate({ id: two.id }),
        revoker(two.key).mutate({ id: one, children: 'keep' }),
      ])
      expect(ended.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      const left = `select id from api_keys where org_id = '${org}' and mode = 'test' and revoked_at is null`
      expect(await query(mooring.databaseUrl, left)).toHaveLength(1)
    }
  })
})

describe('A creation under way while its key is revoked', () => {
  const org = () => mooring.organization.id
  const attempts: Record<string, (holder: { key: string; capability: { id: string } }) => Promise<unknown>> = {
    'the creation of a key': ({ key }) => child(key),
    'the minting of a capability': ({ key }) => capabilityOf(key),
    'the rotation of a capability': ({ key, capability }) =>
      mooring.call('POST', `/v1/capabilities/${capability.id}/rotate`, { key }).then(answer => {
        if (answer.status === 200) return answer.body
        return Promise.reject(new Error(answer.body.code))
      }),
    'the revocation of another key': async ({ key }) => {
      const innocent = await child(mooring.organization.testKey)
      return revoker(key).mutate({ id: innocent.id })
    },
  }

  it.each(Object.entries(attempts))('creates nothing: %s', async (_what, attempt) => {
    const { id, key } = await child(mooring.organization.testKey)
    const capability = await capabilityOf(mooring.organization.testKey)
    const uuid = String(uuidOf(id, 'key_'))
    const ended = await meanwhile(mooring, {
      holding: tx => lockAccess(unitOf(tx, org())),
      besides: tx => revokeKeyRow(unitOf(tx, org(), new Date()), { id: uuid, children: 'keep' }),
      waiting: () =>
        attempt({ key, capability }).then(
          () => 'done',
          (error: unknown) => (error instanceof TRPCClientError ? error.data.fault : String(error)),
        ),
    }).catch((error: unknown) => String(error))
    expect(ended).toContain(REVOKED)
    const made = `select id from api_keys where issuer_id = '${uuid}' union select id from capabilities where issuer_id = '${uuid}'`
    expect(await query(mooring.databaseUrl, made)).toEqual([])
  })

  it('leaves nothing alive, however creations and the revocation are interleaved at two processes', async () => {
    for (let round = 0; round < 15; round += 1) {
      const { id, key } = await child(mooring.organization.testKey)
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
      const send = (url: string, path: string, body: object) =>
        fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) }).then(answer => answer.status)
      const making = [mooring.url, other.url].flatMap(url => [
        send(url, '/trpc/organization.createKey', { mode: 'test' }),
        send(url, '/v1/capabilities', { operations: ['feeds.read'] }),
        send(url, '/trpc/organization.createKey', { mode: 'test' }),
      ])
      const [, ...statuses] = await Promise.all([revoker().mutate({ id, children: 'revoke' }), ...making])
      for (const status of statuses) expect([200, 201, 401]).toContain(status)
      const uuid = String(uuidOf(id, 'key_'))
      const alive = `select id from api_keys where issuer_id = '${uuid}' and revoked_at is null
        union select id from capabilities where issuer_id = '${uuid}' and revoked_at is null`
      expect(await query(mooring.databaseUrl, alive)).toEqual([])
    }
  })
})

describe('A capability', () => {
  it('is revoked without a choice, and a capability rotated out of it lives on', async () => {
    const { minted, rotated } = await stolen()
    const gone = await mooring.call('DELETE', `/v1/capabilities/${minted.id}`)
    expect(gone).toMatchObject({ status: 200, body: { status: 'revoked', deleted: true, activeSessionsClosed: 0 } })
    expect([await ends(minted.token), await ends(rotated.token)]).toEqual(['capability_invalid', 'ok'])
  })

  it('that leases ends its leases at once, and gets none while it is being revoked', async () => {
    const token = await leaseCapability(mooring)
    const [row] = await query(mooring.databaseUrl, `select id from capabilities where last4 = '${token.slice(-4)}'`)
    const capability = String(row?.['id'])
    const datasource = await mooring
      .client()
      .datasources.register.mutate({ connectionString: 'postgresql://app:pw@127.0.0.1:9/shop' })
    await query(
      mooring.databaseUrl,
      `insert into leases (org_id, id, datasource_id, capability_id, version, granted_at, expires_at)
       values ('${mooring.organization.id}', '${newId()}', '${String(uuidOf(datasource.id, 'ds_test_'))}', '${capability}', 1, now(), now() + interval '1 hour')`,
    )
    await mooring.client().organization.revokeCapability.mutate({ id: typedId('cap_', capability) })
    expect(
      await query(mooring.databaseUrl, `select ended_by from leases where capability_id = '${capability}'`),
    ).toEqual([{ ended_by: 'revoked' }])
    const { publicKey } = await holderKey()
    const leasing = mooring.client(token).datasources.lease.mutate({ id: datasource.id, publicKey })
    expect(await refusal(leasing)).toMatchObject({ fault: 'capability_invalid' })
  })
})

describe('The operator’s command', () => {
  const run = (...given: (string | Record<string, string | boolean>)[]) =>
    operator({ db: mooring.db, databaseUrl: mooring.databaseUrl, keyringDir: mooring.config.keyring })(
      'keys',
      'revoke',
      ...given,
    )

  it('requires the same choice, and acts once it is given', async () => {
    const { root, daughter, minted } = await stolen()
    const before = await effects(mooring.databaseUrl)
    await expect(run(root.id)).rejects.toThrow('2 living keys and 2 living capabilities')
    await expect(run(root.id, { children: 'some' })).rejects.toThrow('--children must be revoke or keep')
    expect(await effects(mooring.databaseUrl)).toEqual(before)
    const done = await run(root.id, { children: 'revoke' })
    expect(done.complained).toContain('revoked, with 2 living keys and 2 living capabilities')
    expect([await ends(daughter.key), await ends(minted.token)]).toEqual([REVOKED, 'capability_invalid'])
  })

  it('requires force before it revokes the last key of a mode', async () => {
    const { id: org } = await mooring.newOrganization('Operated')
    const [row] = await query(mooring.databaseUrl, `select id from api_keys where org_id = '${org}' and mode = 'live'`)
    const id = typedId('key_', String(row?.['id']))
    await expect(run(id, { org })).rejects.toThrow('--force')
    expect((await run(id, { org, force: true })).status).toBe(0)
  })
})
