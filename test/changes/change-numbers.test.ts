/**
 * The numbers of changes: dense in an organization, in commit order, and never delivered in part silently. No worker
 * runs, so that only the test writes.
 */
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { MAX_REPLAYED } from '#server/api/changes/replay.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import { capability } from '#test/support/access/actors.ts'
import { appendSql } from '#test/support/changes/changes.ts'
import { type EventStream, type Subscription, watchDatasources } from '#test/support/changes/event-stream.ts'
import { freshDatabase } from '#test/support/database/database.ts'
import { query } from '#test/support/database/postgres.ts'
import { bareUuid } from '#test/support/http/surfaces.ts'
import { type Mooring, startMooring, type TestOrganization } from '#test/support/mooring/mooring.ts'
import { purgeLater, RETENTION } from '#test/support/operations/forgetting.ts'
import { openWay } from '#test/support/operations/way.ts'

let mooring: Mooring
let organization: TestOrganization
let id: DatasourceId
beforeAll(async () => {
  mooring = await startMooring({ worker: false })
})
beforeEach(async () => {
  organization = await mooring.newOrganization('Counting')
  id = await registered()
})
afterAll(async () => {
  await mooring.stop()
})

const sql = (text: string) => query(mooring.databaseUrl, text)
const watch = (subscription: Partial<Subscription> = {}) =>
  watchDatasources({ url: mooring.url, key: organization.testKey, ...subscription })
const appended = (count = 1, datasourceId = id) =>
  appendSql({ organizationId: organization.id, datasourceId: bareUuid(datasourceId), count })

/** Appends changes, and notifies as a process does, so that a test need not wait for the poll. */
const append = async (...place: Parameters<typeof appended>) =>
  void (await sql(`${appended(...place)}; notify mooring_news`))

async function registered(): Promise<DatasourceId> {
  const { datasources } = mooring.client(organization.testKey)
  const connectionString = 'postgresql://reader:secret@127.0.0.1:1/shop'
  return (await datasources.register.mutate({ connectionString })).id
}

const rename = (name: string) => mooring.client(organization.testKey).datasources.update.mutate({ id, name })

/** Moves the head without changes below it, as if as many had been delivered and deleted. */
async function moveHead(last: number): Promise<void> {
  await sql(`delete from changes where org_id = '${organization.id}'`)
  await sql(`update change_heads set last = ${last} where org_id = '${organization.id}'`)
}

async function head(): Promise<{ epoch: string; last: number }> {
  const [row] = await sql(`select epoch, last from change_heads where org_id = '${organization.id}'`)
  return { epoch: String(row?.['epoch']), last: Number(row?.['last']) }
}

const numbers = (stream: EventStream) => stream.messages.map(message => Number(message.id.split('-')[1]))
const changes = (stream: EventStream) => stream.messages.map(({ text }): string => JSON.parse(text).change)
const upTo = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at)

/** The number of sessions that wait for another's lock. */
async function waiting(): Promise<number> {
  const rows = await sql(`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)
  return rows.length
}

describe('A subscriber across a power of ten', () => {
  it.each([10_000, 100_000])('of %i misses nothing live or on a resume, while commits are held back', async power => {
    await moveHead(power - 5)
    const { epoch } = await head()
    const live = await watch()
    await append()
    await live.count(1)
    // One writer holds its number back, and the others queue behind it: no later one is delivered first.
    const late = new pg.Client({ connectionString: mooring.databaseUrl })
    await late.connect()
    await late.query(`begin; ${appended(2)}`)
    const renamed = [rename('one'), rename('two'), rename('three')]
    while ((await waiting()) < renamed.length);
    expect(numbers(live)).toEqual([power - 4])
    await late.query('commit')
    await late.end()
    await Promise.all(renamed)
    await append(3)
    await live.count(9)
    expect(numbers(live)).toEqual(upTo(power - 4, power + 4))
    // From each position, including those of the first deliveries.
    for (const from of upTo(power - 5, power + 3)) {
      const stream = await watch({ lastEventId: `${epoch}-${from}` })
      await stream.count(power + 4 - from)
      expect(numbers(stream)).toEqual(upTo(from + 1, power + 4))
      await stream.close()
    }
    await live.close()
  })
})

describe('A reset', () => {
  const places: [string, (place: { epoch: string; last: number }) => string][] = [
    ['from a place of a former release', ({ last }) => `977-${last}`],
    ['from a place beyond what that release could count', () => `${2n ** 64n}-1`],
    ['from another epoch', ({ epoch, last }) => `${Number(epoch) + 1}-${last}`],
    ['from the same epoch, spelled otherwise', ({ epoch, last }) => `0${epoch}-${last}`],
    ['from a number that was never given', ({ epoch, last }) => `${epoch}-${last + 1}`],
    ['from before what is kept', ({ epoch }) => `${epoch}-1`],
  ]
  it.each(places)('reaches a subscriber %s, and later changes follow it', async (_what, place) => {
    await append(4)
    await sql(`delete from changes where org_id = '${organization.id}' and n <= 2`)
    const at = await head()
    const stream = await watch({ lastEventId: place(at) })
    await stream.count(1)
    expect(stream.messages.map(({ id: eventId, text }) => [eventId, JSON.parse(text)])).toEqual([
      [`${at.epoch}-${at.last}`, { change: 'reset' }],
    ])
    await append()
    await stream.count(2)
    expect(numbers(stream)).toEqual([at.last, at.last + 1])
    await stream.close()
  })

  it('reaches a subscriber that missed the removal of a datasource whose rows are deleted, however recent its changes are', async () => {
    const gone = await registered()
    await append(2)
    const before = await head()
    await mooring.client(organization.testKey).datasources.remove.mutate({ id: gone })
    const removed = await head()
    await append(2)
    const retention = { ...RETENTION, changesMs: 2 * RETENTION.removedMs }
    await purgeLater(mooring.db, RETENTION.removedMs + 60_000, { retention })
    const rows = await sql(`select n::int from changes where org_id = '${organization.id}' order by n`)
    expect(rows.map(row => row['n'])).toEqual([removed.last + 1, removed.last + 2])
    const [unaware, aware] = await Promise.all(
      [before.last, removed.last].map(n => watch({ lastEventId: `${before.epoch}-${n}` })),
    )
    await Promise.all([unaware?.count(1), aware?.count(2)])
    expect([unaware, aware].map(stream => stream && changes(stream))).toEqual([['reset'], ['drifted', 'drifted']])
    for (const stream of [unaware, aware]) await stream?.close()
  })

  it('is not sent for the last position before the stored changes, nor for the head', async () => {
    await append(4)
    await sql(`delete from changes where org_id = '${organization.id}' and n <= 2`)
    const { epoch, last } = await head()
    const [before, at] = await Promise.all([2, last].map(n => watch({ lastEventId: `${epoch}-${n}` })))
    await append()
    await Promise.all([before?.count(4), at?.count(1)])
    expect([before, at].map(stream => stream && numbers(stream))).toEqual([upTo(3, last + 1), [last + 1]])
    for (const stream of [before, at]) await stream?.close()
  })

  it('reaches connected subscribers when the epoch ends', async () => {
    const [all, one] = [await watch(), await watch({ input: { id } })]
    await append()
    await Promise.all([all.count(1), one.count(1)])
    await sql(
      `update change_heads set epoch = epoch + 7, last = 1 where org_id = '${organization.id}'; notify mooring_news`,
    )
    await Promise.all([all.count(2), one.count(2)])
    await sql(`delete from changes where org_id = '${organization.id}' and n = 2`)
    await append()
    await Promise.all([all.count(3), one.count(3)])
    for (const stream of [all, one]) {
      expect(changes(stream)).toEqual(['drifted', 'reset', 'drifted'])
      expect(numbers(stream)).toEqual([2, 1, 2])
      await stream.close()
    }
  })
})

describe('A subscriber limited to one datasource', () => {
  it('receives its missed changes, however many the other datasources have', async () => {
    organization = mooring.organization
    const [one, two] = [await registered(), await registered()]
    const { epoch, last } = await head()
    await append(1, two)
    await append(MAX_REPLAYED + 100, one)
    await append(1, two)
    const lastEventId = `${epoch}-${last}`
    const key = await capability(mooring, { scopes: ['datasources.read'], datasourceIds: [two] })
    const [restricted, filtered] = [await watch({ key, lastEventId }), await watch({ input: { id: two }, lastEventId })]
    for (const stream of [restricted, filtered]) {
      await stream.count(2)
      expect(numbers(stream)).toEqual([last + 1, last + MAX_REPLAYED + 102])
      expect(changes(stream)).toEqual(['drifted', 'drifted'])
      await stream.close()
    }
  })
})

describe('A transaction that stays open in our database', () => {
  it('silences nobody: neither strangers nor a writer of another organization that holds its head', async () => {
    const other = await mooring.newOrganization('Slow')
    const stranger = new pg.Client({ connectionString: mooring.databaseUrl })
    const holder = new pg.Client({ connectionString: mooring.databaseUrl })
    for (const client of [stranger, holder]) await client.connect()
    await stranger.query('begin isolation level repeatable read; select pg_current_xact_id()')
    const theirs = appendSql({ organizationId: other.id, datasourceId: bareUuid(id), count: 1 })
    await holder.query(`begin; ${theirs.split('insert into changes')[0]} select last from head`)
    const stream = await watch()
    await rename('meanwhile')
    await stream.count(1)
    expect(changes(stream)).toEqual(['updated'])
    await stream.close()
    for (const client of [stranger, holder]) await client.end()
  })
})

describe('A reader whose connections have died silently', () => {
  it('continues over others: each reading has 2 s, and it does not wait for idle ones', async () => {
    const database = await freshDatabase()
    const way = await openWay(database.url)
    const far = await startMooring({ databaseUrl: way.url, worker: false })
    const { testKey: key, id: organizationId } = far.organization
    const { datasources } = far.client(key)
    const connectionString = 'postgresql://reader:secret@127.0.0.1:1/shop'
    const made = await datasources.register.mutate({ connectionString })
    const stream = await watchDatasources({ url: far.url, key })
    // As many connections as the pool has are idle afterwards, and the wakes have one of their own.
    await Promise.all(Array.from({ length: 30 }, () => datasources.list.query({})))
    const missed = appendSql({ organizationId, datasourceId: bareUuid(made.id) })
    way.silenceOpen()
    const silentAt = performance.now()
    await query(database.url, missed)
    await stream.count(1)
    // Two seconds by specification, and a new connection; with the deadline of all other statements it would be
    // sixteen.
    expect(performance.now() - silentAt).toBeLessThan(10_000)
    await stream.close()
    await far.stop()
    way.close()
    await database.drop()
  })
})

describe('A change written by a process of the last release', () => {
  const former = (count: number, xid = 'pg_current_xact_id()') =>
    sql(`insert into changes (org_id, datasource_id, change, at, xid)
      select '${organization.id}', '${bareUuid(id)}', 'introspected', now(), ${xid} from generate_series(1, ${count})`)

  it('is numbered after the existing ones, in its order, and delivered to subscribers; later subscribers do not get it as new', async () => {
    await former(3)
    const { last } = await head()
    const stream = await watch()
    expect((await head()).last).toBe(last + 3)
    await former(1)
    await append()
    await former(600)
    await stream.count(602)
    expect(numbers(stream)).toEqual(upTo(last + 4, last + 605))
    expect(changes(stream).filter(change => change === 'drifted')).toHaveLength(1)
    await stream.close()
  })

  it('is numbered by transaction as a number, not as text', async () => {
    await former(1, `'1001'`)
    await former(1, `'977'`)
    await (await watch()).close()
    const rows = await sql(
      `select xid::text as xid from changes where org_id = '${organization.id}' and n > 1 order by n`,
    )
    expect(rows).toEqual([{ xid: '977' }, { xid: '1001' }])
  })
})
