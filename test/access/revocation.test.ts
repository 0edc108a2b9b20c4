/** A key that is revoked while in use is refused from the next request on, by every process. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { typedId } from '#shared/base/wire.ts'
import { makeKey } from '#test/support/access/keys.ts'
import { query } from '#test/support/database/postgres.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { secondWeb } from '#test/support/mooring/second-web.ts'

let mooring: Mooring
let other: Awaited<ReturnType<typeof secondWeb>>
beforeAll(async () => {
  mooring = await startMooring({ worker: false })
  other = await secondWeb(mooring)
})
afterAll(async () => {
  await other.stop()
  await mooring.stop()
})

/** The status of a read at each process, after every cache that could hold the key is warm. */
async function statuses(token: string): Promise<number[]> {
  const headers = { authorization: `Bearer ${token}` }
  const answers = await Promise.all([mooring.url, other.url].map(url => fetch(`${url}/v1/datasources`, { headers })))
  return answers.map(answer => answer.status)
}

it('a revoked key is refused by every process at once, and so is everything that it minted', async () => {
  const key = await makeKey(mooring)
  const grant = { operations: ['datasources.read'], ttlSeconds: 60, participantKind: 'agent' }
  const minted = await mooring.call('POST', '/v1/capabilities', { key, body: grant })
  const { token } = minted.body
  for (const one of [key, token]) expect(await statuses(one)).toEqual([200, 200])
  const [row] = await query(mooring.databaseUrl, `select id from api_keys where last4 = '${key.slice(-4)}'`)
  await mooring.client().organization.revokeKey.mutate({ id: typedId('key_', String(row?.['id'])), children: 'revoke' })
  expect(await statuses(key)).toEqual([401, 401])
  expect(await statuses(token)).toEqual([403, 403])
  expect(await statuses(mooring.organization.testKey)).toEqual([200, 200])
})
