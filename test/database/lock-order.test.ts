/**
 * One order of locks everywhere: concurrent changes to datasources of one organization wait for each other, and never
 * in a cycle. The server itself counts deadlocks, whether or not our code retries. `MOORING_LOCK_RUNS` sets the calls
 * of each kind (1,000 were tried), `MOORING_LOCK_SEED` their order.
 */
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { faultOf } from '#client/index.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import { type FreshDatabase, freshDatabase } from '#test/support/database/database.ts'
import { query } from '#test/support/database/postgres.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

const RUNS = Number(process.env['MOORING_LOCK_RUNS'] ?? 40)
const SEED = Number(process.env['MOORING_LOCK_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const CALLERS = 12

let database: FreshDatabase
let customer: Customer
beforeAll(async () => {
  database = await freshDatabase()
  customer = await makeCustomer()
})
afterAll(async () => {
  await database.drop()
  await customer.drop()
})

/**
 * Deadlocks of the database since its creation; sessions report theirs when they end, so all of them must have ended.
 */
async function deadlocks(): Promise<number> {
  const name = `'${decodeURIComponent(new URL(database.url).pathname.slice(1))}'`
  const admin = new URL(database.url)
  admin.pathname = '/postgres'
  while ((await query(admin.href, `select from pg_stat_activity where datname = ${name}`)).length > 0);
  const [row] = await query(admin.href, `select deadlocks::int from pg_stat_database where datname = ${name}`)
  return Number(row?.['deadlocks'])
}

/** Mulberry32: numbers from 0 to 1, the same for the same seed. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

type Kind = 'register' | 'again' | 'rotate' | 'update' | 'verify' | 'remove'
const KINDS: readonly Kind[] = ['register', 'again', 'rotate', 'update', 'verify', 'remove']
/**
 * The faults that concurrent changes allow: the datasource is gone, another rotation came first, or the organization
 * has reached its limit.
 */
const MET = ['entity_not_found', 'conflict', 'rate_limit_exceeded', 'service_unavailable']

/** Calls of all kinds on a few datasources, in random order, by several concurrent callers; returns their outcomes. */
async function everything(mooring: Mooring, random: () => number): Promise<Map<string, number>> {
  const { datasources } = mooring.client()
  const live: DatasourceId[] = []
  const ended = new Map<string, number>()
  const pick = async () => {
    if (live.length < 4) await calls.register()
    return given(live[Math.floor(random() * live.length)])
  }
  // Some are dialled and checked, some are refused at once: both settle, in a statement of their own or in a
  // transaction.
  const string = () =>
    random() < 0.5
      ? customer.url('reader', { parameters: `application_name=n${Math.floor(random() * 4)}` })
      : `postgresql://reader:secret@127.0.0.1:1/shop?application_name=n${Math.floor(random() * 4)}`
  const key = () => (random() < 0.5 ? {} : { idempotencyKey: `key-${random()}` })
  const calls: Record<Kind, () => Promise<unknown>> = {
    register: async () => live.push((await datasources.register.mutate({ connectionString: string(), ...key() })).id),
    again: () => mooring.call('POST', '/v1/datasources', { body: { connectionString: string(), schema: 'app' } }),
    rotate: async () =>
      datasources.rotate.mutate({ id: await pick(), connectionString: string(), allowMove: true, ...key() }),
    update: async () => datasources.update.mutate({ id: await pick(), name: `n${random()}`, schema: 'app', ...key() }),
    verify: async () => datasources.verify.mutate({ id: await pick(), ...key() }),
    remove: async () => {
      const id = await pick()
      // Occasionally all datasources, while others remove single ones.
      if (random() < 0.03) {
        live.length = 0
        return datasources.removeAll.mutate({ confirm: true })
      }
      live.splice(live.indexOf(id), 1)
      return datasources.remove.mutate({ id, ...key() })
    },
  }
  const todo = KINDS.flatMap(kind => Array.from({ length: RUNS }, () => kind))
    .map(kind => ({ kind, at: random() }))
    .sort((one, other) => one.at - other.at)
  await Promise.all(Array.from({ length: 8 }, calls.register))
  const caller = async () => {
    for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
      const end = await calls[next.kind]().then(() => 'done', faultOf)
      const name = `${next.kind} ${end === 'done' ? end : 'not done'}`
      if (end !== 'done') expect(MET).toContain(end)
      ended.set(name, (ended.get(name) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, caller))
  return ended
}

function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('there is none')
  return value
}

describe('The server’s own count of deadlocks', () => {
  it('counts one deadlock', async () => {
    const before = await deadlocks()
    await query(database.url, 'create table pair as select generate_series(1, 2) as n')
    const [one, two] = [1, 2].map(() => new pg.Client({ connectionString: database.url }))
    const hold = async (client: pg.Client | undefined, n: number) =>
      client?.query(`update pair set n = n where n = ${n}`)
    for (const client of [one, two]) await client?.connect()
    for (const client of [one, two]) await client?.query("begin; set local deadlock_timeout = '50ms'")
    await hold(one, 1)
    await hold(two, 2)
    const ends = await Promise.allSettled([
      hold(one, 2).finally(() => one?.end()),
      hold(two, 1).finally(() => two?.end()),
    ])
    expect(ends.map(end => end.status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(await deadlocks()).toBe(before + 1)
    await query(database.url, 'drop table pair')
  })
})

describe('Register, rotate, update, verify and remove of one organization', () => {
  it('never deadlock with each other while its checks are settled', async () => {
    const before = await deadlocks()
    const mooring = await startMooring({ databaseUrl: database.url })
    const ended = await everything(mooring, seeded(SEED)).finally(() => mooring.stop())
    process.stdout.write(`seed ${SEED}, ${RUNS} calls of each kind: ${JSON.stringify(Object.fromEntries(ended))}\n`)
    expect(await deadlocks()).toBe(before)
    for (const kind of KINDS) expect(ended.get(`${kind} done`) ?? 0).toBeGreaterThan(0)
    const [gap] = await query(
      database.url,
      `select h.last::int as last, count(c.n)::int as rows, max(c.n)::int as most from change_heads h
       join changes c on c.org_id = h.org_id group by h.org_id, h.last`,
    )
    expect(gap).toEqual({ last: gap?.['last'], rows: gap?.['last'], most: gap?.['last'] })
  }, 600_000)
})
