/**
 * The command that moves an organization is killed at every step, as a process of its own, and run again: nothing is
 * lost or duplicated, and at no time do both installations accept a write.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { newId } from '#server/domain/access/ids.ts'
import { KEPT_AT_SOURCE } from '#server/store/moves/move-tables.ts'
import { query } from '#test/support/database/postgres.ts'
import { makeCredentials } from '#test/support/keys/many-credentials.ts'
import { type Mooring, startMooring, type TestOrganization } from '#test/support/mooring/mooring.ts'
import { copiedRows, moveOrganization, startMove } from '#test/support/mooring/moves.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

let source: Mooring
let target: Mooring
beforeAll(async () => {
  source = await startMooring({ worker: false })
  target = await startMooring({ worker: false, keyrings: source.config.keyring ?? '' })
})
afterAll(async () => {
  await target.stop()
  await source.stop()
})

/** Enough rows for several batches of one table. */
const COUNT = 600

async function filled(name: string): Promise<TestOrganization> {
  const organization = await source.newOrganization(name)
  const { db, keyring } = source
  await makeCredentials({ db, keyring, organizationId: organization.id }, COUNT)
  await source.call('POST', '/v1/datasources', {
    key: organization.testKey,
    body: { connectionString: 'postgresql://app:pw@127.0.0.1:9/shop' },
  })
  return organization
}

/** Kills the command as soon as it has printed a given text, at whichever step it is by then. */
async function killedAt(organization: TestOrganization, saying: RegExp): Promise<void> {
  const running = startMove(source, target, [organization.id])
  running.child.stderr?.on('data', () => {
    if (saying.test(running.err())) running.child.kill('SIGKILL')
  })
  expect(await running.ended).toBeNull()
}

/** The status of a registration, of another database each time. */
async function writes(mooring: Mooring, { testKey: key }: TestOrganization): Promise<number> {
  const connectionString = `postgresql://app:pw@127.0.0.1:9/${newId()}`
  return (await mooring.call('POST', '/v1/datasources', { key, body: { connectionString } })).status
}

const withoutRecord = ({ audit_events: _, ...rows }: Record<string, string[]>) => rows

describe('A killed move', () => {
  it.each([
    ['after the fence', /Nothing new is written/],
    ['while rows are copied', /rows copied/],
    ['between leaving and arriving', /The organization has left/],
    ['when the secrets are destroyed', /are destroyed/],
  ])('%s is finished by the next run', async (name, saying) => {
    const organization = await filled(name)
    const before = await copiedRows(source.databaseUrl, organization.id)
    await killedAt(organization, saying)
    const statuses = [await writes(source, organization), await writes(target, organization)]
    expect(statuses[0]).not.toBe(201)
    const hasMoved = statuses[1] === 201
    const done = await moveOrganization(source, target, organization.id)
    expect([done.code, done.out]).toEqual([0, []])
    if (!hasMoved)
      expect(withoutRecord(await copiedRows(target.databaseUrl, organization.id))).toEqual(withoutRecord(before))
    const there = (await copiedRows(target.databaseUrl, organization.id))['audit_events'] ?? []
    expect(before['audit_events']?.filter(row => !there.includes(row))).toEqual([])
    expect(there.filter(row => row.includes('organization.arrived'))).toHaveLength(1)
    const left = await copiedRows(source.databaseUrl, organization.id)
    expect(Object.keys(left).filter(table => (left[table]?.length ?? 0) > 0 && !KEPT_AT_SOURCE.has(table))).toEqual([])
    expect([await writes(source, organization), await writes(target, organization)]).toEqual([409, 201])
  })

  it('is abandoned by --cancel: the copy is deleted, and the source continues as before', async () => {
    const organization = await filled('Cancelled')
    const before = await copiedRows(source.databaseUrl, organization.id)
    await killedAt(organization, /rows compared/)
    const done = await moveOrganization(source, target, organization.id, '--cancel')
    expect([done.code, done.err]).toEqual([0, expect.stringContaining('in use here as before')])
    const left = await copiedRows(target.databaseUrl, organization.id)
    expect(Object.values(withoutRecord(left)).flat()).toEqual([])
    expect(withoutRecord(await copiedRows(source.databaseUrl, organization.id))).toEqual(withoutRecord(before))
    expect(await writes(source, organization)).toBe(201)
  })
})

describe('A move is refused', () => {
  const refused = async (organization: TestOrganization, to: Mooring, sentence: RegExp) => {
    const done = await moveOrganization(source, to, organization.id)
    expect([done.code, done.err]).toEqual([1, expect.stringMatching(sentence)])
    expect(await writes(source, organization)).toBe(201)
  }

  it('when the target has another keyring, or none to compare', async () => {
    const organization = await source.newOrganization('Stays')
    const foreign = await startMooring({ worker: false })
    await refused(organization, foreign, /a different keyring/)
    await query(
      foreign.databaseUrl,
      'delete from audit_events; delete from api_keys; delete from organization_keys; delete from organizations',
    )
    await refused(organization, foreign, /no organization with which its keyring/)
    await foreign.stop()
  })

  it('when a process of an earlier release runs at one end', async () => {
    const organization = await source.newOrganization('Waits')
    const id = newId()
    await query(target.databaseUrl, `insert into processes (id, kind, version) values ('${id}', 'worker', '0.2.0')`)
    await refused(organization, target, /earlier release is running at the target/)
    await query(target.databaseUrl, `delete from processes where id = '${id}'`)
  })

  it('when the target is the source, or lacks a migration', async () => {
    const organization = await source.newOrganization('Here')
    await refused(organization, source, /has an organization with this id/)
    await query(
      target.databaseUrl,
      "create table put_aside as select * from kysely_migration where name like '0040%'; delete from kysely_migration where name like '0040%'",
    )
    await refused(organization, target, /lacks migrations/)
    await query(target.databaseUrl, 'insert into kysely_migration select * from put_aside; drop table put_aside')
  })
})
