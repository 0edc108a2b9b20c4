/**
 * One organization has most of the rows, and two hundred others a hundredth: a page reads only its own rows, with
 * PostgreSQL's plan for any organization.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { newId } from '#server/domain/access/ids.ts'
import { listDatasources } from '#server/store/datasources/datasource-list.ts'
import * as datasources from '#server/store/datasources/datasources.ts'
import { findByIdentity } from '#server/store/datasources/natural-keys.ts'
import * as feedEvents from '#server/store/feeds/feed-events.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { type FreshDatabase, freshDatabase } from '#test/support/database/database.ts'
import { rowsRead, statementsOf } from '#test/support/database/plans.ts'
import { query } from '#test/support/database/postgres.ts'

const ROWS = 10_000
const PAGE = 100
/** A row of the datasource, one of its credential, and one more that shows whether another page exists. */
const BOUND = 3 * PAGE

const LARGE = newId()
let database: FreshDatabase
beforeAll(async () => {
  database = await freshDatabase()
  await query(database.url, ROWS_OF_ALL)
  await query(database.url, 'analyze')
})
afterAll(() => database.drop())

/** Endpoints with a feed each, and three credentials each, two of them retired. Turns off foreign-key triggers. */
const ROWS_OF_ALL = `
  set session_replication_role = replica;
  create temp table made as
    select case when n % 100 = 0 then gen_random_uuid() else '${LARGE}'::uuid end as org_id, gen_random_uuid() as id
    from generate_series(1, ${ROWS}) as n;
  insert into datasources (org_id, id, kind, mode, endpoint, status, created_at)
    select org_id, id, 'endpoint', 'live', 'https://acme.example/sync', 'active', now() from made;
  insert into credentials (org_id, datasource_id, version, state, key_id, sealed, signer_id, signature, created_at)
    select org_id, id, version, case version when 3 then 'current' else 'retired' end, id,
      case version when 3 then '\\x00'::bytea end, 'signer', case version when 3 then '\\x00'::bytea end, now()
    from made, generate_series(1, 3) as version;
  insert into feeds (org_id, datasource_id, interval_ms) select org_id, id, 60000 from made;
  create table asked as select org_id, id from made limit ${PAGE}`

async function readFor(work: (db: Db) => Promise<unknown>): Promise<number> {
  const [statement, ...others] = await statementsOf(work)
  if (statement === undefined || others.length > 0) throw new Error('one statement is measured')
  return rowsRead(database.url, statement)
}

it('A page of a list reads only its own rows', async () => {
  const first = await readFor(db => listDatasources(db, LARGE, { limit: PAGE }))
  expect(first).toBeGreaterThanOrEqual(PAGE)
  expect(first).toBeLessThanOrEqual(BOUND)
  const middle = 'ffffffff-0000-4000-8000-000000000000'
  expect(await readFor(db => listDatasources(db, LARGE, { limit: PAGE, olderThan: middle }))).toBeLessThanOrEqual(BOUND)
  const low = '00000000-0000-4000-8000-000000000000'
  expect(await readFor(db => listDatasources(db, LARGE, { limit: PAGE, newerThan: low }))).toBeLessThanOrEqual(BOUND)
})

it('A page of changed or inactive datasources reads only its own rows, however few or many there are', async () => {
  await query(
    database.url,
    `update datasources set updated_at = now() + interval '1 hour', status = 'rejected'
     where id in (select id from datasources where org_id = '${LARGE}' order by md5(id::text) limit 5)`,
  )
  const few = new Date(Date.now() + 60_000)
  const many = new Date(0)
  const [{ id } = {}] = await query(
    database.url,
    `select id from datasources where org_id = '${LARGE}' and status = 'active' limit 1`,
  )
  const at = String(id)
  expect(await readFor(db => listDatasources(db, LARGE, { limit: PAGE, updatedSince: few }))).toBeLessThanOrEqual(BOUND)
  expect(await readFor(db => listDatasources(db, LARGE, { limit: PAGE, status: 'rejected' }))).toBeLessThanOrEqual(
    BOUND,
  )
  for (const place of [{}, { olderThan: at }, { newerThan: at }])
    expect(
      await readFor(db => listDatasources(db, LARGE, { limit: PAGE, updatedSince: many, ...place })),
      JSON.stringify(place),
    ).toBeLessThanOrEqual(BOUND)
})

it('Reading one datasource reads only its row and its credential', async () => {
  const [{ org_id: org, id } = {}] = await query(database.url, 'select org_id, id from asked limit 1')
  expect(await readFor(db => datasources.find(db, String(org), { id: String(id) }))).toBe(2)
})

it('Reading the heads of the watched feeds reads only their rows', async () => {
  const asked = await query(database.url, 'select org_id, id from asked')
  const feeds = asked.map(row => ({ organizationId: String(row['org_id']), datasourceId: String(row['id']) }))
  // The array parameter counts as rows, too.
  expect(await readFor(db => feedEvents.heads(db, feeds))).toBe(2 * PAGE)
})

it('A look-up by natural key reads its own row, even before a new installation is analyzed', async () => {
  await query(database.url, `update datasources set identity = id::text where org_id = '${LARGE}'`)
  await query(database.url, "delete from pg_statistic where starelid = 'datasources'::regclass")
  const [one] = await query(database.url, `select identity from datasources where org_id = '${LARGE}' limit 1`)
  const read = await readFor(db => findByIdentity(db, LARGE, String(one?.['identity'])))
  expect(read).toBeLessThanOrEqual(2)
})
