/**
 * Operators' commands during a move of the same organization: a command's writes are at the target afterwards, or the
 * command has reported that it wrote nothing. The tests run every command, so that a new one is covered as well.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { newId } from '#server/domain/access/ids.ts'
import { commands } from '#server/operator/commands.ts'
import { OPERATOR } from '#server/operator/writing.ts'
import { epochOf, leave } from '#server/store/moves/move-source.ts'
import { typedId } from '#shared/base/wire.ts'
import { meanwhile } from '#test/support/database/meanwhile.ts'
import { query } from '#test/support/database/postgres.ts'
import { leaseCapability } from '#test/support/keys/leasing.ts'
import { makeCredentials } from '#test/support/keys/many-credentials.ts'
import { type Mooring, startMooring, type TestOrganization } from '#test/support/mooring/mooring.ts'
import { copiedRows, moveOrganization } from '#test/support/mooring/moves.ts'
import { operator } from '#test/support/mooring/operator.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let mooring: Mooring
let organization: TestOrganization
let run: ReturnType<typeof operator>
beforeAll(async () => {
  mooring = await startMooring({ worker: false })
  run = operator({ db: mooring.db, databaseUrl: mooring.databaseUrl, keyringDir: mooring.config.keyring ?? '' })
})
beforeEach(async () => {
  organization = await mooring.newOrganization('Moving')
})
afterAll(() => mooring.stop())

const sql = (text: string) => query(mooring.databaseUrl, text)
const fence = (columns: string) => sql(`update organizations set ${columns} where id = '${organization.id}'`)
const raise = () => fence(`moving_at = now(), frozen_at = now(), move_id = '${newId()}'`)
const lift = () => fence('moving_at = null, frozen_at = null, move_id = null')

/** The objects of commands: a key, a capability, a lease of it, and a credential that can be resealed. */
async function world(): Promise<{ key: string; lease: string }> {
  const { db, keyring } = mooring
  await makeCredentials({ db, keyring, organizationId: organization.id }, 1)
  const of = { db, keyring, organization }
  await leaseCapability(of)
  const lease = newId()
  await sql(`insert into leases (org_id, id, datasource_id, capability_id, version, granted_at, expires_at)
    select d.org_id, '${lease}', d.id, c.id, 1, now(), now() + interval '1 hour'
    from datasources d join capabilities c using (org_id) where d.org_id = '${organization.id}'`)
  const [key] = await sql(`select id from api_keys where org_id = '${organization.id}' limit 1`)
  return { key: typedId('key_', String(key?.['id'])), lease: typedId('lease_', lease) }
}

type World = Awaited<ReturnType<typeof world>>
type Given = (string | Record<string, string | boolean>)[]

/** Commands that change rows of one organization, with their arguments. */
const WRITES: Readonly<Record<string, (world: World) => Given>> = {
  'keys create': () => [{ mode: 'live' }],
  'keys revoke': ({ key }) => [key, { children: 'revoke', force: true }],
  'capability create': () => [{ lease: true, ttl: '1h', mode: 'live' }],
  'lease revoke': ({ lease }) => [lease],
  'org set': () => [{ 'role-policy': 'warn', 'check-interval': '3600' }],
  'keyring rotate-org': () => [organization.id],
  'keyring reseal': () => [],
  'org remove': () => [organization.id, { yes: true }],
}
/** Commands that change rows of many organizations. */
const OF_ALL = ['keyring rotate-master', 'keyring rotate-signing']
/** Commands that change no copied row, each with its reason. */
const OTHERS: Readonly<Record<string, string>> = {
  status: 'reads',
  'keys list': 'reads',
  'datasources list': 'reads',
  'lease list': 'reads',
  'lease-key show': 'reads a keyring',
  'role-sql': 'prints',
  'org create': 'of an organization that was not there',
  'org move': 'is what moves it',
  migrate: 'of the schema: a move is refused between two releases',
  'db grant': 'of roles',
  'db restored': 'ends the epochs that a move under way has copied: it is run again, as below',
  'keyring init': 'writes files',
  'keyring upgrade': 'writes files',
  'keyring rotate-pepper': 'writes files',
  'keyring rotate-fingerprint': 'writes files',
  'keyring rotate-lease': 'writes files',
  'keyring retire': 'writes files',
}

describe('While an organization moves', () => {
  it('every command is covered', () => {
    const asked = [...Object.keys(WRITES), ...OF_ALL, ...Object.keys(OTHERS)]
    expect(commands.map(({ words }) => words.join(' ')).toSorted()).toEqual(asked.toSorted())
  })

  it.each(Object.keys(WRITES))('%s that was admitted earlier writes nothing, and reports that', async name => {
    const given = WRITES[name]?.(await world()) ?? []
    const before = await copiedRows(mooring.databaseUrl, organization.id)
    const refused = meanwhile(mooring, {
      holding: tx =>
        tx.selectFrom('organizations').select('id').where('id', '=', organization.id).forUpdate().execute(),
      besides: tx =>
        tx
          .updateTable('organizations')
          .set({ moving_at: new Date(), move_id: newId() })
          .where('id', '=', organization.id)
          .execute(),
      waiting: () =>
        run(...name.split(' '), ...given, { org: organization.id }).then(
          () => 'done',
          (error: Error) => error.message,
        ),
    })
    expect(await refused).toMatch(/being moved to another installation.*nothing was changed/)
    expect(await copiedRows(mooring.databaseUrl, organization.id)).toEqual(before)
    await lift()
  })

  it.each(OF_ALL)('%s skips it, handles the others, and is completed by another run', async name => {
    await world()
    const words = name.split(' ')
    const signed = async () => {
      const before = await copiedRows(mooring.databaseUrl, organization.id)
      return { keys: before['organization_keys'], grants: before['lease_grants'] }
    }
    const others = () =>
      sql(`select id, master_key_id, signer_id from organization_keys where org_id <> '${organization.id}' order by id`)
    const [before, othersBefore] = [await signed(), await others()]
    expect((await run(...words)).complained).toContain('Announced.')
    await raise()
    const used = await run(...words)
    expect([used.status, used.complained]).toEqual([1, expect.stringContaining('1 organization is being moved')])
    expect(await signed()).toEqual(before)
    const othersAfter = await others()
    expect(othersAfter.filter((row, at) => JSON.stringify(row) === JSON.stringify(othersBefore[at]))).toEqual([])
    // A repeat during the move: no further key is announced.
    expect((await run(...words)).status).toBe(1)
    await lift()
    expect((await run(...words)).status).toBe(0)
    const after = await signed()
    expect(after.keys).not.toEqual(before.keys)
    if (name === 'keyring rotate-signing') expect(after.grants).not.toEqual(before.grants)
  })

  it('a request to reseal everything skips it, and reports that', async () => {
    await world()
    await run('keyring', 'rotate-fingerprint')
    await run('keyring', 'rotate-fingerprint')
    await sql(`delete from credentials where org_id <> '${organization.id}'`)
    await raise()
    const before = await copiedRows(mooring.databaseUrl, organization.id)
    const asked = await run('keyring', 'reseal')
    expect([asked.status, asked.complained]).toEqual([1, expect.stringContaining('1 organization is being moved')])
    expect(await sql(`select id from tasks where org_id = '${organization.id}' and kind = 'reseal'`)).toEqual([])
    expect(await copiedRows(mooring.databaseUrl, organization.id)).toEqual(before)
    await lift()
  })
})

it('a move during which all epochs end is repeated, and copies the new one', async () => {
  await mooring.call('POST', '/v1/datasources', {
    key: organization.testKey,
    body: { connectionString: 'postgresql://app:pw@127.0.0.1:9/shop' },
  })
  const epoch = await epochOf(mooring.db, organization.id)
  const moveId = newId()
  await fence(`moving_at = now(), frozen_at = now(), move_id = '${moveId}'`)
  await run('db', 'restored')
  const at = new Date()
  const about = { action: 'organization.moved', objectKind: 'organization', objectId: organization.id, outcome: 'ok' }
  const event = { id: newId(), actor: OPERATOR, ...about, at }
  const leaving = (epoch: string | null) => leave(mooring.db, { org: organization.id, moveId, epoch, event })
  await expect(leaving(epoch)).rejects.toThrow(/run this again/)
  const moved = () => sql(`select id from organizations where id = '${organization.id}' and moved_at is not null`)
  expect(await moved()).toEqual([])
  await leaving(await epochOf(mooring.db, organization.id))
  expect(await moved()).toHaveLength(1)
})

it('a command’s acknowledged writes from before the fence are at the target', async () => {
  const target = await startMooring({ worker: false, keyrings: mooring.config.keyring ?? '' })
  const moved = moveOrganization(mooring, target, organization.id)
  const keys: string[] = []
  const create = () => run('keys', 'create', { mode: 'test', org: organization.id }).then(({ printed }) => printed[0])
  let refusal = ''
  while (refusal === '')
    await create().then(
      key => void keys.push(key ?? ''),
      (error: Error) => {
        refusal = error.message
      },
    )
  expect(refusal).toMatch(/being moved/)
  expect([(await moved).code, keys.length > 0]).toEqual([0, true])
  for (const key of keys) expect((await target.call('GET', '/v1/datasources', { key })).status).toBe(200)
  await target.stop()
})
