/**
 * The server ended a connection while one of our transactions was between two statements, and the process ended with
 * it: the pool handles errors of idle connections alone.
 */
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { openDb, transaction } from '#server/store/database/db.ts'
import { freshDatabase } from '#test/support/database/database.ts'
import { query } from '#test/support/database/postgres.ts'

it('A connection that is lost in the middle of a transaction fails that transaction alone', async () => {
  const database = await freshDatabase()
  const { promise: lost, resolve } = Promise.withResolvers<Error>()
  const db = openDb({ url: database.url, size: 1, onError: resolve })
  const failed = transaction(db, async tx => {
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx)
    await query(database.url, `select pg_terminate_backend(${rows[0]?.pid})`)
    expect((await lost).message).toBe('terminating connection due to administrator command')
    await sql`select 1`.execute(tx)
  })
  await expect(failed).rejects.toThrow('not queryable')
  expect((await sql`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }])
  await db.destroy()
  await database.drop()
})
