/** Reads over shared connections: many at once, none lost with its connection, and nothing but reads. */
import { Socket } from 'node:net'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { preparedRead } from '#server/store/connection/prepared-read.ts'
import { withDeadline } from '#server/store/connection/statement.ts'
import { openDb, transaction } from '#server/store/database/db.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { type FreshDatabase, freshDatabase } from '#test/support/database/database.ts'
import { query } from '#test/support/database/postgres.ts'

let database: FreshDatabase
const opened: Db[] = []
beforeAll(async () => {
  database = await freshDatabase()
})
afterEach(async () => {
  for (const db of opened.splice(0)) await db.destroy()
})
afterAll(() => database.drop())

function open(options: { lanes?: number; keepsSessions?: boolean } = {}): Db {
  const db = openDb({ url: database.url, size: 4, lanes: 2, onError: () => undefined, ...options })
  opened.push(db)
  return db
}

/** A number, the process of the server that answered, and some time that it takes. */
const echo = preparedRead((db, { n, seconds }: { n: number; seconds: number }) =>
  db.selectNoFrom([
    sql<number>`${n}::integer`.as('n'),
    sql<number>`pg_backend_pid()`.as('pid'),
    sql<string>`current_setting('plan_cache_mode')`.as('plans'),
    sql<string>`pg_sleep(${seconds}::float8)::text`.as('slept'),
  ]),
)

/** A value of each kind. */
const everyKind = preparedRead((db, given: { at: Date; texts: readonly string[]; bytes: Buffer; text: string }) =>
  db.selectNoFrom([
    sql<Date>`${given.at}::timestamptz`.as('at'),
    sql<string[]>`${given.texts}::text[]`.as('texts'),
    sql<Buffer>`${given.bytes}::bytea`.as('bytes'),
    sql<string>`${given.text}::text`.as('text'),
    sql<number>`1099511627776::int8`.as('n'),
    sql<unknown>`'{"a": [1]}'::jsonb`.as('json'),
    sql<null>`null::text`.as('none'),
  ]),
)

const many = (db: Db, count: number, seconds = 0) =>
  Promise.all(Array.from({ length: count }, async (_, n) => (await echo(db, { n, seconds }))[0]))

describe('Prepared reads', () => {
  it('each get their own rows, over at most as many connections as there are lanes', async () => {
    const db = open()
    const rows = [...(await many(db, 200)), ...(await many(db, 200))]
    expect(rows.map(row => row?.n)).toEqual([...Array(200).keys(), ...Array(200).keys()])
    expect(new Set(rows.map(row => row?.pid)).size).toBeLessThanOrEqual(2)
    expect(new Set(rows.map(row => row?.plans))).toEqual(new Set(['force_generic_plan']))
  })

  it('that begin in one turn of the event loop go out in one write for each connection', async () => {
    const db = open()
    await many(db, 40)
    const writes = vi.spyOn(Socket.prototype as Required<Socket>, '_writev')
    try {
      const rows = await many(db, 40)
      expect(rows.map(row => row?.n)).toEqual([...Array(40).keys()])
      expect(writes.mock.calls.length).toBeGreaterThan(0)
      expect(writes.mock.calls.length).toBeLessThanOrEqual(2)
    } finally {
      writes.mockRestore()
    }
  })

  it('leave the pool to writes, and see a transaction only from inside it', async () => {
    const db = open()
    const [outside] = await echo(db, { n: 1, seconds: 0 })
    const inside = await transaction(db, async tx => {
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx)
      return { pid: rows[0]?.pid, row: (await echo(tx, { n: 2, seconds: 0 }))[0] }
    })
    expect(inside.row).toMatchObject({ n: 2, pid: inside.pid })
    expect(inside.pid).not.toBe(outside?.pid)
  })

  it('are sent once more when their connection breaks', async () => {
    const db = open()
    const [first] = await many(db, 1)
    const under = many(db, 5, 0.5)
    await expect
      .poll(() =>
        query(
          database.url,
          `select pg_terminate_backend(${first?.pid}) from pg_stat_activity where pid = ${first?.pid} and wait_event = 'PgSleep'`,
        ),
      )
      .toHaveLength(1)
    expect((await under).map(row => row?.n)).toEqual([0, 1, 2, 3, 4])
  })

  it('fail alone where the server refuses one', async () => {
    const db = open()
    const results = await Promise.allSettled([
      echo(db, { n: 1, seconds: 0 }),
      echo(db, { n: Number.NaN, seconds: 0 }),
      echo(db, { n: 3, seconds: 0 }),
    ])
    expect(results.map(one => one.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  })

  it('return what the driver alone returns, in a lane, on a connection of the pool and in a transaction', async () => {
    const text = 'é "quoted" \\\\ \n'
    const values = { at: new Date('2026-11-30T22:00:00.120Z'), texts: [text, 'b'], bytes: Buffer.from([0, 255]), text }
    const [plain] = await everyKind(open({ keepsSessions: false }), values)
    expect(plain).toEqual({ ...values, n: 2 ** 40, json: { a: [1] }, none: null })
    const pooled = open({ lanes: 0 })
    // Twice: described, and not described again.
    for (const db of [open(), pooled, pooled])
      for (let n = 0; n < 2; n += 1) expect(await everyKind(db, values)).toEqual([plain])
    expect(await transaction(pooled, tx => everyKind(tx, values))).toEqual([plain])
  })

  it('fail alone on a connection of the pool, which serves the next', async () => {
    const db = open({ lanes: 0 })
    const [first] = await many(db, 1)
    await expect(echo(db, { n: Number.NaN, seconds: 0 })).rejects.toMatchObject({ code: '22P02' })
    expect((await many(db, 1))[0]).toEqual(first)
  })

  it('have connections of their own if they are urgent or sessions are not kept', async () => {
    const db = open()
    const [shared] = await many(db, 1)
    const soon = await withDeadline(5_000, () => many(db, 1))
    const pooled = await many(open({ keepsSessions: false }), 1)
    expect([soon[0]?.plans, pooled[0]?.plans]).toEqual(['auto', 'auto'])
    expect(shared?.plans).toBe('force_generic_plan')
  })
})
