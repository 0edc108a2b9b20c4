/**
 * The pool's end resolved before that of its connections, and the database that was stopped next broke them: errors in
 * the log of an orderly stop.
 */
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { openDb, transaction } from '#server/store/database/db.ts'
import { freshDatabase } from '#test/support/database/database.ts'

const sockets = () => process.getActiveResourcesInfo().filter(name => name === 'TCPSocketWrap').length

it('A closed database has no connection left that could break', async () => {
  const database = await freshDatabase()
  // Those by which it was made are closed a moment later.
  await expect.poll(sockets).toBe(0)
  const db = openDb({ url: database.url, size: 8, onError: () => undefined })
  const { promise: allBegun, resolve } = Promise.withResolvers<void>()
  let begun = 0
  const held = () =>
    transaction(db, async tx => {
      await sql`select 1`.execute(tx)
      begun += 1
      if (begun === 8) resolve()
      await allBegun
    })
  await Promise.all(Array.from({ length: 8 }, held))
  expect(sockets()).toBe(8)
  await db.destroy()
  expect(sockets()).toBe(0)
  await database.drop()
})
