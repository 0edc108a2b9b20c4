/**
 * More credentials than a worker handles in one slice were unreadable, and later ones were never resealed: each slice
 * began at the first one again, and logged each of them again.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { onNotification } from '#test/support/checks/verdicts.ts'
import { query } from '#test/support/database/postgres.ts'
import { makeCredentials } from '#test/support/keys/many-credentials.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { operator } from '#test/support/mooring/operator.ts'

/** About three times as many as two seconds take. */
const BROKEN = 12_000
const GOOD = 5

let mooring: Mooring
beforeAll(async () => {
  mooring = await startMooring()
})
afterAll(() => mooring.stop())

it('Every readable credential is resealed, however many unreadable ones come before it, and the log reports those once', async () => {
  const { db, keyring, databaseUrl, organization } = mooring
  const deps = { db, keyring, organizationId: organization.id }
  await makeCredentials(deps, BROKEN)
  await query(databaseUrl, 'update credentials set signature = set_byte(signature, 0, get_byte(signature, 0) # 1)')
  await makeCredentials(deps, GOOD)
  const watching = operator({ db, databaseUrl, keyringDir: mooring.config.keyring })(
    'keyring',
    'rotate-org',
    organization.id,
  )
  const left = `select c.version from credentials c join organization_keys k on k.id = c.key_id where k.retired_at is null`
  await onNotification(databaseUrl, async client => ((await client.query(left)).rowCount === GOOD ? true : undefined))
  expect(mooring.logLines.filter(line => line.includes('could not be opened')).length).toBeLessThanOrEqual(1)
  // The command waits for the unreadable ones: they are removed, and it ends.
  await query(
    databaseUrl,
    `update credentials set state = 'retired', sealed = null, signature = null where key_id in
    (select id from organization_keys where retired_at is not null)`,
  )
  expect((await watching).shown).toMatch(/\(100 %\)/)
})
