/**
 * Clocks that differ: each process uses the database's time, so that a machine with a wrong clock delays nobody, ends
 * nothing early and extends nothing.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { newId, stampIdsBy } from '#server/domain/access/ids.ts'
import { DatabaseClock } from '#server/store/database/database-clock.ts'
import { query } from '#test/support/database/postgres.ts'
import { holderKey, leaseCapability } from '#test/support/keys/leasing.ts'
import { type Customer, makeCustomer } from '#test/support/mooring/customer.ts'
import { makeTiers, type TierProcess, type Tiers } from '#test/support/mooring/tiers.ts'
import { startEntry } from '#test/support/operations/processes.ts'
import { shiftedClock } from '#test/support/operations/shifted-clock.ts'

// The tests start processes: each takes seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
/** Longer than a test takes, and less than any shift. */
const NEAR_SECONDS = 120

let tiers: Tiers
let customer: Customer
beforeAll(async () => {
  tiers = await makeTiers()
  customer = await makeCustomer()
})
afterAll(async () => {
  await tiers.stop()
  await customer.drop()
})
afterEach(() => {
  vi.restoreAllMocks()
  stampIdsBy(() => new Date())
})

/** The milliseconds of a UUIDv7, as SQL. */
const timeOf = (id: string) =>
  `to_timestamp(('x' || lpad(replace(left(${id}::text, 13), '-', ''), 16, '0'))::bit(64)::bigint / 1000.0)`

/**
 * Returns the maximum distance of a table's times from the database's, in seconds; `after` is their regular offset into
 * the future.
 */
async function farthest(table: string, expression: string, after = 0): Promise<number> {
  const [row] = await query(
    tiers.databaseUrl,
    `select count(*)::int as count, max(abs(extract(epoch from (${expression}) - clock_timestamp()) - ${after}))::float8 as seconds
     from ${table} where (${expression}) is not null`,
  )
  expect(row?.['count'], `${table} ${expression}`).toBeGreaterThan(0)
  return Number(row?.['seconds'])
}

describe.each([
  ['a web process an hour ahead and a worker five minutes behind', HOUR_MS, -5 * MINUTE_MS],
  ['a web process an hour behind and a worker an hour ahead', -HOUR_MS, HOUR_MS],
])('With %s', (_name, webMs, workerMs) => {
  let web: TierProcess
  let worker: TierProcess
  beforeAll(async () => {
    const env = { MOORING_RATE_LIMITS: 'postgres' }
    ;[web, worker] = await Promise.all([
      tiers.start('web', { flags: shiftedClock(webMs), env }),
      tiers.start('worker', { flags: shiftedClock(workerMs) }),
    ])
  })
  afterAll(() => Promise.all([web.end(), worker.end()]))

  it('the skew is logged and counted', async () => {
    for (const [process, ms] of [
      [web, webMs],
      [worker, workerMs],
    ] as const) {
      const line = await process.logged("the clock of this machine differs from the database's; the database's is used")
      expect(line).toMatchObject({ times: 1 })
      expect(Math.abs(Number(line['skewMs']) - ms)).toBeLessThan(NEAR_SECONDS * 1_000)
    }
  })

  it('verdicts, introspections and repeats arrive as usual', async () => {
    const { datasources, organization, snapshots } = await tiers.client(web)
    const idempotencyKey = `once-${webMs}`
    const parameters = `application_name=${idempotencyKey}`
    const input = { connectionString: customer.url('reader', { parameters }), waitSeconds: 20, idempotencyKey }
    const made = await datasources.register.mutate(input)
    expect(made).toMatchObject({ status: 'active' })
    expect((await datasources.register.mutate(input)).id).toBe(made.id)
    expect(await snapshots.introspect.mutate({ id: made.id })).toMatchObject({ snapshot: { datasourceId: made.id } })
    expect(await datasources.verify.mutate({ id: made.id, waitSeconds: 20 })).toMatchObject({ status: 'active' })
    const token = await leaseCapability({ ...tiers, keyring: await tiers.keyring() }, { ids: [made.id] })
    const holder = await holderKey()
    const lessee = await tiers.client(web, { key: token, seal: false })
    const lease = await lessee.datasources.lease.mutate({ id: made.id, publicKey: holder.publicKey, ttlSeconds: 60 })
    expect(Math.abs(new Date(lease.expiresAt).getTime() - Date.now() - MINUTE_MS)).toBeLessThan(NEAR_SECONDS * 1_000)

    const minted = await organization.mintCapability.mutate({ operations: ['datasources.read'], ttlSeconds: 300 })
    const reader = await tiers.client(web, { key: minted.token ?? '', seal: false })
    expect(await reader.datasources.get.query({ id: made.id })).toMatchObject({ id: made.id })
    await query(
      tiers.databaseUrl,
      `update capabilities set expires_at = clock_timestamp() - interval '1 s' where id = '${bare(minted.id)}'`,
    )
    await expect(reader.datasources.get.query({ id: made.id })).rejects.toThrow()
  })

  it('every time in a row is near the database’s', async () => {
    for (const [table, expression, after] of [
      ['datasources', 'created_at'],
      ['datasources', timeOf('id')],
      ['datasources', 'verified_at'],
      ['datasources', 'introspected_at'],
      ['credentials', 'created_at'],
      ['tasks', 'created_at'],
      ['tasks', timeOf('id')],
      ['verifications', 'at'],
      ['verifications', timeOf('id')],
      ['audit_events', 'at'],
      ['audit_events', timeOf('id')],
      ['changes', 'at'],
      ['snapshots', 'taken_at'],
      ['idempotency_keys', 'created_at'],
      ['idempotency_keys', 'expires_at', 24 * 3_600],
      ['dial_budgets', 'resets_at'],
      ['rate_limits', 'to_timestamp(expire / 1000.0)'],
      ['processes', 'seen_at'],
    ] as const)
      expect(await farthest(table, expression, after ?? 0), `${table} ${expression}`).toBeLessThan(
        table === 'dial_budgets' ? HOUR_MS / 1_000 / 2 : NEAR_SECONDS,
      )
  })
})

const bare = (id: string) => id.replace(/^[a-z_]+_/, '')

describe('An operator whose machine is an hour ahead', () => {
  it('makes keys and organizations at the database’s time', async () => {
    const [, flag = ''] = shiftedClock(HOUR_MS)
    const env = {
      DATABASE_URL: tiers.databaseUrl,
      MOORING_KEYRING: tiers.dir,
      NODE_OPTIONS: `--import=${flag}`,
    }
    const command = startEntry('cli', env, ['keys', 'create', '--mode', 'live', '--name', 'shifted'])
    expect([await command.ended, command.err()]).toEqual([0, ''])
    for (const expression of ['created_at', timeOf('id')])
      expect(await farthest(`(select * from api_keys where name = 'shifted') k`, expression)).toBeLessThan(NEAR_SECONDS)
  })
})

describe('The clock of the database', () => {
  it('continues while the wall clock jumps, and is measured again soon after', async () => {
    const clock = new DatabaseClock(tiers.db)
    expect(Math.abs((await clock.measure()).skewMs)).toBeLessThan(NEAR_SECONDS * 1_000)
    const real = Date.now
    const trueMs = () => real.call(Date)
    vi.spyOn(Date, 'now').mockImplementation(() => trueMs() + HOUR_MS)
    expect(Math.abs(clock.now().getTime() - trueMs())).toBeLessThan(NEAR_SECONDS * 1_000)
    // A minute is not over yet: the jump triggers the measurement.
    const { skewMs } = await new Promise<{ skewMs: number }>((resolve, reject) =>
      clock.start({ onMeasured: resolve, onError: reject }),
    )
    expect(Math.abs(skewMs - HOUR_MS)).toBeLessThan(NEAR_SECONDS * 1_000)
    expect(Math.abs(clock.now().getTime() - trueMs())).toBeLessThan(NEAR_SECONDS * 1_000)
    await clock.stop()
  })

  it('does not run backwards over measurements', async () => {
    const clock = new DatabaseClock(tiers.db)
    let last = 0
    for (let times = 0; times < 20; times += 1) {
      await clock.measure()
      const now = clock.now().getTime()
      expect(now).toBeGreaterThanOrEqual(last)
      last = now
    }
  })
})

describe('Ids', () => {
  it('carry the time of their own clock, in order, also after it is set back', () => {
    const at = new Date('2031-01-01T00:00:00Z')
    stampIdsBy(() => at)
    const ids = Array.from({ length: 1_000 }, () => newId())
    expect([...ids].sort()).toEqual(ids)
    expect(new Set(ids).size).toBe(1_000)
    expect(msOf(ids[0])).toBe(at.getTime())
    at.setTime(at.getTime() - HOUR_MS)
    expect(msOf(newId())).toBe(at.getTime())
  })
})

const msOf = (id = '') => Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)
