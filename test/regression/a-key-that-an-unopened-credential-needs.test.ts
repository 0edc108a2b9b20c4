/**
 * A caller sealed to an organization's key shortly after it was retired, and the key was destroyed before a worker
 * opened the box: an accepted credential was lost. The key's id is inside the box, where no query sees it.
 */

import { afterAll, beforeAll, expect, it } from 'vitest'
import { sealConnectionString } from '#client/index.ts'
import { rotateOrganization } from '#server/operator/keyring/rotation.ts'
import { transaction } from '#server/store/database/db.ts'
import * as organizationKeys from '#server/store/organizations/organization-keys.ts'
import { query } from '#test/support/database/postgres.ts'
import { unitOf } from '#test/support/database/unit.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

const MINUTE_MS = 60_000

let aheadMs = 0
const clock = () => new Date(Date.now() + aheadMs)
let mooring: Mooring
beforeAll(async () => {
  mooring = await startMooring({ worker: false, clock })
})
afterAll(() => mooring.stop())

it('A retired key is kept while an unopened credential that a caller sealed may need it', async () => {
  const { db, keyring, organization } = mooring
  const key = await mooring.client().organization.sealingKey.query()
  await rotateOrganization({ db, keyring, now: clock() }, organization.id)
  aheadMs += 2 * MINUTE_MS
  const box = await sealConnectionString('postgresql://app:secret@db.example.com/app', key)
  await mooring.client().datasources.register.mutate(box)
  expect(await query(mooring.databaseUrl, `select 1 from credentials where key_id = '${key.keyId}'`)).toEqual([])

  aheadMs += 60 * MINUTE_MS
  const destroy = () => transaction(db, tx => organizationKeys.destroy(unitOf(tx, organization.id, clock()), key.keyId))
  expect(await destroy()).toBe(false)
  await query(mooring.databaseUrl, `update tasks set settled = requested where kind = 'verify'`)
  expect(await destroy()).toBe(true)
})
