/**
 * Rate limits: a caller above the limit receives 429 with `Retry-After` on every surface, and nobody else is affected.
 */
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { readConfig } from '#server/config.ts'
import { clientAddress, networkOf } from '#server/domain/network/client-address.ts'
import { MAX_UNSETTLED, SettledCounts } from '#server/store/access/settled-counts.ts'
import { makeKey } from '#test/support/access/keys.ts'
import { query } from '#test/support/database/postgres.ts'
import { effects } from '#test/support/database/rows.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'
import { secondWeb } from '#test/support/mooring/second-web.ts'

let mooring: Mooring
const tiers: Awaited<ReturnType<typeof secondWeb>>[] = []
beforeAll(async () => {
  mooring = await startMooring({ worker: false })
})
afterEach(async () => {
  vi.useRealTimers()
  for (const tier of tiers.splice(0)) await tier.stop()
})
afterAll(() => mooring.stop())

/** A web tier with its own limits, and windows that outlast the test. */
async function tierWith(env: Record<string, string>) {
  const tier = await secondWeb(mooring, { MOORING_RATE_WINDOW_SECONDS: '3600', ...env })
  tiers.push(tier)
  return async (path: string, key: string | null = mooring.organization.testKey, init: RequestInit = {}) => {
    const headers = { ...(key === null ? {} : { authorization: `Bearer ${key}` }), ...init.headers }
    const answer = await fetch(tier.url + path, { ...init, headers })
    return { status: answer.status, headers: answer.headers, body: JSON.parse((await answer.text()) || 'null') }
  }
}

const LIST = '/v1/datasources'
const batch = (calls: number) =>
  `/trpc/${Array(calls).fill('datasources.list').join(',')}?batch=1&input=${encodeURIComponent('{"0":{},"1":{},"2":{},"3":{}}')}`

describe('A key above its limit', () => {
  it('receives Retry-After in each surface’s shape, and its calls have no effect', async () => {
    const ask = await tierWith({ MOORING_RATE_PER_KEY: '2' })
    const first = await ask(LIST)
    expect(first.status).toBe(200)
    expect(Object.fromEntries(first.headers)).toMatchObject({
      'ratelimit-limit': '2',
      'ratelimit-remaining': '1',
      'ratelimit-reset': '3600',
      'ratelimit-policy': '2;w=3600',
    })
    expect((await ask('/api/v1/connections')).headers.get('ratelimit-remaining')).toBe('0')
    const before = await effects(mooring.databaseUrl)
    const json = { 'content-type': 'application/json' }
    const register = { method: 'POST', headers: json, body: '{"connectionString":"postgres://a:b@127.0.0.1/c"}' }
    const answers = [
      await ask('/v1/datasources', undefined, register),
      await ask('/api/v1/connections'),
      await ask(batch(1)),
    ]
    for (const { status, headers } of answers) {
      expect(status).toBe(429)
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(3_500)
      expect(headers.get('ratelimit-remaining')).toBe('0')
      expect(headers.get('x-request-id')).toBeTruthy()
    }
    const [flat, envelope, [trpc]] = answers.map(answer => answer.body)
    expect(flat).toMatchObject({
      type: 'AbloRateLimitError',
      code: 'rate_limit_exceeded',
      request_id: expect.any(String),
    })
    expect(envelope).toMatchObject({ success: false, data: null, error: { code: 'RATE_LIMITED' } })
    expect(trpc.error.data).toMatchObject({ code: 'TOO_MANY_REQUESTS', fault: 'rate_limit_exceeded', retryable: true })
    expect(await effects(mooring.databaseUrl)).toEqual(before)
  })

  it('is recorded with the calls that were refused', async () => {
    const ask = await tierWith({ MOORING_RATE_PER_KEY: '1' })
    const key = await makeKey(mooring)
    const requestId = 'req-too-often'
    expect([
      (await ask(LIST, key)).status,
      (await ask(LIST, key, { headers: { 'x-request-id': requestId } })).status,
    ]).toEqual([200, 429])
    const rows = await query(
      mooring.databaseUrl,
      `select action, outcome from audit_events where request_id = '${requestId}'`,
    )
    expect(rows).toEqual([{ action: 'GET /v1/datasources', outcome: 'rate_limit_exceeded' }])
  })

  it('is accepted again when the window is over', async () => {
    const ask = await tierWith({ MOORING_RATE_PER_KEY: '1' })
    const key = await makeKey(mooring)
    expect([(await ask(LIST, key)).status, (await ask(LIST, key)).status]).toEqual([200, 429])
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_601_000 })
    expect((await ask(LIST, key)).status).toBe(200)
  })

  it('is charged for each call of a batch', async () => {
    const ask = await tierWith({ MOORING_RATE_PER_KEY: '5' })
    const key = await makeKey(mooring)
    const four = await ask(batch(4), key)
    expect([four.status, four.headers.get('ratelimit-remaining')]).toEqual([200, '1'])
    const two = await ask(batch(2), key)
    expect(two.status).toBe(429)
    expect(two.body.map((one: { error: { data: { fault: string } } }) => one.error.data.fault)).toEqual([
      'rate_limit_exceeded',
      'rate_limit_exceeded',
    ])
  })

  it('is refused after its path is parsed and before its body is', async () => {
    const ask = await tierWith({ MOORING_RATE_PER_KEY: '1' })
    const key = await makeKey(mooring)
    const text = { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'x' }
    expect((await ask(LIST, key, text)).status).toBe(415)
    expect((await ask(LIST, key, text)).status).toBe(429)
    expect((await ask('/v1/nothing', key)).status).toBe(404)
    expect((await ask(LIST, key, { method: 'PUT' })).status).toBe(405)
  })
})

describe('An organization above its limit', () => {
  it('is limited across all of its keys and capabilities', async () => {
    const ask = await tierWith({ MOORING_RATE_PER_ORGANIZATION: '3' })
    const { testKey, liveKey } = await mooring.newOrganization('Busy')
    const body = { operations: ['datasources.read'] }
    const { token } = (await mooring.call('POST', '/v1/capabilities', { key: testKey, body })).body
    const statuses = []
    for (const key of [testKey, liveKey, token, testKey, liveKey, token]) statuses.push((await ask(LIST, key)).status)
    expect(statuses).toEqual([200, 200, 200, 429, 429, 429])
  })

  it('does not slow down a quiet one', async () => {
    const ask = await tierWith({ MOORING_RATE_PER_ORGANIZATION: '20' })
    const [noisy, quiet] = [await mooring.newOrganization('Noisy'), await mooring.newOrganization('Quiet')]
    const storm = Array.from({ length: 200 }, () => ask(LIST, noisy.testKey))
    const calm = Array.from({ length: 20 }, () => ask(LIST, quiet.testKey))
    expect(new Set((await Promise.all(calm)).map(answer => answer.status))).toEqual(new Set([200]))
    expect((await Promise.all(storm)).filter(answer => answer.status === 200)).toHaveLength(20)
  })

  it('is not charged for the refused calls of one noisy key', async () => {
    const ask = await tierWith({ MOORING_RATE_PER_KEY: '2', MOORING_RATE_PER_ORGANIZATION: '4' })
    const { testKey, liveKey } = await mooring.newOrganization('Mixed')
    const statuses = []
    for (const key of [...Array(8).fill(testKey), liveKey, liveKey]) statuses.push((await ask(LIST, key)).status)
    expect(statuses.filter(status => status === 200)).toHaveLength(4)
    expect(statuses.slice(-2)).toEqual([200, 200])
  })
})

describe('Failed logins', () => {
  const WRONG = 'sk_test_wrong'

  it('are limited by address, whatever is wrong with them, and a good key from there still passes', async () => {
    const ask = await tierWith({ MOORING_RATE_FAILED_LOGINS: '4' })
    const statuses = []
    for (const key of [null, WRONG, 'rk_test_wrong', WRONG]) statuses.push((await ask(LIST, key)).status)
    expect(statuses).toEqual([401, 401, 403, 401])
    const last = await ask('/api/v1/connections', WRONG)
    expect([last.status, last.body.error.code]).toEqual([429, 'RATE_LIMITED'])
    expect(Number(last.headers.get('retry-after'))).toBeLessThanOrEqual(60)
    expect((await ask(batch(1), null)).status).toBe(429)
    expect((await ask(LIST)).status).toBe(200)
  })

  it('count for the caller behind a trusted proxy, and by network for IPv6', async () => {
    const ask = await tierWith({ MOORING_RATE_FAILED_LOGINS: '1', MOORING_TRUST_PROXY: '127.0.0.0/8' })
    const from = async (address: string) =>
      (await ask(LIST, WRONG, { headers: { 'x-forwarded-for': `203.0.113.9, ${address}` } })).status
    expect([await from('198.51.100.1'), await from('198.51.100.1'), await from('198.51.100.2')]).toEqual([
      401, 429, 401,
    ])
    expect([await from('2001:db8::1'), await from('2001:db8::2'), await from('2001:db8:0:1::1')]).toEqual([
      401, 429, 401,
    ])
  })

  it('count for the peer when no proxy is trusted, whatever the request claims', async () => {
    const ask = await tierWith({ MOORING_RATE_FAILED_LOGINS: '1' })
    const from = async (address: string) => (await ask(LIST, WRONG, { headers: { 'x-forwarded-for': address } })).status
    expect([await from('198.51.100.1'), await from('198.51.100.2')]).toEqual([401, 429])
  })
})

describe("The caller's address", () => {
  it('is recorded as the trusted proxy sends it, and never as text that is not an address', async () => {
    const ask = await tierWith({ MOORING_TRUST_PROXY: '1' })
    const { id, testKey } = await mooring.newOrganization('Addressed')
    for (const address of ['198.51.100.7', '::ffff:198.51.100.8', "'; drop table --"]) {
      const headers = { 'x-forwarded-for': address, 'content-type': 'application/json' }
      const body = JSON.stringify({ operations: ['feeds.read'] })
      expect((await ask('/v1/capabilities', testKey, { method: 'POST', headers, body })).status).toBe(201)
    }
    const rows = await query(
      mooring.databaseUrl,
      `select address from audit_events where org_id = '${id}' and action = 'capability.minted' order by id`,
    )
    expect(rows.map(row => row['address'])).toEqual(['198.51.100.7', '198.51.100.8', '127.0.0.1'])
  })

  it('has one canonical form', () => {
    expect(clientAddress('::FFFF:1.2.3.4')).toBe('1.2.3.4')
    expect(clientAddress('2001:DB8:0::1')).toBe('2001:db8::1')
    expect(clientAddress('fe80::1%eth0')).toBe('fe80::1')
    expect(clientAddress('01.2.3.4', undefined, '1.2.3.4')).toBe('1.2.3.4')
    expect(clientAddress('unknown', undefined)).toBeNull()
    expect(networkOf('2001:db8:1:2:3::4')).toBe(networkOf('2001:db8:1:2::'))
    expect(networkOf('1.2.3.4')).toBe('1.2.3.4')
  })

  it('cannot be set to come from everybody: such a configuration is refused', () => {
    for (const value of ['true', '0', '11', '*', 'loopback', '10.0.0.1/8'])
      expect(() => readConfig({ MOORING_TRUST_PROXY: value })).toThrow(/MOORING_TRUST_PROXY/)
    expect(readConfig({}).trustProxy).toEqual([])
    expect(readConfig({ MOORING_TRUST_PROXY: '2' }).trustProxy).toBe(2)
  })
})

describe('Several processes', () => {
  const SHARED = { MOORING_RATE_LIMITS: 'postgres', MOORING_RATE_PER_KEY: '4', MOORING_RATE_FAILED_LOGINS: '2' }

  it('count together in PostgreSQL, and separately in memory', async () => {
    const key = await makeKey(mooring)
    const [one, two] = [await tierWith(SHARED), await tierWith(SHARED)]
    const both = await Promise.all(Array.from({ length: 10 }, (_, at) => (at % 2 ? one : two)(LIST, key)))
    expect(both.filter(answer => answer.status === 200)).toHaveLength(4)
    const failed = [await one(LIST, null), await two(LIST, null), await one(LIST, null), await two(LIST, null)]
    expect(failed.map(answer => answer.status)).toEqual([401, 401, 429, 429])
    const alone = await tierWith({ MOORING_RATE_PER_KEY: '4' })
    expect((await alone(LIST, key)).headers.get('ratelimit-remaining')).toBe('3')
  })

  it('do not query the database about a key above its limit', async () => {
    const key = await makeKey(mooring)
    const ask = await tierWith(SHARED)
    for (let calls = 0; calls < 30; calls += 1) await ask(LIST, key)
    const rows = await query(
      mooring.databaseUrl,
      "select points from rate_limits where key like 'key:%' order by points",
    )
    expect(rows.map(row => row['points'])).not.toContain(30)
  })

  it('keep counting separately while the database is unavailable', async () => {
    await query(mooring.databaseUrl, 'alter table rate_limits rename to rate_limits_away')
    try {
      const ask = await tierWith(SHARED)
      const key = await makeKey(mooring)
      const statuses = []
      for (let calls = 0; calls < 6; calls += 1) statuses.push((await ask(LIST, key)).status)
      expect(statuses).toEqual([200, 200, 200, 200, 429, 429])
    } finally {
      await query(mooring.databaseUrl, 'alter table rate_limits_away rename to rate_limits')
    }
  })

  describe('that settle their calls with each other', () => {
    const WINDOW = { limit: 1_000, windowMs: 3_600_000 }
    const open = () => new SettledCounts(mooring.db)
    const settled = async (key: string) =>
      (await query(mooring.databaseUrl, `select points from rate_limits where key = '${key}'`))[0]?.['points']

    it('settle the calls of a quarter of a second together', async () => {
      const counts = open()
      for (let used = 1; used <= 20; used += 1) {
        expect((await counts.take('few', 1, WINDOW)).used).toBe(used)
        expect(await settled('few')).toBe(1)
        if (used === 1) vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      }
      vi.advanceTimersByTime(250)
      vi.useRealTimers()
      await expect.poll(() => settled('few')).toBe(20)
    })

    it('have at most 32 unsettled calls of a key', async () => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      const counts = open()
      for (let used = 1; used <= 80; used += 1) {
        await counts.take('many', 1, WINDOW)
        expect(used - Number(await settled('many'))).toBeLessThanOrEqual(MAX_UNSETTLED)
      }
    })

    it.for([
      { limit: 10, over: 0 },
      { limit: 300, over: 3 * MAX_UNSETTLED },
    ])('exceed a limit of $limit by at most $over calls', async ({ limit, over }) => {
      const processes = [open(), open(), open()]
      const accepted = { key: 0, other: 0 }
      for (let round = 0; round < 80; round += 1)
        await Promise.all(
          processes.flatMap((counts, at) =>
            (['key', 'other'] as const).map(async name => {
              const { used } = await counts.take(`${name} ${limit}`, 1 + ((round + at) % 3), { ...WINDOW, limit })
              if (used <= limit) accepted[name] += 1 + ((round + at) % 3)
            }),
          ),
        )
      for (const points of Object.values(accepted)) {
        expect(points).toBeLessThanOrEqual(limit + over)
        expect(points).toBeGreaterThan(limit - 3)
      }
    })

    it('start a new count when the window of the database is over', async () => {
      const [one, other] = [open(), open()]
      const short = { limit: 5, windowMs: 60_000 }
      for (let used = 1; used <= 5; used += 1) await one.take('window', 1, short)
      expect((await other.take('window', 1, short)).used).toBe(6)
      await query(mooring.databaseUrl, `update rate_limits set expire = 1 where key = 'window'`)
      expect((await open().take('window', 1, short)).used).toBe(1)
    })

    it('count the calls of a failed settlement before later ones', async () => {
      const counts = open()
      const short = { limit: 5, windowMs: 60_000 }
      const holder = new pg.Client(mooring.databaseUrl)
      await holder.connect()
      await holder.query('begin; lock table rate_limits')
      const first = counts.take('behind', 1, short).catch(() => 'failed')
      await new Promise(setImmediate)
      const second = counts.take('behind', 1, short)
      expect(await first).toBe('failed')
      await holder.query('rollback')
      await holder.end()
      expect((await second).used).toBe(2)
      expect((await counts.take('behind', 1, short)).used).toBe(3)
    })

    it('start a new count when the database’s clock has gone back, into whichever window, and delay no other key', async () => {
      const short = { limit: 5, windowMs: 60_000 }
      const ahead = Date.now() + 40 * 86_400_000
      await query(mooring.databaseUrl, `insert into rate_limits (key, points, expire) values ('ahead', 9, ${ahead})`)
      const counts = open()
      const [found, other] = await Promise.all([counts.take('ahead', 1, short), counts.take('beside', 1, short)])
      expect([found.used, other.used]).toEqual([1, 1])
      expect(found.resetMs).toBeLessThanOrEqual(60_000)
    })
  })
})
