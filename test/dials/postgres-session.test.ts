/**
 * Sessions with a real server: how a login is refused, what a session may do, that it leaves nothing behind, and the
 * findings of a probe.
 */
import { setImmediate } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PROBE_LIMITS } from '#server/net/postgres/frame-gate.ts'
import { probeDatabase } from '#server/net/postgres/probe.ts'
import { withSession } from '#server/net/postgres/with-session.ts'
import type { Target } from '#shared/connection-string/connection-string.ts'
import { localTarget } from '#test/support/dials/dialling.ts'
import { startHostile } from '#test/support/dials/hostile-postgres.ts'
import {
  type LoginOptions,
  SURROUNDINGS,
  startTlsServers,
  type TlsServers,
  TRUE_PASSWORD,
} from '#test/support/dials/tls-servers.ts'

let at: TlsServers
beforeAll(async () => {
  at = await startTlsServers(['good'])
  for (const name of ['closed', 'shut']) await at.servers.good.createDatabase(name)
  await at.servers.good.query(
    'revoke connect on database closed from public; alter database shut allow_connections false',
  )
})
afterAll(() => at.stop())

describe('A login that is refused', () => {
  it.for<[what: string, asked: LoginOptions, code: string, sqlstate: string, passed: string]>([
    ['a wrong password', { password: 'wrong' }, 'password_refused', '28P01', 'tls'],
    ['an unknown user', { user: 'nobody' }, 'password_refused', '28P01', 'tls'],
    ['a role without LOGIN', { user: 'nologin_role' }, 'role_not_login', '28000', 'authenticate'],
    ['an unknown database', { database: 'nowhere' }, 'database_missing', '3D000', 'authenticate'],
    ['no CONNECT on the database', { database: 'closed' }, 'connect_denied', '42501', 'authenticate'],
    ['a database that allows no connections', { database: 'shut' }, 'database_disabled', '55000', 'authenticate'],
    ['a role that has all its connections', { user: 'crowded' }, 'role_limit_reached', '53300', 'authenticate'],
    [
      'a line in pg_hba.conf that demands TLS',
      { user: 'only_tls', tlsMode: 'disable' },
      'tls_demanded',
      '28000',
      'tls',
    ],
  ])('reports %s', async ([, asked, code, sqlstate, passed]) => {
    const end = await at.within('good', asked, async () => {})
    expect({ failure: end.failure, passed: end.passed }).toEqual({ failure: { code, sqlstate }, passed })
  })

  it.for<[what: string, asked: LoginOptions]>([
    ['a zero byte in the user', { user: 'app\0options\0-c x=y' }],
    ['a zero byte in the database', { database: 'postgres\0' }],
    ['a zero byte in the application name', { applicationName: 'a\0b' }],
    ['a zero byte in the password', { password: 'a\0b' }],
    ['an empty user', { user: '' }],
  ])('is refused before anything is sent for %s', async ([, asked]) => {
    expect((await at.login('good', asked)).code).toBe('string_refused')
  })
})

describe('A login that takes too long', () => {
  it.each(['disable', 'require'] as const)('ends by connect_timeout, with sslmode=%s', async tlsMode => {
    const peer = await startHostile(() => {})
    const target = localTarget(peer.port, { tlsMode, connectTimeoutSeconds: 1 })
    const request = { target, caCertificate: null, deadlineMs: 30_000, limits: PROBE_LIMITS }
    const end = await withSession(request, SURROUNDINGS, async () => {})
    expect(end.failure).toEqual({ code: 'connection_timeout' })
    // Without it, TLS has 5 s, and the login 10 s.
    expect(end.tookMs).toBeLessThan(4_500)
    await peer.stop()
  })
})

describe('A session', () => {
  it('starts with the user, the database, a name and an encoding, since poolers refuse more', async () => {
    const seen: string[][] = []
    const peer = await startHostile(async client => {
      seen.push((await client.startup()).toString('latin1', 4).split('\0'))
      client.socket.destroy()
    })
    for (const extra of [{}, { applicationName: 'ledger', neonEndpoint: 'ep-cool-1' }]) {
      const target = localTarget(peer.port, { tlsMode: 'disable', ...extra })
      await withSession(
        { target, caCertificate: null, deadlineMs: 2_000, limits: PROBE_LIMITS },
        SURROUNDINGS,
        async () => {},
      )
    }
    await peer.stop()
    const base = ['user', 'app', 'database', 'postgres', 'application_name']
    expect(seen).toEqual([
      [...base, 'mooring', 'client_encoding', 'UTF8', '', ''],
      [...base, 'ledger', 'options', 'endpoint=ep-cool-1', 'client_encoding', 'UTF8', '', ''],
    ])
  })

  it('can write nothing', async () => {
    await at.servers.good.query('create table kept(x int); grant insert on kept to app')
    const { failure } = await at.within('good', {}, session => session.query('insert into public.kept values (1)'))
    expect(failure).toEqual({ code: 'server_error', sqlstate: '25006' })
    expect(await at.servers.good.query('select * from kept')).toEqual([])
  })

  it('finds no look-alike of a catalog, whatever search path the database sets', async () => {
    await at.servers.good.query(`
      create schema planted; grant usage on schema planted to app;
      create view planted.pg_roles as select 'planted'::text as rolname; grant select on planted.pg_roles to app;
      alter role app set search_path = planted, pg_catalog`)
    const { result } = await at.within('good', {}, session =>
      session.query("select count(*) from pg_roles where rolname = 'planted'; select current_setting('search_path')"),
    )
    expect(result).toEqual([[['0']], [['pg_catalog, pg_temp']]])
    await at.servers.good.query('alter role app reset search_path')
  })

  it('is cut short by the server itself when a statement takes too long', async () => {
    const { failure } = await at.within('good', { deadlineMs: 5_000 }, async session => {
      const inMs = "select setting from pg_catalog.pg_settings where name = 'statement_timeout'"
      const [[row] = []] = await session.query(inMs)
      // Before our own deadline, so that no statement keeps running there after we leave.
      expect(Number(row?.[0])).toBeGreaterThan(0)
      expect(Number(row?.[0])).toBeLessThanOrEqual(4_800)
      return session.query('select pg_sleep(60)')
    })
    expect(failure).toEqual({ code: 'query_timeout', sqlstate: '57014' })
  })

  it('waits for no lock', async () => {
    await at.servers.good.query('create table locked(x int); grant select on locked to app')
    const holder = new pg.Client({ connectionString: at.servers.good.adminUrl })
    await holder.connect()
    await holder.query('begin; lock table locked')
    const { failure } = await at.within('good', {}, session => session.query('select * from public.locked'))
    await holder.end()
    expect(failure).toEqual({ code: 'query_timeout', sqlstate: '55P03' })
  })

  it('holds no transaction between two queries, and is gone when it is closed', async () => {
    const state = "select state from pg_stat_activity where application_name = 'looked-at'"
    const { result } = await at.within('good', { applicationName: 'looked-at' }, async session => {
      await session.query('select 1')
      return at.servers.good.query(state)
    })
    expect(result).toEqual([{ state: 'idle' }])
    await expect.poll(() => at.servers.good.query(state)).toEqual([])
  })

  it('returns results as text, or row by row at the reader’s pace', async () => {
    const { result } = await at.within('good', {}, async session => {
      const seen: (string | null)[] = []
      let reading = 0
      await session.stream('select i, null from generate_series(1, 300) as i', async row => {
        reading += 1
        expect(reading).toBe(1)
        await setImmediate()
        reading -= 1
        seen.push(row[0] ?? null)
      })
      return {
        seen,
        plain: await session.query("select 1, null, '{\"a\": 1}'::json, '__proto__' as __proto__; select 2"),
      }
    })
    expect(result?.seen).toEqual(Array.from({ length: 300 }, (_, index) => String(index + 1)))
    expect(result?.plain).toEqual([[['1', null, '{"a": 1}', '__proto__']], [['2']]])
  })

  it('reports why it broke to every later query', async () => {
    const { failure } = await at.within('good', { applicationName: 'to-be-ended' }, async session => {
      await session.query('select 1')
      await at.servers.good.query(
        "select pg_terminate_backend(pid, 2000) from pg_stat_activity where application_name = 'to-be-ended'",
      )
      // The backend is gone, and its last message has arrived: the next turns of the loop read it.
      for (let round = 0; round < 10; round += 1) await setImmediate()
      return session.query('select 1')
    })
    expect(failure).toEqual({ code: 'server_starting', sqlstate: '57P01' })
  })
})

describe('A probe', () => {
  const probe = (schema: string | null, target: Partial<Target> = {}) =>
    probeDatabase(
      {
        target: localTarget(at.servers.good.port, { password: TRUE_PASSWORD, ...target }),
        caCertificate: null,
        schema,
        deadlineMs: 5_000,
      },
      SURROUNDINGS,
    )

  it('reports the login, its link and its server', async () => {
    expect(await probe(null)).toMatchObject({
      passed: 'privilege',
      failure: null,
      addresses: ['127.0.0.1'],
      openNetwork: true,
      tls: { protocol: 'TLSv1.3', verified: false },
      channelBound: true,
      facts: { sessionUser: 'app', superuser: false },
      schemaUsable: null,
    })
  })

  it('reports whether the schema exists and is usable, for any name', async () => {
    const odd = `o'; drop table kept; --"\\`
    await at.servers.good.query(`create schema "${odd.replaceAll('"', '""')}"; grant usage on schema "${odd.replaceAll('"', '""')}" to app;
      create schema "größe"; grant usage on schema "größe" to app; create schema private_one`)
    const names = ['public', odd, 'größe', 'private_one', 'nowhere', '', 'x'.repeat(200), "' or true --", '\0']
    const found = await Promise.all(names.map(async name => (await probe(name)).schemaUsable))
    expect(found).toEqual([true, true, true, false, false, false, false, false, false])
    expect((await probe(null)).schemaUsable).toBe(null)
  })

  it('that fails reports how far it came', async () => {
    expect(await probe('public', { password: 'wrong' })).toMatchObject({
      passed: 'tls',
      facts: null,
      schemaUsable: null,
      tls: { protocol: 'TLSv1.3' },
    })
    expect(await probe('public', { port: 5433, host: '10.0.0.1' })).toMatchObject({
      passed: 'parse',
      failure: { code: 'host_refused' },
      addresses: [],
      tls: null,
    })
  })
})
