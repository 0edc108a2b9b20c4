/** Our own database goes away in every possible way: each statement ends, and the service recovers by itself. */
import { sql } from 'kysely'
import { afterEach, describe, expect, inject, it, vi } from 'vitest'
import { isAway, NoConnection, OrganizationBusy, OutcomeUnknown } from '#server/store/connection/availability.ts'
import { CLIENT_DEADLINE_MS } from '#server/store/connection/deadlines.ts'
import { createStatementNames } from '#server/store/connection/prepared.ts'
import { handedOut } from '#server/store/connection/session-check.ts'
import { forOrganization, withDeadline } from '#server/store/connection/statement.ts'
import { openDb, transaction } from '#server/store/database/db.ts'
import { Notifications } from '#server/store/database/notifications.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { query } from '#test/support/database/postgres.ts'
import { openWay } from '#test/support/operations/way.ts'

const open: (() => unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

function database(url = inject('adminUrl'), size = 2): Db {
  const db = openDb({ url, size, onError: () => undefined })
  open.push(() => db.destroy())
  return db
}

async function gate() {
  const way = await openWay(inject('adminUrl'))
  open.push(() => way.close())
  return way
}

const select1 = (db: Db) => sql<{ one: number }>`select ${1}::int as one`.execute(db).then(({ rows }) => rows[0]?.one)

async function failure(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'done',
    error => error,
  )
}

describe('A server that vanishes silently', () => {
  it('costs a statement its deadline and the connection, and the next statement is served', async () => {
    const way = await gate()
    const db = database(way.url, 1)
    expect(await select1(db)).toBe(1)
    way.silence()
    const lost = await failure(withDeadline(200, () => select1(db)))
    expect([lost instanceof Error, isAway(lost)]).toEqual([true, true])
    way.speak()
    expect(await select1(db)).toBe(1)
  })

  it('is noticed by the listener, which reconnects', async () => {
    const way = await gate()
    const lost = Promise.withResolvers<Error>()
    const notifications = new Notifications({ url: way.url, onError: lost.resolve })
    open.push(() => notifications.close())
    await notifications.open()
    expect(notifications.isAlive()).toBe(true)
    way.silence()
    expect(await lost.promise).toBeInstanceOf(Error)
    expect(notifications.isAlive()).toBe(false)
    way.speak()
    const woken = new Promise<void>(resolve => notifications.on('work', () => resolve()))
    await woken
    expect(notifications.isAlive()).toBe(true)
  })

  it('that is closed in the middle of a notification is not reported as lost', async () => {
    const way = await gate()
    const errors: Error[] = []
    const notifications = new Notifications({ url: way.url, onError: error => errors.push(error) })
    await notifications.open()
    way.silence()
    notifications.ring('news')
    await vi.waitFor(() => expect(way.held()).toBeGreaterThan(0))
    await notifications.close()
    // A statement that the end broke is reported before a later one is answered.
    await query(inject('adminUrl'), 'select 1')
    expect(errors).toEqual([])
  })

  it('is given one second more than the server’s own timeout', () => {
    expect(CLIENT_DEADLINE_MS).toBe(16_000)
  })
})

describe('A connection that is lost', () => {
  it('during a change leaves its outcome unknown, and during a read does not', async () => {
    const way = await gate()
    const db = database(way.url, 2)
    await query(inject('adminUrl'), 'create table if not exists fragile (n int)')
    open.push(() => query(inject('adminUrl'), 'drop table fragile'))
    await select1(db)
    way.silence()
    const [changed, read] = await Promise.all([
      failure(withDeadline(200, () => sql`insert into fragile values (1)`.execute(db))),
      failure(withDeadline(200, () => select1(db))),
    ])
    expect(changed).toBeInstanceOf(OutcomeUnknown)
    expect(read).not.toBeInstanceOf(OutcomeUnknown)
    expect([isAway(changed), isAway(read)]).toEqual([true, true])
  })

  it('before a commit leaves nothing, and during the commit leaves the outcome unknown', async () => {
    const way = await gate()
    const db = database(way.url, 1)
    await select1(db)
    const before = failure(
      transaction(db, async tx => {
        way.silence()
        await withDeadline(200, () => sql`create temporary table gone (n int)`.execute(tx))
      }),
    )
    expect(await before).not.toBeInstanceOf(OutcomeUnknown)
    way.speak()
    const at = failure(
      withDeadline(300, () =>
        transaction(db, async tx => {
          await select1(tx)
          way.silence()
        }),
      ),
    )
    expect(await at).toBeInstanceOf(OutcomeUnknown)
  })
})

describe('Several hosts', () => {
  it('are tried in turn, and the connection stays with the one that answers', async () => {
    const [first, second] = [await gate(), await gate()]
    const url = first.url.replace(`:${first.port}`, `:${first.port},127.0.0.1:${second.port}`)
    const db = database(url, 1)
    expect(await select1(db)).toBe(1)
    first.close()
    // The broken connection fails at most one statement.
    await failure(select1(db))
    expect(await select1(db)).toBe(1)
  })

  it('are passed over when a session must be able to write and theirs cannot', async () => {
    const name = 'standing_by'
    await query(inject('adminUrl'), `create database ${name}`)
    open.push(() => query(inject('adminUrl'), `drop database ${name} with (force)`))
    await query(inject('adminUrl'), `alter database ${name} set default_transaction_read_only = on`)
    const url = new URL(inject('adminUrl'))
    url.pathname = `/${name}`
    url.searchParams.set('target_session_attrs', 'read-write')
    const refused = await failure(select1(database(url.href, 1)))
    expect(refused).toBeInstanceOf(NoConnection)
    expect(isAway(refused)).toBe(true)
  })

  it('that do not answer fail the connection within two seconds', async () => {
    const closed = await gate()
    closed.close()
    const refused = await failure(select1(database(closed.url, 1)))
    expect(refused).toBeInstanceOf(NoConnection)
  })
})

describe('One organization', () => {
  it('holds half of the connections at most, and its next statement is refused after two seconds', async () => {
    const db = database(inject('adminUrl'), 2)
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>()
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    const first = forOrganization('one', () =>
      transaction(db, async tx => {
        await select1(tx)
        begin()
        await held
      }),
    )
    await begun
    const next = failure(forOrganization('one', () => select1(db)))
    // Another one is served meanwhile.
    expect(await forOrganization('two', () => select1(db))).toBe(1)
    expect(await next).toBeInstanceOf(OrganizationBusy)
    letGo()
    await first
    expect(await forOrganization('one', () => select1(db))).toBe(1)
  })

  it('gets a second connection for a call that has one', async () => {
    const db = database(inject('adminUrl'), 2)
    const inner = forOrganization('one', () => transaction(db, async () => select1(db)))
    expect(await inner).toBe(1)
  })
})

describe('A transaction that the server aborted', () => {
  it('runs once more from its beginning, and no more than once', async () => {
    const db = database(inject('adminUrl'), 1)
    const runs = async (failing: number) => {
      let count = 0
      const end = await failure(
        transaction(db, async tx => {
          count += 1
          if (count <= failing)
            await sql`do $$ begin raise exception 'given up' using errcode = '40P01'; end $$`.execute(tx)
        }),
      )
      return [count, end instanceof Error ? isAway(end) : end]
    }
    expect(await runs(1)).toEqual([2, 'done'])
    expect(await runs(5)).toEqual([2, true])
  })
})

describe('A prepared statement', () => {
  it('is named by its text alone, whatever ran before it', () => {
    const [one, other] = [createStatementNames(), createStatementNames()]
    other('select 2 where $1')
    expect(one('select 1 where $1')).toBe(other('select 1 where $1'))
    expect(one('select 1 where $1')).not.toBe(one('select 2 where $1'))
    expect(one('select 1 where $1')?.length).toBeLessThan(64)
  })
})

describe('A server of its own', () => {
  it('keeps sessions', async () => {
    expect(await handedOut(inject('adminUrl'))).toBe('session')
  })
})
