/**
 * An organization was removed while one of its databases was checked: the removal held the credential and waited for
 * the task, the check held its task and waited for the credential, and nothing was removed.
 */

import { afterAll, beforeAll, expect, it } from 'vitest'
import { removeOrganization } from '#server/operator/keyring/rotation.ts'
import { lockDatasource } from '#server/store/locks/lock-datasources.ts'
import { assertHeld } from '#server/store/tasks/claim-hold.ts'
import { claimed, meanwhile } from '#test/support/database/meanwhile.ts'
import { query } from '#test/support/database/postgres.ts'
import { unitOf } from '#test/support/database/unit.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

let mooring: Mooring
beforeAll(async () => {
  mooring = await startMooring({ worker: false })
})
afterAll(() => mooring.stop())

it('A removal of an organization waits for a check that is being settled, and then removes everything', async () => {
  const connectionString = 'postgresql://app:secret@db.example.com/app'
  const made = await mooring.client().datasources.register.mutate({ connectionString })
  const id = bareUuid(made.id)
  const { db, keyring, organization } = mooring
  const claim = await claimed(mooring, { kind: 'verify', id })
  const removed = await meanwhile(mooring, {
    // A verdict locks in this order: the datasource, its task, then the credential.
    holding: async tx => {
      await lockDatasource(unitOf(tx, organization.id), { id })
      expect(await assertHeld(tx, claim)).toBe(true)
    },
    waiting: () => removeOrganization({ db, keyring, now: new Date() }, organization.id),
    besides: tx => tx.selectFrom('credentials').select('version').where('datasource_id', '=', id).forShare().execute(),
  })
  expect(removed).toBe(true)
  expect(await query(mooring.databaseUrl, 'select id from tasks')).toEqual([])
  expect(await query(mooring.databaseUrl, 'select version from credentials where sealed is not null')).toEqual([])
})
