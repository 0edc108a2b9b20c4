/**
 * Sessions with real servers: what each sslmode verifies, who is given a password, what a session may do and what it
 * leaves behind.
 */
import { once } from 'node:events'
import net from 'node:net'
import tls, { type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDeadline } from '#server/net/deadline.ts'
import { PROBE_LIMITS } from '#server/net/frame-gate.ts'
import { openSession } from '#server/net/postgres.ts'
import { planTls } from '#server/net/postgres-tls.ts'
import { probeDatabase } from '#server/net/probe.ts'
import { createResolver } from '#server/net/resolver.ts'
import type { Session } from '#server/net/session.ts'
import { withSession } from '#server/net/with-session.ts'
import type { Target } from '#shared/connection-string.ts'
import { type Authority, createAuthority, selfSigned } from '#test/support/certificates.ts'
import { LOOPBACK, localTarget } from '#test/support/dialling.ts'
import { OFFER, startHostile } from '#test/support/hostile-postgres.ts'
import { startServer, type TestServer } from '#test/support/postgres.ts'

const PASSWORD = 'Tr0ub4dor-and-3'
const HBA = `
host all trusting 127.0.0.1/32 trust
host all in_clear 127.0.0.1/32 password
host all as_md5 127.0.0.1/32 md5
hostssl all only_tls 127.0.0.1/32 scram-sha-256
hostnossl all only_tls 127.0.0.1/32 reject
host all all 127.0.0.1/32 scram-sha-256
`
const ROLES = `
create role app login password '${PASSWORD}';
create role only_tls login password '${PASSWORD}';
create role in_clear login password '${PASSWORD}';
create role trusting login password '${PASSWORD}';
create role crowded login password '${PASSWORD}' connection limit 0;
create role nologin_role password '${PASSWORD}';
create role "ünï cødé" login password U&'\\00a0p\\00adass\\2460';
set password_encryption = 'md5';
create role as_md5 login password '${PASSWORD}';
`

type ServerName = 'good' | 'expired' | 'wrongName' | 'selfSigned' | 'plain'
let servers: Record<ServerName, TestServer>
let authority: Authority
const surroundings = { policy: LOOPBACK, resolver: createResolver({ servers: [], timeoutMs: 2_000 }) }

beforeAll(async () => {
  authority = await createAuthority('An authority of the tests')
  const here = { names: ['localhost'], addresses: ['127.0.0.1'] }
  const pairs = {
    good: await authority.issue(here),
    expired: await authority.issue({ ...here, fromDays: -9, toDays: -2 }),
    wrongName: await authority.issue({ names: ['elsewhere.example'], addresses: ['127.0.0.2'] }),
    selfSigned: await selfSigned(here),
  }
  const [good, expired, wrongName, own, plain] = await Promise.all([
    ...Object.values(pairs).map(pair => startServer({ tls: pair, hba: HBA })),
    startServer({ hba: HBA }),
  ])
  if (!good || !expired || !wrongName || !own || !plain) throw new Error('five servers were started')
  servers = { good, expired, wrongName, selfSigned: own, plain }
  await Promise.all(Object.values(servers).map(server => server.query(ROLES)))
  for (const name of ['closed', 'shut']) await good.createDatabase(name)
  await good.query('revoke connect on database closed from public; alter database shut allow_connections false')
})
afterAll(() => Promise.all(Object.values(servers).map(server => server.stop())))

interface Asked extends Partial<Target> {
  readonly caCertificate?: string | null
  readonly deadlineMs?: number
}

/** Opens a session with one of the servers, in this process, and works in it. */
function within<T>(
  at: ServerName,
  { caCertificate = null, deadlineMs = 5_000, ...target }: Asked,
  work: (session: Session) => Promise<T>,
) {
  const dial = {
    target: localTarget(servers[at].port, { password: PASSWORD, ...target }),
    caCertificate,
    deadlineMs,
    limits: PROBE_LIMITS,
  }
  return withSession(dial, surroundings, work)
}

/** How logging in there ends. */
async function login(at: ServerName, asked: Asked = {}) {
  const { failure, tls: secured, channelBound, passed } = await within(at, asked, async () => true)
  return {
    code: failure?.code ?? 'in',
    tls: secured !== null,
    verified: secured?.verified ?? false,
    channelBound,
    passed,
  }
}

describe('sslmode', () => {
  const OK = 'in'
  const U = 'certificate_untrusted'
  const E = 'certificate_expired'
  const N = 'certificate_name_mismatch'
  const T = 'tls_not_offered'
  it.for<[Target['tlsMode'], ca: boolean, ...string[]]>([
    // mode, CA given          good expired wrong-name self-signed no TLS
    ['disable', false, OK, OK, OK, OK, OK],
    ['allow', false, OK, OK, OK, OK, OK],
    ['prefer', false, OK, OK, OK, OK, OK],
    ['require', false, OK, OK, OK, OK, T],
    ['require', true, OK, E, OK, U, T],
    ['verify-ca', true, OK, E, OK, U, T],
    ['verify-ca', false, U, E, U, U, T],
    ['verify-full', true, OK, E, N, U, T],
    ['verify-full', false, U, E, U, U, T],
  ])('%s with a CA (%s) lets in: %s %s %s %s %s', async ([tlsMode, ca, ...expected]) => {
    const caCertificate = ca ? authority.cert : null
    const found = await Promise.all(
      (['good', 'expired', 'wrongName', 'selfSigned', 'plain'] as const).map(at =>
        login(at, { tlsMode, caCertificate }),
      ),
    )
    expect(found.map(one => one.code)).toEqual(expected)
    const encrypted = found.filter(one => one.code === 'in').map(one => one.tls)
    expect(encrypted).toEqual(encrypted.map((_, index) => tlsMode !== 'disable' && index < 4))
  })

  it('tells whether the chain was verified', async () => {
    expect(await login('good')).toMatchObject({ tls: true, verified: false })
    expect(await login('good', { caCertificate: authority.cert })).toMatchObject({ tls: true, verified: true })
  })

  it('verifies a name, and tells the server which, where the host is one', async () => {
    const asked = { host: 'localhost', tlsMode: 'verify-full', caCertificate: authority.cert } as const
    expect((await login('good', asked)).code).toBe('in')
    expect((await login('wrongName', asked)).code).toBe('certificate_name_mismatch')
    const names: (string | false | null)[] = []
    const pair = await selfSigned({ names: ['localhost'] })
    const peer = await startHostile(async client => {
      await client.encrypt(pair)
      // After `encrypt` it is one.
      names.push((client.socket as TLSSocket).servername)
      client.socket.destroy()
    })
    for (const host of ['localhost', '127.0.0.1']) {
      const target = localTarget(peer.port, { host })
      await withSession(
        { target, caCertificate: null, deadlineMs: 2_000, limits: PROBE_LIMITS },
        surroundings,
        async () => {},
      )
    }
    await peer.stop()
    expect(names).toEqual(['localhost', false])
  })

  it('takes nothing for a CA that is none', async () => {
    for (const caCertificate of ['', 'no PEM', authority.cert.replace(/[A-Za-z]{9}/g, 'AAAAAAAAA')]) {
      expect((await login('good', { tlsMode: 'verify-full', caCertificate })).code).toBe('certificate_untrusted')
    }
  })

  it('means require for prefer and allow, and nothing for disable, where the network is not opened', () => {
    const closed = { open: false, caGiven: false }
    const encrypted = { encrypt: 'always', verifyChain: false, verifyName: false }
    expect([planTls('prefer', closed), planTls('allow', closed), planTls('require', closed)]).toEqual([
      encrypted,
      encrypted,
      encrypted,
    ])
    expect(planTls('prefer', { open: false, caGiven: true })).toEqual({ ...encrypted, verifyChain: true })
    expect(() => planTls('disable', closed)).toThrow('tls_required')
  })

  it('sends nothing in clear where the network is not opened', async () => {
    const heard: Buffer[] = []
    const peer = await startHostile(async client => {
      heard.push(await client.startup())
      client.send('N')
    })
    for (const [tlsMode, code] of [
      ['disable', 'tls_required'],
      ['prefer', 'tls_not_offered'],
      ['allow', 'tls_not_offered'],
    ] as const) {
      const socket = net.connect(peer.port, '127.0.0.1')
      await once(socket, 'connect')
      const deadline = createDeadline(2_000)
      const progress = { passed: null, addresses: [], openNetwork: false, tls: null, channelBound: false }
      const target = localTarget(peer.port, { tlsMode })
      const request = { target, caCertificate: null, limits: PROBE_LIMITS, deadline, progress }
      await expect(openSession({ socket, address: '127.0.0.1', open: false }, request)).rejects.toThrow(code)
      deadline.stop()
      expect(socket.destroyed).toBe(true)
    }
    await peer.idle()
    await peer.stop()
    // Two requests for TLS, of eight bytes each.
    expect(peer.received()).toHaveLength(16)
  })

  it('goes into TLS directly where that is asked for', async () => {
    const older = await startServer({ major: 16, tls: await selfSigned({}), hba: HBA })
    await older.query(ROLES)
    const sslNegotiation = 'direct'
    expect(await login('good', { sslNegotiation })).toMatchObject({ code: 'in', tls: true, channelBound: true })
    const target = localTarget(older.port, { sslNegotiation, password: PASSWORD })
    const dial = { target, caCertificate: null, deadlineMs: 3_000, limits: PROBE_LIMITS }
    const { failure } = await withSession(dial, surroundings, async () => {})
    await older.stop()
    expect(failure?.code).toBe('tls_handshake_failed')
  })
})

describe('A password', () => {
  it('is proven by SCRAM, bound to the TLS session wherever the server offers it', async () => {
    expect(await login('good')).toMatchObject({ code: 'in', channelBound: true })
    expect(await login('good', { channelBinding: 'require' })).toMatchObject({ code: 'in', channelBound: true })
    expect(await login('good', { channelBinding: 'disable' })).toMatchObject({ code: 'in', channelBound: false })
    expect(await login('plain', { tlsMode: 'disable' })).toMatchObject({ code: 'in', channelBound: false })
    expect(await login('good', { user: 'only_tls' })).toMatchObject({ code: 'in' })
  })

  it('is not even proven where channel_binding=require cannot be had', async () => {
    const channelBinding = 'require'
    expect(await login('plain', { tlsMode: 'disable', channelBinding })).toMatchObject({
      code: 'channel_binding_missing',
      passed: 'tls',
    })
    const asked = { channelBinding, tlsMode: 'verify-full', caCertificate: authority.cert, user: 'in_clear' } as const
    expect(await login('good', asked)).toMatchObject({ code: 'channel_binding_missing' })
  })

  it.for(['in_clear', 'as_md5'])(
    'for a role that logs in %s goes to a server that is verified by chain and name alone',
    async user => {
      const caCertificate = authority.cert
      expect((await login('good', { user, tlsMode: 'disable' })).code).toBe('password_exposed')
      expect((await login('plain', { user, tlsMode: 'prefer' })).code).toBe('password_exposed')
      expect((await login('good', { user })).code).toBe('server_unverified')
      expect((await login('wrongName', { user, tlsMode: 'verify-ca', caCertificate })).code).toBe('server_unverified')
      expect((await login('good', { user, tlsMode: 'verify-ca', caCertificate })).code).toBe('in')
      expect((await login('good', { user, tlsMode: 'verify-full', caCertificate })).code).toBe('in')
      const wrong = { user, tlsMode: 'verify-full', caCertificate, password: 'wrong' } as const
      expect((await login('good', wrong)).code).toBe('password_refused')
    },
  )

  it('must be known to the server: one that lets anybody in is refused', async () => {
    const asked = { user: 'trusting', tlsMode: 'verify-full', caCertificate: authority.cert } as const
    expect(await login('good', asked)).toMatchObject({ code: 'server_not_proven', passed: 'tls' })
  })

  it('may be in any script, normalised as PostgreSQL does', async () => {
    expect((await login('good', { user: 'ünï cødé', password: ' pass1' })).code).toBe('in')
  })

  it('cannot be relayed to the true server by a man in the middle, for SCRAM is bound to his certificate', async () => {
    const refused = { failure: { code: 'login_refused', sqlstate: '28000' }, passed: 'tls' }
    expect(await throughTheMiddle('prefer')).toEqual(refused)
    const withoutBinding = (bytes: Buffer) => {
      const offers = bytes.includes('SCRAM-SHA-256-PLUS')
      return offers ? OFFER : bytes
    }
    expect(await throughTheMiddle('prefer', withoutBinding)).toEqual(refused)
    // What the binding is worth: without it he reads and writes along.
    expect(await throughTheMiddle('disable')).toEqual({ failure: null, passed: 'privilege' })
  })

  async function throughTheMiddle(channelBinding: Target['channelBinding'], alter?: (bytes: Buffer) => Buffer) {
    const pair = await selfSigned({ addresses: ['127.0.0.1'] })
    const middle = await startHostile(async client => {
      const onward = await encryptedTo(servers.good.port)
      await client.encrypt(pair)
      client.relay(onward, alter)
    })
    const target = localTarget(middle.port, { password: PASSWORD, channelBinding })
    const dial = { target, caCertificate: null, deadlineMs: 3_000, limits: PROBE_LIMITS }
    const { failure, passed } = await withSession(dial, surroundings, session => session.query('select 1'))
    await middle.stop()
    return { failure, passed }
  }
})

describe('A login that is refused', () => {
  it.for<[what: string, asked: Asked, code: string, sqlstate: string, passed: string]>([
    ['a wrong password', { password: 'wrong' }, 'password_refused', '28P01', 'tls'],
    ['an unknown user', { user: 'nobody' }, 'password_refused', '28P01', 'tls'],
    ['a role without LOGIN', { user: 'nologin_role' }, 'login_refused', '28000', 'authenticate'],
    ['an unknown database', { database: 'nowhere' }, 'database_missing', '3D000', 'authenticate'],
    ['no CONNECT on the database', { database: 'closed' }, 'connect_denied', '42501', 'authenticate'],
    ['a database that allows no connections', { database: 'shut' }, 'connect_denied', '55000', 'authenticate'],
    ['a role that has all its connections', { user: 'crowded' }, 'too_many_connections', '53300', 'authenticate'],
    ['no line in pg_hba.conf', { user: 'only_tls', tlsMode: 'disable' }, 'login_refused', '28000', 'tls'],
  ])('says %s', async ([, asked, code, sqlstate, passed]) => {
    const end = await within('good', asked, async () => {})
    expect({ failure: end.failure, passed: end.passed }).toEqual({ failure: { code, sqlstate }, passed })
  })

  it.for<[what: string, asked: Asked]>([
    ['a zero byte in the user', { user: 'app\0options\0-c x=y' }],
    ['a zero byte in the database', { database: 'postgres\0' }],
    ['a zero byte in the application name', { applicationName: 'a\0b' }],
    ['a zero byte in the password', { password: 'a\0b' }],
    ['an empty user', { user: '' }],
  ])('comes before anything is sent for %s', async ([, asked]) => {
    expect((await login('good', asked)).code).toBe('string_refused')
  })
})

describe('A session', () => {
  it('starts with the user, the database, a name and an encoding, for poolers refuse more', async () => {
    const seen: string[][] = []
    const peer = await startHostile(async client => {
      seen.push((await client.startup()).toString('latin1', 4).split('\0'))
      client.socket.destroy()
    })
    for (const extra of [{}, { applicationName: 'ledger', neonEndpoint: 'ep-cool-1' }]) {
      const target = localTarget(peer.port, { tlsMode: 'disable', ...extra })
      await withSession(
        { target, caCertificate: null, deadlineMs: 2_000, limits: PROBE_LIMITS },
        surroundings,
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
    await servers.good.query('create table kept(x int); grant insert on kept to app')
    const { failure } = await within('good', {}, session => session.query('insert into public.kept values (1)'))
    expect(failure).toEqual({ code: 'server_error', sqlstate: '25006' })
    expect(await servers.good.query('select * from kept')).toEqual([])
  })

  it('finds no look-alike of a catalog, whatever the database says about its search path', async () => {
    await servers.good.query(`
      create schema planted; grant usage on schema planted to app;
      create view planted.pg_roles as select 'planted'::text as rolname; grant select on planted.pg_roles to app;
      alter role app set search_path = planted, pg_catalog`)
    const { result } = await within('good', {}, session =>
      session.query("select count(*) from pg_roles where rolname = 'planted'; select current_setting('search_path')"),
    )
    expect(result).toEqual([[['0']], [['pg_catalog, pg_temp']]])
    await servers.good.query('alter role app reset search_path')
  })

  it('is cut short by the server itself when a statement takes too long', async () => {
    const started = performance.now()
    const { failure } = await within('good', { deadlineMs: 1_000 }, session => session.query('select pg_sleep(60)'))
    expect(failure).toEqual({ code: 'query_timeout', sqlstate: '57014' })
    expect(performance.now() - started).toBeLessThan(1_500)
  })

  it('waits for no lock', async () => {
    await servers.good.query('create table locked(x int); grant select on locked to app')
    const { failure } = await within('good', {}, async session => {
      const holder = within('good', { user: 'app' }, async other => other.query('select pg_sleep(1.5)'))
      const locked = servers.good.query('begin; lock table locked; select pg_sleep(1.5); commit')
      try {
        return await session.query('select pg_sleep(0.3); select * from public.locked')
      } finally {
        await Promise.all([holder, locked])
      }
    })
    expect(failure).toEqual({ code: 'query_timeout', sqlstate: '55P03' })
  })

  it('holds no transaction between two questions, and is gone when it is closed', async () => {
    const state = "select state from pg_stat_activity where application_name = 'looked-at'"
    const { result } = await within('good', { applicationName: 'looked-at' }, async session => {
      await session.query('select 1')
      return servers.good.query(state)
    })
    expect(result).toEqual([{ state: 'idle' }])
    await expect.poll(() => servers.good.query(state)).toEqual([])
  })

  it('gives what is asked as text, or row by row while nobody is in a hurry', async () => {
    const { result } = await within('good', {}, async session => {
      const seen: (string | null)[] = []
      let reading = 0
      await session.stream('select i, null from generate_series(1, 300) as i', async row => {
        reading += 1
        expect(reading).toBe(1)
        await new Promise(resolve => setImmediate(resolve))
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

  it('says why it broke to whatever is asked next', async () => {
    const { failure } = await within('good', { applicationName: 'to-be-ended' }, async session => {
      await session.query('select 1')
      await servers.good.query(
        "select pg_terminate_backend(pid, 2000) from pg_stat_activity where application_name = 'to-be-ended'",
      )
      await new Promise(resolve => setTimeout(resolve, 50))
      return session.query('select 1')
    })
    expect(failure).toEqual({ code: 'server_starting', sqlstate: '57P01' })
  })
})

describe('A probe', () => {
  const probe = (schema: string | null, target: Partial<Target> = {}) =>
    probeDatabase(
      {
        target: localTarget(servers.good.port, { password: PASSWORD, ...target }),
        caCertificate: null,
        schema,
        deadlineMs: 5_000,
      },
      surroundings,
    )

  it('tells what the login is, over which link, and where', async () => {
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

  it('tells whether the schema is there and usable, whatever its name', async () => {
    const odd = `o'; drop table kept; --"\\`
    await servers.good.query(`create schema "${odd.replaceAll('"', '""')}"; grant usage on schema "${odd.replaceAll('"', '""')}" to app;
      create schema "größe"; grant usage on schema "größe" to app; create schema private_one`)
    const names = ['public', odd, 'größe', 'private_one', 'nowhere', '', 'x'.repeat(200), "' or true --", '\0']
    const found = await Promise.all(names.map(async name => (await probe(name)).schemaUsable))
    expect(found).toEqual([true, true, true, false, false, false, false, false, false])
    expect((await probe(null)).schemaUsable).toBe(null)
  })

  it('that fails tells how far it came', async () => {
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

/** A TLS session of one's own with a true server. */
async function encryptedTo(port: number): Promise<TLSSocket> {
  const raw = net.connect(port, '127.0.0.1')
  raw.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]))
  await once(raw, 'data')
  const encrypted = tls.connect({ socket: raw, rejectUnauthorized: false })
  await once(encrypted, 'secureConnect')
  return encrypted
}
