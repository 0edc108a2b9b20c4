/**
 * `keyring rotate-signing` that ended after it had signed the organizations' keys, and before it had signed the lease
 * grants, announced another key when it was repeated: the grants kept the signature of the former key.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { query } from '#test/support/database/postgres.ts'
import { leaseCapability } from '#test/support/keys/leasing.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { operator } from '#test/support/mooring/operator.ts'

let mooring: Mooring
beforeAll(async () => {
  mooring = await startMooring({ worker: false })
})
afterAll(() => mooring.stop())

const grants = () => query(mooring.databaseUrl, 'select distinct signer_id from lease_grants')
const keys = () =>
  query(mooring.databaseUrl, `select signer_id from organization_keys where org_id = '${mooring.organization.id}'`)

it('An interrupted rotation of signing keys is finished by a repeat, which announces no other key', async () => {
  const { db, databaseUrl, config, keyring, organization } = mooring
  await leaseCapability({ db, keyring, organization })
  const run = operator({ db, databaseUrl, keyringDir: config.keyring })
  expect((await run('keyring', 'rotate-signing')).complained).toContain('Announced.')
  await query(
    databaseUrl,
    `create function refuse() returns trigger language plpgsql as $$ begin raise 'the disk is full'; end $$;
     create trigger refuse before update on lease_grants for each row execute function refuse()`,
  )
  await expect(run('keyring', 'rotate-signing')).rejects.toThrow('the disk is full')
  await query(databaseUrl, 'drop trigger refuse on lease_grants')
  expect(await grants()).not.toEqual(await keys())
  const repeated = await run('keyring', 'rotate-signing')
  expect(repeated.status).toBe(0)
  expect(repeated.complained).not.toContain('Announced.')
  expect(await grants()).toEqual(await keys())
})
