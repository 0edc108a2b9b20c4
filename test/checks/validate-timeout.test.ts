/** A validation that no worker completes in time: the caller gets a timeout, and their string is deleted. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient, faultOf } from '#client/index.ts'
import { newId } from '#server/domain/access/ids.ts'
import { release } from '#server/store/tasks/claim-release.ts'
import * as claims from '#server/store/tasks/claims.ts'
import * as outcomes from '#server/store/tasks/outcomes.ts'
import * as tasks from '#server/store/tasks/tasks.ts'
import { query } from '#test/support/database/postgres.ts'
import { allRows, difference, effects } from '#test/support/database/rows.ts'
import { type Impatient, startImpatient } from '#test/support/mooring/impatient-web.ts'
import type { Mooring } from '#test/support/mooring/mooring.ts'

const PASSWORD = 'waited-for-nobody'

let started: Impatient
let mooring: Mooring
let url: string
beforeAll(async () => {
  started = await startImpatient()
  ;({ mooring, url } = started)
})
afterAll(() => started.stop())

const STRING = `postgresql://reader:${PASSWORD}@127.0.0.1:5432/shop`

function validate(connectionString: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/v1/datasources/validate`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${mooring.organization.testKey}`,
      'content-type': 'application/json',
      ...headers,
    },
    body: JSON.stringify({ connectionString }),
  })
}

describe('A validation that no worker takes within its time', () => {
  it('is a retryable 504, and leaves neither task nor string behind', async () => {
    const before = await effects(mooring.databaseUrl)
    const answer = await validate(STRING)
    expect([answer.status, await answer.json()]).toMatchObject([504, { code: 'timeout' }])
    expect(difference(before, await effects(mooring.databaseUrl))).toEqual([])
    expect(await query(mooring.databaseUrl, 'select id from tasks')).toEqual([])
    expect(JSON.stringify(await allRows(mooring.databaseUrl))).not.toContain(PASSWORD)
  })

  it('is the fault `timeout` over tRPC', async () => {
    const { datasources } = createClient({ url, key: mooring.organization.testKey, retries: 0 })
    const before = await effects(mooring.databaseUrl)
    const refused = await datasources.validate.mutate({ connectionString: STRING }).catch(faultOf)
    expect(refused).toBe('timeout')
    expect(difference(before, await effects(mooring.databaseUrl))).toEqual([])
  })

  it('releases its idempotency key for the next try', async () => {
    const before = await effects(mooring.databaseUrl)
    for (const _ of ['first', 'second']) {
      const answer = await validate(STRING, { 'idempotency-key': 'again' })
      expect([answer.status, answer.headers.get('idempotent-replayed')]).toEqual([504, null])
    }
    expect(difference(before, await effects(mooring.databaseUrl))).toEqual([])
  })
})

describe('A cancelled task', () => {
  const org = () => mooring.organization.id
  async function claimed(): Promise<claims.Claim> {
    const [id, now] = [newId(), new Date()]
    const task = { id, kind: 'validate' as const, datasourceId: null, payload: Buffer.from('sealed'), now }
    await tasks.submit(mooring.db, org(), { ...task, expiresAt: new Date(now.getTime() + 60_000) })
    const ask = { kinds: ['validate' as const], limit: 1, perOrganization: 1, held: [], leaseMs: 60_000, now }
    const [held] = await claims.claim(mooring.db, { ...ask, priorities: ['asked', 'scheduled'] })
    if (held?.id !== id) throw new Error('the task was to be claimed')
    return held
  }

  it('cannot be settled or released any more by the worker that runs it', async () => {
    const held = await claimed()
    expect(await outcomes.cancel(mooring.db, org(), held.id)).toBeUndefined()
    expect(await claims.finish(mooring.db, held, { ready: true })).toBe(false)
    await release(mooring.db, held, new Date())
    expect(await query(mooring.databaseUrl, 'select id from tasks')).toEqual([])
  })

  it('returns its outcome if the worker finished at the last moment', async () => {
    const held = await claimed()
    expect(await claims.finish(mooring.db, held, { ready: true })).toBe(true)
    expect(await outcomes.cancel(mooring.db, org(), held.id)).toEqual({ outcome: { ready: true } })
    expect(await query(mooring.databaseUrl, 'select id from tasks')).toEqual([])
  })

  it('belongs to its own organization only', async () => {
    const held = await claimed()
    const other = await mooring.newOrganization('Other')
    expect(await outcomes.cancel(mooring.db, other.id, held.id)).toBeUndefined()
    expect(await query(mooring.databaseUrl, 'select id from tasks')).toEqual([{ id: held.id }])
    await outcomes.cancel(mooring.db, org(), held.id)
  })
})
