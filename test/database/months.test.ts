/**
 * Months as partitions of `verifications` and `audit_events`: made in advance, and dropped past their time, never
 * before 30 days, by the worker's role alone, in calls that wait for no lock; and the default partition, which takes
 * the rows without a month.
 */
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { newId } from '#server/domain/access/ids.ts'
import { DAY_MS } from '#server/domain/tasks/retention-settings.ts'
import { openDb } from '#server/store/database/db.ts'
import type { Tier } from '#server/store/installation/grants.ts'
import * as months from '#server/store/installation/months.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { query } from '#test/support/database/postgres.ts'
import { makeTiers, type Tiers } from '#test/support/mooring/tiers.ts'
import { purgeLater, RETENTION } from '#test/support/operations/forgetting.ts'

let tiers: Tiers
let worker: Db
beforeAll(async () => {
  tiers = await makeTiers()
  worker = openDb({ url: tiers.roleUrl.worker, size: 1, onError: () => undefined })
})
afterAll(async () => {
  await worker.destroy()
  await tiers.stop()
})

const sql = (text: string) => query(tiers.databaseUrl, text)
const asRole = (tier: Tier, text: string) =>
  query(tiers.roleUrl[tier], text).catch((error: pg.DatabaseError) => error.code)

const TABLES = ['verifications', 'audit_events'] as const
const DENIED = '42501'
const INVALID = '22023'
const LOCKED = '55P03'

/** The first of a month in UTC, this many months from now. */
function monthStart(ahead: number): Date {
  const now = new Date()
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead, 1))
}

const nameOf = (table: string, ahead: number) =>
  `${table}_${monthStart(ahead).toISOString().slice(0, 7).replace('-', '_')}`

/** An id of a given moment, as `newId` makes it then. */
function idAt(at: Date): string {
  const stamp = at.getTime().toString(16).padStart(12, '0')
  return `${stamp.slice(0, 8)}-${stamp.slice(8)}${newId().slice(13)}`
}

async function partitions(table: string): Promise<unknown[]> {
  const rows = await sql(`
    select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = '${table}'::regclass order by 1`)
  return rows.map(row => row['name'])
}

/** Adds a past month, as in an installation that has run for so long. */
async function addMonth(table: string, ahead: number): Promise<void> {
  await sql(`
    create table ${nameOf(table, ahead)} partition of ${table}
    for values from ('${idAt(monthStart(ahead)).slice(0, 13)}-0000-0000-000000000000')
      to ('${idAt(monthStart(ahead + 1)).slice(0, 13)}-0000-0000-000000000000')`)
}

async function record(at: Date, action: string): Promise<void> {
  await sql(`
    insert into audit_events (org_id, id, at, principal_kind, action, outcome)
    values ('${tiers.organization.id}', '${idAt(at)}', '${at.toISOString()}', 'operator', '${action}', 'ok')`)
}

const recorded = async () => {
  const rows = await sql(`select action from audit_events where action like 'test.%' order by action`)
  return rows.map(row => row['action'])
}

async function all(step: () => Promise<boolean>): Promise<number> {
  let steps = 0
  while (await step()) steps += 1
  return steps
}

beforeEach(async () => {
  await all(() => months.make(worker))
})

describe('Months', () => {
  it('exist three ahead, with the current and the previous one, and a default partition', async () => {
    for (const table of TABLES) {
      const names = [-1, 0, 1, 2, 3].map(ahead => nameOf(table, ahead))
      expect(await partitions(table)).toEqual([...names, `${table}_default`].sort())
    }
    expect(await months.make(worker)).toBe(false)
  })

  it('that are missing are made by the worker, one in a call, each with its table’s constraints and indexes', async () => {
    const shape = () =>
      sql(`
        select c.relname, pg_get_expr(c.relpartbound, c.oid) as bound,
          (select array_agg(pg_get_constraintdef(oid) order by pg_get_constraintdef(oid)) from pg_constraint where conrelid = c.oid) as constraints,
          (select array_agg(indkey::text || indisunique || indoption::text order by indkey::text) from pg_index
            where indrelid = c.oid) as indexes,
          (select array_agg(tgname::text order by tgname) from pg_trigger where tgrelid = c.oid and tgname not like 'RI_%') as triggers
        from pg_class c where c.relispartition and c.relkind = 'r' order by 1`)
    const before = await shape()
    for (const table of TABLES) await sql(`drop table ${nameOf(table, 2)}, ${nameOf(table, 3)}`)
    expect(await all(() => months.make(worker))).toBe(4)
    expect(await shape()).toEqual(before)
  })

  it('have no privileges of their own, whatever their owner’s default privileges are', async () => {
    const [last] = [nameOf('audit_events', 3)]
    await sql(`drop table ${last}; alter default privileges grant all on tables to ${tiers.role.web}, public`)
    try {
      expect(await months.make(worker)).toBe(true)
    } finally {
      await sql(`alter default privileges revoke all on tables from ${tiers.role.web}, public`)
    }
    for (const tier of ['web', 'worker'] as const)
      for (const text of [`select from ${last}`, `delete from ${last}`, `drop table ${last}`])
        expect(await asRole(tier, text)).toBe(DENIED)
  })

  it('are dropped when all of their rows are past the time, and not a day before', async () => {
    for (const ahead of [-14, -13, -5, -4]) await addMonth('audit_events', ahead)
    await record(monthStart(-14), 'test.first-of-the-oldest')
    await record(new Date(monthStart(-12).getTime() - 1), 'test.last-of-the-next')
    await record(monthStart(-5), 'test.five')
    await record(new Date(), 'test.now')
    // The last complete month, exactly past its time, and one day short of it.
    const ended = (Date.now() - monthStart(-12).getTime()) / DAY_MS
    const drop = (keepDays: number) => all(() => months.drop(worker, { table: 'audit_events', keepDays }))
    expect(await drop(Math.floor(ended))).toBe(1)
    expect(await recorded()).toEqual(['test.five', 'test.last-of-the-next', 'test.now'])
    expect(await drop(Math.floor(ended) - 1)).toBe(1)
    expect(await recorded()).toEqual(['test.five', 'test.now'])
    expect(await drop(30)).toBeGreaterThanOrEqual(2)
    expect(await recorded()).toEqual(['test.now'])
    const names = [-1, 0, 1, 2, 3].map(ahead => nameOf('audit_events', ahead))
    expect(await partitions('audit_events')).toEqual(expect.arrayContaining(names.slice(1)))
  })

  it('follow the settings, like everything else under retention: auditMs', async () => {
    await addMonth('audit_events', -16)
    await addMonth('audit_events', -11)
    await record(monthStart(-16), 'test.long-ago')
    await record(monthStart(-11), 'test.young')
    await purgeLater(tiers.db, 0)
    expect(await recorded()).toEqual(['test.now', 'test.young'])
    await purgeLater(tiers.db, 0, { retention: { ...RETENTION, auditMs: 60 * DAY_MS } })
    expect(await recorded()).toEqual(['test.now'])
  })

  it.each([
    ['29 days', `'audit_events', 29`],
    ['0 days', `'verifications', 0`],
    ['days below zero', `'audit_events', -400`],
    ['no days', `'audit_events', null`],
    ['another table', `'organizations', 400`],
    ['a table in quotes', `'audit_events" cascade; drop table "tasks', 400`],
    ['no table', 'null, 400'],
  ])('of %s are not dropped for any caller', async (_what, given) => {
    const before = await Promise.all(TABLES.map(partitions))
    expect(await asRole('worker', `select drop_month(${given})`)).toBe(INVALID)
    await expect(sql(`select drop_month(${given})`)).rejects.toThrow()
    expect(await Promise.all(TABLES.map(partitions))).toEqual(before)
  })

  it('are neither made nor dropped by the web role, nor by one without a grant', async () => {
    await addMonth('audit_events', -20)
    const before = await Promise.all(TABLES.map(partitions))
    for (const call of ['make_month()', `drop_month('audit_events', 400)`, 'uuid_floor(now())'])
      expect(await asRole('web', `select ${call}`)).toBe(DENIED)
    const granted = await sql(`
      select p.proname as name from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x
      where p.proname in ('make_month', 'drop_month', 'uuid_floor', 'overflowing_months') and x.grantee = 0`)
    expect(granted).toEqual([])
    for (const tier of ['web', 'worker'] as const) {
      expect(await asRole(tier, `drop table ${nameOf('audit_events', -20)}`)).toBe(DENIED)
      expect(await asRole(tier, `alter table audit_events detach partition ${nameOf('audit_events', -20)}`)).toBe(
        DENIED,
      )
      for (const change of ['delete from', `update`, 'truncate'])
        for (const table of ['audit_events', 'audit_events_default'])
          expect(await asRole(tier, `${change} ${table}${change === 'update' ? " set outcome = 'ok'" : ''}`)).toBe(
            DENIED,
          )
      expect(await asRole(tier, `delete from ${nameOf('audit_events', -20)}`)).toBe(DENIED)
    }
    expect(await Promise.all(TABLES.map(partitions))).toEqual(before)
  })
})

describe('The default partition', () => {
  it('takes the rows without a month, and both tiers can detect that', async () => {
    const web = openDb({ url: tiers.roleUrl.web, size: 1, onError: () => undefined })
    try {
      expect([await months.overflowing(web), await months.overflowing(worker)]).toEqual([[], []])
      await record(monthStart(7), 'test.far-ahead')
      expect([await months.overflowing(web), await months.overflowing(worker)]).toEqual([
        ['audit_events'],
        ['audit_events'],
      ])
    } finally {
      await web.destroy()
    }
  })

  it('keeps the rows of a month that was not made in time, and blocks no other month', async () => {
    await sql(`drop table ${nameOf('audit_events', 0)}, ${nameOf('audit_events', 2)}`)
    await record(new Date(), 'test.without-a-month')
    expect(await all(() => months.make(worker))).toBe(1)
    expect(await partitions('audit_events')).toContain(nameOf('audit_events', 2))
    expect(await partitions('audit_events')).not.toContain(nameOf('audit_events', 0))
    expect(await recorded()).toContain('test.without-a-month')
  })

  it('loses rows older than the time, by the same call', async () => {
    await sql('delete from audit_events_default')
    await record(monthStart(-30), 'test.old')
    await record(new Date(Date.now() - 399 * DAY_MS), 'test.not-so-old')
    await all(() => months.drop(worker, { table: 'audit_events', keepDays: 400 }))
    expect(await recorded()).toEqual(['test.not-so-old'])
    await sql('delete from audit_events_default')
    expect(await months.overflowing(worker)).toEqual([])
  })
})

describe('A call', () => {
  it('does not wait for a reader of a month: it returns, changes nothing, and blocks no writer', async () => {
    await addMonth('audit_events', -20)
    await sql(`drop table ${nameOf('audit_events', 3)}`)
    const reader = new pg.Client({ connectionString: tiers.databaseUrl })
    await reader.connect()
    try {
      await reader.query('begin')
      await reader.query(`select from audit_events; lock table audit_events_default in share mode`)
      const before = await partitions('audit_events')
      expect(await asRole('worker', `select drop_month('audit_events', 400)`)).toBe(LOCKED)
      expect(await asRole('worker', 'select make_month()')).toBe(LOCKED)
      expect(await partitions('audit_events')).toEqual(before)
      await record(new Date(), 'test.meanwhile')
      // It is left for the next turn, and every other month has its own.
      await purgeLater(tiers.db, 0)
      expect(await partitions('audit_events')).toEqual(before)
      await reader.query('rollback')
    } finally {
      await reader.end()
    }
    expect(await asRole('worker', `select drop_month('audit_events', 400)`)).toEqual([{ drop_month: true }])
  })
})
