/**
 * The outbox table of `client/endpoint.ts` on a real PostgreSQL, and the examples, run as a customer would run them.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { OUTBOX_SQL, outboxEvents } from '#client/endpoint.ts'
import { eventsRequest, parseFeedPage } from '#server/domain/feeds/feed-page.ts'
import { requestEndpoint } from '#server/net/endpoint/endpoint.ts'
import { createResolver } from '#server/net/socket/resolver.ts'
import { type FreshDatabase, freshDatabase } from '#test/support/database/database.ts'

let database: FreshDatabase
let pool: pg.Pool

beforeAll(async () => {
  database = await freshDatabase()
  pool = new pg.Pool({ connectionString: database.url, max: 16 })
  await pool.query(OUTBOX_SQL)
})
beforeEach(() => pool.query('truncate mooring_outbox'))
afterAll(async () => {
  // The pool forgets its clients before they have ended, and the database must not be dropped under them.
  const { promise: gone, resolve } = Promise.withResolvers<void>()
  let left = pool.totalCount
  pool.on('remove', () => --left === 0 && resolve())
  await pool.end()
  if (left > 0) await gone
  await database.drop()
})

const read = outboxEvents((sql, values) => pool.query(sql, [...values]))
const write = (client: pg.Pool | pg.PoolClient, entity: string, payload: unknown = null) =>
  client.query('insert into mooring_outbox (model, entity_id, type, data) values ($1, $2, $3, $4)', [
    'task',
    entity,
    'UPDATE',
    JSON.stringify(payload),
  ])

/** Reads from a cursor to the end, `limit` at a time. */
async function drain(cursor: string | null = null, limit = 7) {
  const entities: string[] = []
  for (;;) {
    const page = await read({ cursor, limit })
    if (page === null || page.nextCursor === undefined) return { entities, cursor }
    entities.push(...page.events.map(event => event.entityId))
    cursor = page.nextCursor
  }
}

describe('The outbox', () => {
  it('returns events in the protocol’s form, in the order in which they were written', async () => {
    await write(pool, '1', { title: 'é✓' })
    await pool.query(`insert into mooring_outbox (model, entity_id, type) values ('task', '2', 'DELETE')`)
    const page = await read({ cursor: null, limit: 10 })
    const id = expect.stringMatching(/^[0-9a-f-]{36}$/)
    expect(page?.events).toEqual([
      { id, model: 'task', entityId: '1', type: 'UPDATE', data: { title: 'é✓' }, occurredAt: expect.any(Number) },
      { id, model: 'task', entityId: '2', type: 'DELETE', data: null, occurredAt: expect.any(Number) },
    ])
    expect(Math.abs((page?.events[0]?.occurredAt ?? 0) - Date.now())).toBeLessThan(60_000)
    expect(parseFeedPage(JSON.stringify(page))?.events).toHaveLength(2)
  })

  it('returns the same page for the same cursor, and an empty page without a cursor at its end', async () => {
    for (const entity of ['1', '2', '3']) await write(pool, entity)
    const first = await read({ cursor: null, limit: 2 })
    expect(await read({ cursor: null, limit: 2 })).toEqual(first)
    const second = await read({ cursor: first?.nextCursor ?? '', limit: 2 })
    expect(second?.events.map(event => event.entityId)).toEqual(['3'])
    expect(await read({ cursor: second?.nextCursor ?? '', limit: 2 })).toEqual({ events: [] })
  })

  it('does not lose the event of a transaction that began early and commits late', async () => {
    const [late, early] = [await pool.connect(), await pool.connect()]
    await late.query('begin')
    await write(late, 'late')
    await early.query('begin')
    await write(early, 'early')
    await early.query('commit')
    const first = await drain()
    expect(first.entities).toEqual(['early'])
    await late.query('commit')
    expect((await drain(first.cursor)).entities).toEqual(['late'])
    late.release()
    early.release()
  })

  it('omits rolled-back events', async () => {
    const client = await pool.connect()
    await client.query('begin')
    await write(client, 'never')
    await client.query('rollback')
    client.release()
    expect(await read({ cursor: null, limit: 10 })).toEqual({ events: [] })
  })

  it('gives every reader every event once and in one order, during concurrent writes', async () => {
    const writers = 6
    const each = 40
    let writing = writers
    const writer = async (number: number) => {
      for (let n = 0; n < each; n++) {
        const client = await pool.connect()
        await client.query('begin')
        await write(client, `${number}:${n}:a`)
        await client.query('select pg_sleep($1)', [((number * 7 + n * 3) % 5) / 1_000])
        await write(client, `${number}:${n}:b`)
        await client.query('commit')
        client.release()
      }
      writing -= 1
    }
    const reader = async () => {
      const seen: string[] = []
      let cursor: string | null = null
      for (let last = false; !last; ) {
        last = writing === 0
        const more = await drain(cursor)
        seen.push(...more.entities)
        cursor = more.cursor
      }
      return seen
    }
    const readers = Array.from({ length: 4 }, reader)
    await Promise.all(Array.from({ length: writers }, (_, number) => writer(number)))
    const [first = [], ...others] = await Promise.all(readers)
    expect(first).toHaveLength(writers * each * 2)
    expect(new Set(first).size).toBe(first.length)
    for (const other of others) expect(other).toEqual(first)
    // The events of one writer, in one transaction or in several, stay in its order.
    for (let number = 0; number < writers; number++) {
      const own = first.filter(entity => entity.startsWith(`${number}:`))
      expect(own).toEqual(Array.from({ length: each }, (_, n) => [`${number}:${n}:a`, `${number}:${n}:b`]).flat())
    }
  })

  it('cuts a page at a megabyte, and never below one event', async () => {
    for (const entity of ['1', '2', '3', '4']) await write(pool, entity, 'x'.repeat(400_000))
    await write(pool, '5', 'x'.repeat(2_000_000))
    await write(pool, '6')
    const sizes: number[] = []
    for (let cursor: string | null = null; ; ) {
      const page = await read({ cursor, limit: 100 })
      if (page?.nextCursor === undefined) break
      sizes.push(page.events.length)
      cursor = page.nextCursor
    }
    expect(sizes).toEqual([2, 2, 1, 1])
  })

  it('refuses a cursor that it did not issue', async () => {
    for (const cursor of ['', 'x', '-1', '1.5', '1e3', '9'.repeat(19), "0'; drop table mooring_outbox"]) {
      expect(await read({ cursor, limit: 10 })).toBeNull()
    }
    expect((await pool.query('select count(*)::int as count from mooring_outbox')).rows).toEqual([{ count: 0 }])
  })
})

/** Runs an example until it prints its first line, and passes that and a way to send requests to the test. */
async function withExample(
  [name, ...args]: [string, ...string[]],
  env: NodeJS.ProcessEnv,
  test: (line: string) => Promise<void>,
) {
  const script = new URL(`../../client/examples/${name}`, import.meta.url).pathname
  const child = spawn(process.execPath, [script, ...args, '0'], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const [line] = await once(createInterface(child.stdout), 'line')
    await test(String(line))
  } finally {
    child.kill('SIGKILL')
    await once(child, 'close')
  }
}

function ask(url: string, key: string) {
  return requestEndpoint(
    {
      url,
      keys: [key],
      body: eventsRequest(null, 10),
      messageId: 'msg_1',
      timestampSeconds: Math.floor(Date.now() / 1_000),
      caCertificate: null,
      deadlineMs: 5_000,
      maxBytes: 1 << 20,
    },
    {
      policy: { openNetworks: ['127.0.0.0/8'] },
      resolver: createResolver({ servers: [], timeoutMs: 1_000 }),
      signal: new AbortController().signal,
    },
  )
}

describe('The example', () => {
  it('node-http.ts answers our signed request, and no other', async () => {
    await withExample(['node-http.ts'], {}, async line => {
      const { listening, signingKey } = JSON.parse(line)
      const url = `http://127.0.0.1:${listening.port}/`
      const page = parseFeedPage((await ask(url, signingKey)).body ?? '')
      expect(page?.events.length).toBeGreaterThan(0)
      expect(page?.nextCursor).toBe(String(page?.events.length))
      expect(await ask(url, 'another key')).toMatchObject({ status: 401, body: null })
    })
  })

  it('express-outbox.ts creates its table and answers from it', async () => {
    await pool.query(
      `drop function mooring_outbox_page; drop sequence mooring_outbox_position_seq; drop table mooring_outbox`,
    )
    const dir = await mkdtemp(join(tmpdir(), 'mooring-example-'))
    const keyFile = join(dir, 'signing-key.txt')
    await writeFile(keyFile, 'sk_test_of_the_example\n')
    const { hostname, port, username, password, pathname } = new URL(database.url)
    const env = {
      PGHOST: hostname,
      PGPORT: port,
      PGUSER: decodeURIComponent(username),
      PGPASSWORD: decodeURIComponent(password),
      PGDATABASE: decodeURIComponent(pathname.slice(1)),
    }
    await withExample(['express-outbox.ts', keyFile], env, async line => {
      await write(pool, '42', { title: 'from the outbox' })
      const url = `http://127.0.0.1:${JSON.parse(line).listening.port}/mooring`
      const page = parseFeedPage((await ask(url, 'sk_test_of_the_example')).body ?? '')
      expect(JSON.parse(page?.events[0]?.json ?? '')).toMatchObject({
        entityId: '42',
        data: { title: 'from the outbox' },
      })
      expect(await ask(url, 'another key')).toMatchObject({ status: 401, body: null })
    })
    await rm(dir, { recursive: true })
  })
})
