/**
 * Capabilities for callers of both generations: every field under both names, every refusal with its documented code.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { OPERATIONS } from '#shared/access/credential.ts'
import { makeKey } from '#test/support/access/keys.ts'
import { effects } from '#test/support/database/rows.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

const PATH = '/v1/capabilities'
const WIDE = { wideScope: true }
const NO_KIND = 'invalid_participant_kind'
const UNKNOWN = `cap_${'0'.repeat(32)}`

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

const read = async (id: string) => (await mooring.call('GET', `${PATH}/${id}`)).body

describe('A capability object', () => {
  it('has the same values under both names, at mint, at GET, after a rotation and after DELETE', async () => {
    const made = await minted({ syncGroups: ['org:1'], participantKind: 'system', participantId: 'bot-7' })
    const { body: rotated } = await mooring.call('POST', `${PATH}/${made.id}/rotate`)
    const { body: gone } = await mooring.call('DELETE', `${PATH}/${rotated.id}`)
    for (const one of [made, await read(made.id), rotated, gone]) {
      const organizationId = `org_${mooring.organization.id.replaceAll('-', '')}`
      const same = { organizationId, syncGroups: ['org:1'], operations: ['datasources.read'] }
      expect(one).toMatchObject({
        ...same,
        capabilityId: one.id,
        allowedSyncGroups: ['org:1'],
        allowedOperations: ['datasources.read'],
        issuedAt: one.createdAt,
        participantId: 'bot-7',
      })
      expect(one.scope).toEqual({ ...same, participantKind: 'system', participantId: 'bot-7' })
    }
    expect([made.status, rotated.status, gone.status]).toEqual(['active', 'active', 'revoked'])
    expect(gone).toMatchObject({ deleted: true, activeSessionsClosed: 0, revokedAt: expect.any(String) })
  })

  it('shows how it has ended, also when its key was revoked', async () => {
    const revoked = await minted()
    await mooring.call('DELETE', `${PATH}/${revoked.id}`)
    const expired = await minted({ ttlSeconds: 60 })
    const made = await mooring.client().organization.createKey.mutate({ mode: 'test' })
    const orphaned = await minted({}, made.key)
    await mooring.client().organization.revokeKey.mutate({ id: made.id, children: 'revoke' })
    aheadMs = 61_000
    const statuses = [revoked, expired, orphaned, await minted()].map(async ({ id }) => (await read(id)).status)
    expect(await Promise.all(statuses)).toEqual(['revoked', 'expired', 'revoked', 'active'])
  })

  it('without a participant belongs to the key that minted it, also when another key rotates it', async () => {
    const made = await mooring.client().organization.createKey.mutate({ mode: 'test' })
    for (const named of [{}, { participantId: null }]) {
      const one = await minted(named, made.key)
      expect([one.participantId, one.scope.participantId]).toEqual([made.id, made.id])
      expect((await mooring.call('POST', `${PATH}/${one.id}/rotate`)).body.participantId).toBe(made.id)
    }
  })
})

describe('A rotation', () => {
  it('gives the new token the requested lifetime, longer or shorter, and shows when the old one stops', async () => {
    for (const ttlSeconds of [60, 7200]) {
      const old = await minted({ ttlSeconds: 600 })
      const body = { graceSeconds: 30, ttlSeconds }
      const answer = (await mooring.call('POST', `${PATH}/${old.id}/rotate`, { body })).body
      const seconds = (at: string) => Math.round((Date.parse(at) - Date.parse(answer.createdAt)) / 1000)
      expect([seconds(answer.expiresAt), seconds(answer.rotatedFrom.expiresAt)]).toEqual([ttlSeconds, 30])
      expect((await read(old.id)).expiresAt).toBe(answer.rotatedFrom.expiresAt)
    }
  })

  it('never outlives the rotating key', async () => {
    const { id } = await minted()
    const expiresAt = new Date(Date.now() + 120_000)
    const key = await makeKey(mooring, { expiresAt })
    const { body } = await mooring.call('POST', `${PATH}/${id}/rotate`, { key, body: { ttlSeconds: 3600 } })
    expect(body.expiresAt).toBe(expiresAt.toISOString())
  })
})

describe('A wide scope', () => {
  it('without operations grants every right of the key, except the lease', async () => {
    const wide = { operations: undefined, wideScope: true }
    const all = OPERATIONS.filter(operation => operation !== 'datasources.lease')
    expect(await minted(wide)).toMatchObject({ operations: all, wideScope: true })
    const key = await makeKey(mooring, { scopes: ['organization.write', 'feeds.read', 'datasources.lease'] })
    expect((await minted(wide, key)).operations).toEqual(['feeds.read'])
  })

  it('beside operations widens nothing', async () => {
    expect(await minted({ wideScope: true })).toMatchObject({ operations: ['datasources.read'], wideScope: true })
  })

  it('of a key without any right that a capability can have is refused', async () => {
    const key = await makeKey(mooring, { scopes: ['organization.write'] })
    const answer = await mooring.call('POST', PATH, { key, body: { wideScope: true } })
    expect([answer.status, answer.body.code]).toEqual([403, 'forbidden'])
  })
})

describe('A refusal has its documented code', () => {
  it.each([
    { what: 'no scope at all', body: {}, code: 'narrow_scope_required', param: 'operations' },
    {
      what: 'a scope that is not wide',
      body: { wideScope: false },
      code: 'narrow_scope_required',
      param: 'operations',
    },
    { what: 'a user', body: { ...WIDE, participantKind: 'user' }, code: NO_KIND, param: 'participantKind' },
    { what: 'no kind that exists', body: { ...WIDE, participantKind: 7 }, code: NO_KIND, param: 'participantKind' },
  ])('$what', async ({ body, code, param }) => {
    const status = 400
    const before = await effects(mooring.databaseUrl)
    const answer = await mooring.call('POST', PATH, { body })
    expect(answer).toMatchObject({ status, body: { code, param } })
    const called = await mooring.call('POST', '/trpc/organization.mintCapability', {
      body: { ttlSeconds: 60, ...body },
    })
    expect(called).toMatchObject({ status, body: { error: { data: { fault: code, issues: [{ path: [param] }] } } } })
    expect(await effects(mooring.databaseUrl)).toEqual(before)
  })

  it.each([
    ['GET', ''],
    ['DELETE', ''],
    ['POST', '/rotate'],
  ])('an unknown capability: %s', async (method, rest) => {
    for (const id of [UNKNOWN, 'cap_none', mooring.organization.id])
      expect(await mooring.call(method, `${PATH}/${id}${rest}`)).toMatchObject({
        status: 404,
        body: { code: 'capability_not_found' },
      })
  })
})
