/**
 * The number of old rows in a batch follows the time that a batch takes, and no batch holds its locks for long.
 * `test/operations/retention.test.ts` covers the whole of retention.
 */
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openDb } from '#server/store/database/db.ts'
import { BATCH, BatchTooLarge, batch, limited, SMALLEST_BATCH } from '#server/store/installation/batches.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { BatchSize } from '#server/work/retention.ts'
import { type FreshDatabase, freshDatabase } from '#test/support/database/database.ts'
import { query } from '#test/support/database/postgres.ts'

let database: FreshDatabase
let db: Db
beforeAll(async () => {
  database = await freshDatabase()
  db = openDb({ url: database.url, size: 1, onError: () => undefined })
})
afterAll(async () => {
  await db.destroy()
  await database.drop()
})

it('A batch that takes long is followed by half as many rows, a short one by twice as many, within bounds', () => {
  const size = new BatchSize()
  const first = size.rows
  size.took(51)
  expect(size.rows).toBe(first / 2)
  for (let time = 0; time < 20; time += 1) size.took(1_000)
  expect(size.rows).toBe(SMALLEST_BATCH)
  size.took(40)
  expect(size.rows).toBe(SMALLEST_BATCH)
  for (let time = 0; time < 20; time += 1) size.took(1)
  expect(size.rows).toBe(BATCH)
})

it('A batch that would hold its locks for long is aborted, and nothing of it is done', async () => {
  await query(database.url, `insert into dial_budgets (key, used, resets_at) values ('slow', 1, now())`)
  const slow = sql`delete from dial_budgets where key in (select key from dial_budgets ${limited(8)}) and pg_sleep(60) is not null`
  await expect(batch(db, 16, slow)).rejects.toThrow(BatchTooLarge)
  expect(await query(database.url, 'select key from dial_budgets')).toEqual([{ key: 'slow' }])
  expect(await batch(db, 8, sql`delete from dial_budgets`)).toBe(false)
  expect(await query(database.url, 'select key from dial_budgets')).toEqual([])
})

it('The smallest batch takes the time that it needs, so that inherently slow rows are deleted as well', async () => {
  await query(database.url, `insert into dial_budgets (key, used, resets_at) values ('slow', 1, now())`)
  const slow = sql`delete from dial_budgets where pg_sleep(0.2) is not null`
  expect(await batch(db, SMALLEST_BATCH, slow)).toBe(false)
  expect(await query(database.url, 'select key from dial_budgets')).toEqual([])
})
