/** A client written from the public description alone works with the real server, call by call, and loses no token. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { CapabilityClient, Refused } from './capability-client.ts'

const MINUTE_MS = 60_000

let mooring: Mooring
let client: CapabilityClient
let aheadMs = 0
beforeAll(async () => {
  mooring = await startMooring({ worker: false, clock: () => new Date(Date.now() + aheadMs) })
  client = new CapabilityClient({ url: mooring.url, key: mooring.organization.testKey })
})
afterAll(() => mooring.stop())

const status = async (token: string) => (await mooring.call('GET', '/v1/datasources', { key: token })).status

it('mints, reads, rotates with a lifetime and a grace, and revokes', async () => {
  const made = await client.mint({ operations: ['datasources.read'], syncGroups: ['org:1'], ttlSeconds: 600 })
  const { token, ...grant } = made
  expect(await client.read(made.id)).toEqual({ ...grant })
  expect(made.scope).toMatchObject({ syncGroups: ['org:1'], operations: ['datasources.read'] })
  expect(made.participantId).toMatch(/^key_/)

  const next = await client.rotate(made.id, { graceSeconds: 120, ttlSeconds: 3600 })
  expect(next.rotatedFrom).toMatchObject({ id: made.id, capabilityId: made.id })
  expect((await client.read(made.id)).expiresAt).toBe(next.rotatedFrom.expiresAt)
  expect([await status(token), await status(next.token)]).toEqual([200, 200])
  aheadMs = 3 * MINUTE_MS
  expect([await status(token), await status(next.token)]).toEqual([403, 200])
  expect((await client.read(made.id)).status).toBe('expired')
  aheadMs = 30 * MINUTE_MS
  expect(await status(next.token)).toBe(200)
  aheadMs = 0

  const gone = await client.revoke(next.id)
  expect(gone.id).toBe(next.id)
  expect(await status(next.token)).toBe(403)
  expect([...client.tokens.keys()]).toEqual([made.id, next.id])
  expect([...client.tokens.values()]).toEqual([token, next.token])
})

it('exchanges the key for a token of a participant, with the named operations and no more', async () => {
  const token = await client.exchange('agent-7', ['datasources.read'])
  expect(await status(token)).toBe(200)
  const holder = new CapabilityClient({ url: mooring.url, key: token })
  await expect(holder.exchange('agent-8', ['datasources.read'])).rejects.toMatchObject({ status: 403 })
  expect([...client.tokens.values()]).toContain(token)
})

it.each([
  ['no scope', {}, 'narrow_scope_required'],
  ['a user', { operations: ['feeds.read'], participantKind: 'user' }, 'invalid_participant_kind'],
])('is refused %s by the documented code', async (_what, options, code) => {
  const before = client.tokens.size
  await expect(client.mint(options)).rejects.toMatchObject({ status: 400, code })
  expect(client.tokens.size).toBe(before)
})

it('gets the documented code for an unknown capability', async () => {
  const id = `cap_${'0'.repeat(32)}`
  for (const call of [client.read, client.rotate, client.revoke]) {
    const thrown = await call.call(client, id).catch((error: unknown) => error)
    expect(thrown).toBeInstanceOf(Refused)
    expect(thrown).toMatchObject({ status: 404, code: 'capability_not_found' })
  }
})

it('gets every scope of its key by a wide scope, except the lease', async () => {
  const { operations } = await client.mint({ wideScope: true })
  expect(operations).toContain('datasources.remove')
  expect(operations).not.toContain('datasources.lease')
})
