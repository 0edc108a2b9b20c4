/**
 * The migration that partitions tables in use: every row stays, writers continue, no session queues behind a lock that
 * the migration does not get, and a datasource keeps the verdict that only its verification had before that row is
 * deleted.
 */
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { newId } from '#server/domain/access/ids.ts'
import { openDb } from '#server/store/database/db.ts'
import { listDatasources } from '#server/store/datasources/datasource-list.ts'
import * as datasources from '#server/store/datasources/datasources.ts'
import * as verdicts from '#server/store/datasources/verdicts.ts'
import { migrate, migrationNames } from '#server/store/installation/migrate.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { migrateBefore } from '#test/support/database/former-schema.ts'
import { databaseUrl, query } from '#test/support/database/postgres.ts'
import { purgeLater } from '#test/support/operations/forgetting.ts'

const admin = inject('registryUrl')
const name = `before_${newId().replaceAll('-', '')}`
const role = `tier_${name}`
const url = databaseUrl(admin, name)
const [org, key, displayed, paused] = [newId(), newId(), newId(), newId()]
const sql = (text: string) => query(url, text)
const count = async (from: string) => Number((await sql(`select count(*) as n from ${from}`))[0]?.['n'])

let db: Db
/** The number of migrations of the previous release. */
let before: number
/** The previous release's state: its migrations, and rows of each table that it writes by name. */
beforeAll(async () => {
  await query(admin, `create database ${name}`)
  await query(admin, `create role ${role} login password '${role}'`)
  before = await migrateBefore(url, 'latest_verdicts')
  await sql(`
    insert into organizations (id, name, created_at) values ('${org}', 'Old', now());
    grant select, insert, delete on verifications to ${role};
    grant select on audit_events to ${role};
    grant insert (org_id, id, at, principal_kind, action, outcome) on audit_events to ${role};
    insert into organization_keys (org_id, id, public_key, secret, master_key_id, signer_id, signature, created_at)
      values ('${org}', '${key}', decode(repeat('00', 32), 'hex'), '\\x00', 'm', 's', decode(repeat('00', 64), 'hex'), now());`)
  for (const id of [displayed, paused])
    await sql(`insert into datasources (org_id, id, kind, mode, endpoint, created_at, status)
      values ('${org}', '${id}', 'endpoint', 'test', 'https://example.com/', now(), 'rejected')`)
  for (let at = 0; at < 50; at += 1) await sql(verified(displayed, newId()) + recorded(newId()))
  // A row that none of our processes wrote, beyond every month.
  await sql(
    verified(displayed, 'ffffffff-ffff-4fff-bfff-ffffffffffff') + recorded('ffffffff-ffff-4fff-bfff-ffffffffffff'),
  )
  await sql(`update datasources set verification_id = (
    select id from verifications v where v.datasource_id = datasources.id order by at desc, id desc limit 1)`)
  const last = newId()
  await sql(
    `${verified(paused, last, '1 year')} update datasources set verification_id = '${last}' where id = '${paused}'`,
  )
  db = openDb({ url, size: 1, onError: () => undefined })
})
afterAll(async () => {
  await db.destroy()
  await query(admin, `drop database ${name} with (force)`)
  await query(admin, `drop role ${role}`)
})

const CHECKS = '[{"item":"reachable","outcome":"pass"}]'
const verified = (id: string, verification: string, ago = '0 s') => `
  insert into verifications (org_id, id, datasource_id, version, outcome, reason, checks, advisories, took_ms, at)
  values ('${org}', '${verification}', '${id}', 1, 'refused', 'privilege', '${CHECKS}', '[]', 1, now() - interval '${ago}');`
const recorded = (id: string) => `
  insert into audit_events (org_id, id, at, principal_kind, action, outcome)
  values ('${org}', '${id}', now(), 'operator', 'test', 'ok');`

describe('The migration of tables in use', () => {
  it('gives up a lock that it does not get, so that nobody queues behind it, and retries until it is done', async () => {
    const [reader, writer] = [new pg.Client({ connectionString: url }), new pg.Client({ connectionString: url })]
    await Promise.all([reader.connect(), writer.connect()])
    let isDone = false
    let written = 52
    try {
      await reader.query('begin; select from audit_events')
      const migrated = migrate(url).finally(() => {
        isDone = true
      })
      const waits = `select count(*)::int as n from pg_locks where not granted and database = (
        select oid from pg_database where datname = current_database())`
      // It waits, gives up and waits again, while the reader continues.
      for (let seen = 0, wasWaiting = false; seen < 3; ) {
        const isWaiting = Number((await sql(waits))[0]?.['n']) > 0
        if (isWaiting && !wasWaiting) seen += 1
        wasWaiting = isWaiting
      }
      await writer.query(verified(displayed, newId()) + recorded(newId()))
      written += 1
      expect(isDone).toBe(false)
      await reader.query('commit')
      // By statements that are prepared once, as in the processes of the previous release.
      const insert = {
        name: 'verified',
        text: `insert into verifications (org_id, id, datasource_id, version, outcome, checks, advisories, took_ms, at)
          values ($1, $2, $3, 1, 'refused', '[]', '[]', 1, now())`,
      }
      for (; !isDone; written += 1) {
        await writer.query({ ...insert, values: [org, newId(), displayed] })
        await writer.query(recorded(newId()))
      }
      expect(await migrated).toEqual((await migrationNames()).slice(before))
      await writer.query({ ...insert, values: [org, newId(), displayed] })
      await writer.query(recorded(newId()))
      written += 1
    } finally {
      await Promise.all([reader.end(), writer.end()])
    }
    expect([await count('verifications'), await count('audit_events')]).toEqual([written, written - 1])
  })

  it('keeps the existing rows as one partition up to a future month, and the rows without a valid time beyond it', async () => {
    for (const table of ['verifications', 'audit_events']) {
      expect(await count(`only ${table}_default`)).toBe(1)
      expect(await count(`only ${table}_before`)).toBeGreaterThan(50)
      const [bound] = await sql(
        `select pg_get_expr(relpartbound, oid) as text from pg_class where relname = '${table}_before'`,
      )
      expect(bound?.['text']).toMatch(/^FOR VALUES FROM \(MINVALUE\) TO \('0[0-9a-f-]{13}0000-0000-000000000000'\)$/)
    }
    // Beyond it, and three months ahead of now, a worker makes months as in any installation.
    await purgeLater(db, 0)
    const [last] = await sql(`select count(*)::int as n from pg_inherits where inhparent = 'verifications'::regclass`)
    expect(last?.['n']).toBe(4)
  })

  it('moves privileges to the tables, and leaves none on the tables that are now partitions', async () => {
    const asRole = (text: string) => {
      const as = new URL(url)
      as.username = role
      as.password = role
      return query(as.href, text).catch((error: pg.DatabaseError) => error.code)
    }
    expect(await asRole('select from verifications limit 0')).toEqual([])
    expect(await asRole('delete from verifications where false')).toEqual([])
    expect(await asRole(recorded(newId()))).toEqual([])
    expect(await asRole('insert into audit_events (org_id, id, address) select null, null, null where false')).toBe(
      '42501',
    )
    expect(await asRole('select make_month()')).toEqual([{ make_month: false }])
    for (const table of ['verifications_before', 'audit_events_before', 'audit_events_default'])
      expect(await asRole(`select from ${table}`)).toBe('42501')
  })

  it('shows the verdict of a verification until that is too old, and then the datasource’s equal one', async () => {
    const found = await datasources.find(db, org, { id: paused })
    expect(found).toMatchObject({ checks: JSON.parse(CHECKS), advisories: [] })
    const last = await verdicts.last(db, org, { datasourceId: paused, version: 1 })
    await purgeLater(db, 0)
    expect(await count(`verifications where datasource_id = '${paused}'`)).toBe(0)
    expect(await datasources.find(db, org, { id: paused })).toEqual(found)
    expect(await verdicts.last(db, org, { datasourceId: paused, version: 1 })).toEqual(last)
    expect((await listDatasources(db, org, { limit: null })).map(one => one.checks)).toEqual([
      JSON.parse(CHECKS),
      JSON.parse(CHECKS),
    ])
  })
})
