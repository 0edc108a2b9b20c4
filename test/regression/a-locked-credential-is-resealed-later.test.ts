/**
 * A check's verdict held a credential when it was to be resealed: the pass skipped it and ended the task, and nothing
 * came back for it.
 */

import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { transaction } from '#server/store/database/db.ts'
import { onNotification, quiet } from '#test/support/checks/verdicts.ts'
import { query } from '#test/support/database/postgres.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { operator } from '#test/support/mooring/operator.ts'

let mooring: Mooring
beforeAll(async () => {
  mooring = await startMooring()
})
afterAll(() => mooring.stop())

it('A credential that another transaction holds is resealed when it is free', async () => {
  const { db, databaseUrl, organization } = mooring
  await mooring.client().datasources.register.mutate({ endpoint: 'https://127.0.0.1:1/x', signingKey: 'a-signing-key' })
  await quiet(databaseUrl)
  const rotated = await transaction(db, async tx => {
    await sql`select from credentials for share`.execute(tx)
    const run = operator({ db, databaseUrl, keyringDir: mooring.config.keyring })
    const command = run('keyring', 'rotate-org', organization.id)
    // The pass has run: it was claimed and has settled, whatever it reports about the rest.
    await onNotification(databaseUrl, async client => {
      const { rows } = await client.query("select token from tasks where kind = 'reseal' and locked_until is null")
      return Number(rows[0]?.token) >= 1 ? true : undefined
    })
    return { command }
  })
  expect((await rotated.command).shown).toMatch(/1\/1 credentials \(100 %\)/)
  expect(
    await query(databaseUrl, 'select k.retired_at from credentials c join organization_keys k on k.id = c.key_id'),
  ).toEqual([{ retired_at: null }])
})
