/**
 * A removal met a poll that was storing a page, and one of them was answered 500: PostgreSQL takes the foreign key's
 * lock on the datasource when a transaction writes its task a second time, and the removal held the datasource against
 * that.
 */

import { afterAll, beforeAll, expect, it } from 'vitest'
import { transaction } from '#server/store/database/db.ts'
import * as datasources from '#server/store/datasources/datasources.ts'
import { lockDatasource } from '#server/store/locks/lock-datasources.ts'
import { extend } from '#server/store/tasks/claim-hold.ts'
import * as claims from '#server/store/tasks/claims.ts'
import { query } from '#test/support/database/postgres.ts'
import { unitOf } from '#test/support/database/unit.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

let mooring: Mooring
beforeAll(async () => {
  mooring = await startMooring({ worker: false })
})
afterAll(() => mooring.stop())

it('A removal waits for the page that is being stored, and both succeed', async () => {
  const connectionString = 'postgresql://app:secret@db.example.com/app'
  const { id } = await mooring.client().datasources.register.mutate({ connectionString })
  const org = mooring.organization.id
  const now = new Date()
  const ask = {
    kinds: ['verify' as const],
    limit: 1,
    perOrganization: 1,
    held: [],
    leaseMs: 60_000,
    now,
    priorities: ['asked', 'scheduled'] as const,
  }
  const [claim] = await claims.claim(mooring.db, ask)
  if (claim === undefined) throw new Error('there is no task')
  const locked = Promise.withResolvers<void>()
  let removal: Promise<void> | undefined
  await transaction(mooring.db, async tx => {
    expect(await extend(tx, claim, new Date(now.getTime() + 60_000))).toBe(true)
    removal = transaction(mooring.db, async other => {
      await lockDatasource(unitOf(other, org), { id: bareUuid(id) })
      locked.resolve()
      await datasources.remove(unitOf(other, org, now), bareUuid(id))
    })
    await locked.promise
    expect(await claims.settle(tx, claim, { dueAt: null, now, failed: false })).toBe(true)
  })
  await removal
  expect(await query(mooring.databaseUrl, 'select id from tasks')).toEqual([])
})
