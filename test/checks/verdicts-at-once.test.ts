/**
 * A verdict is settled in one statement. While others hold its rows it waits, sees their new state, and records nothing
 * for a credential other than the tried one, nor for a lost claim.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '#server/domain/access/ids.ts'
import { transaction } from '#server/store/database/db.ts'
import * as datasources from '#server/store/datasources/datasources.ts'
import * as verdicts from '#server/store/datasources/verdicts.ts'
import { lockDatasource } from '#server/store/locks/lock-datasources.ts'
import type { Tx } from '#server/store/tables/tables.ts'
import { release } from '#server/store/tasks/claim-release.ts'
import type * as claims from '#server/store/tasks/claims.ts'
import * as tasks from '#server/store/tasks/tasks.ts'
import { claimed, later, meanwhile, NOW } from '#test/support/database/meanwhile.ts'
import { query } from '#test/support/database/postgres.ts'
import { unitOf } from '#test/support/database/unit.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { replacePending } from '#test/support/keys/replace-pending.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

let mooring: Mooring
beforeAll(async () => {
  mooring = await startMooring({ worker: false })
})
afterAll(() => mooring.stop())

const org = () => mooring.organization.id
const rows = (sql: string) => query(mooring.databaseUrl, sql)

describe('A verdict that waits', () => {
  let made = 0
  async function registered(): Promise<{ id: string; claim: claims.Claim }> {
    const connectionString = `postgresql://app:secret@db.example.com/app${made++}`
    const id = bareUuid((await mooring.client().datasources.register.mutate({ connectionString })).id)
    return { id, claim: await claimed(mooring, { kind: 'verify', id }) }
  }
  const settlement = (
    id: string,
    { version, state }: { version: number; state: 'pending' | 'current' },
  ): verdicts.SettledVerification => {
    const found = { outcome: 'passed', reason: null, checks: [], advisories: [], tookMs: 1, at: NOW } as const
    const verdict = { id: newId(), datasourceId: id, version, ...found }
    return {
      verdict,
      state,
      after: { status: 'active', refusals: 0, refusedAt: null },
      reason: null,
      signed: null,
      dueAt: later(600),
      failed: false,
      isMade: true,
      introspection: newId(),
    }
  }
  /** Replaces the pending credential by a new one with the bytes of the first: nobody opens it here. */
  const rotating = (id: string, version: number) => async (tx: Tx) => {
    await lockDatasource(unitOf(tx, org()), { id })
    const sql = `select key_id, sealed, signer_id, signature from credentials where datasource_id = '${id}' and version = 1`
    const [one] = await rows(sql)
    const sealed = { keyId: `${one?.['key_id']}`, signerId: `${one?.['signer_id']}` }
    const box = { ...sealed, box: Buffer.from('sealed'), signature: Buffer.from('signed') }
    const credential = { sealed: box, fingerprint: null, last4: null }
    await replacePending(unitOf(tx, org(), NOW), { datasourceId: id, version, credential })
    await tasks.request(unitOf(tx, org(), NOW), { id: newId(), kind: 'verify', datasourceId: id })
  }
  const written = async (id: string) => ({
    verdicts: await rows(`select version from verifications where datasource_id = '${id}'`),
    shown: await rows(`select status, verification_id is null as none from datasources where id = '${id}'`),
    told: await rows(`select change from changes where datasource_id = '${id}' and change = 'verified'`),
    others: await rows(`select kind from tasks where datasource_id = '${id}' and kind <> 'verify'`),
  })
  const NOTHING = { verdicts: [], shown: [{ status: 'unverified', none: true }], told: [], others: [] }

  it('for a rotation that replaces the tried credential is not recorded, and the new one is due', async () => {
    const { id, claim } = await registered()
    await transaction(mooring.db, rotating(id, 2))
    const of = settlement(id, { version: 2, state: 'pending' })
    await meanwhile(mooring, { holding: rotating(id, 3), waiting: () => verdicts.settle(mooring.db, claim, of) })
    expect(await written(id)).toEqual(NOTHING)
    expect(await rows(`select due_at, locked_until from tasks where id = '${claim.id}'`)).toEqual([
      { due_at: NOW, locked_until: null },
    ])
  })

  it('for a rotation that leaves the tried credential in force is recorded, and the new one is due', async () => {
    const { id, claim } = await registered()
    const of = settlement(id, { version: 1, state: 'current' })
    await meanwhile(mooring, { holding: rotating(id, 2), waiting: () => verdicts.settle(mooring.db, claim, of) })
    expect(await written(id)).toMatchObject({ verdicts: [{ version: 1 }], shown: [{ status: 'active', none: false }] })
    expect(await rows(`select due_at from tasks where id = '${claim.id}'`)).toEqual([{ due_at: NOW }])
  })

  it('for a removal writes nothing', async () => {
    const { id, claim } = await registered()
    const removing = async (tx: Tx) => {
      await lockDatasource(unitOf(tx, org()), { id })
      await datasources.remove(unitOf(tx, org(), NOW), id)
    }
    const of = settlement(id, { version: 1, state: 'current' })
    await meanwhile(mooring, { holding: removing, waiting: () => verdicts.settle(mooring.db, claim, of) })
    expect(await written(id)).toEqual(NOTHING)
  })

  it('for another worker that takes its claim writes nothing and settles nothing', async () => {
    const { id, claim } = await registered()
    const of = settlement(id, { version: 1, state: 'current' })
    await meanwhile(mooring, {
      holding: tx => release(tx, claim, NOW),
      waiting: () => verdicts.settle(mooring.db, claim, of),
    })
    expect(await written(id)).toEqual(NOTHING)
    expect(await rows(`select due_at, settled from tasks where id = '${claim.id}'`)).toEqual([
      { due_at: NOW, settled: '0' },
    ])
  })
})
