/**
 * The checks of each sslmode with real servers, and the servers
 * that get a password, in clear, hashed or as a proof.
 */
import { once } from 'node:events'
import net from 'node:net'
import tls, { type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PROBE_LIMITS } from '#server/net/postgres/frame-gate.ts'
import { openSession } from '#server/net/postgres/postgres.ts'
import { planTls } from '#server/net/postgres/postgres-tls.ts'
import { withSession } from '#server/net/postgres/with-session.ts'
import { createDeadline } from '#server/net/socket/deadline.ts'
import type { Target } from '#shared/connection-string/connection-string.ts'
import { startServer } from '#test/support/database/postgres.ts'
import { selfSigned } from '#test/support/dials/certificates.ts'
import { localTarget } from '#test/support/dials/dialling.ts'
import { OFFER, startHostile } from '#test/support/dials/hostile-postgres.ts'
import {
  type ServerName,
  SURROUNDINGS,
  startTlsServers,
  type TlsServers,
  TRUE_PASSWORD,
} from '#test/support/dials/tls-servers.ts'

const NAMES = ['good', 'expired', 'wrongName', 'selfSigned', 'plain'] as const satisfies ServerName[]

let at: TlsServers
beforeAll(async () => {
  at = await startTlsServers(NAMES)
})
afterAll(() => at.stop())

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
  ])('%s with a CA (%s) accepts: %s %s %s %s %s', async ([tlsMode, ca, ...expected]) => {
    const caCertificate = ca ? at.authority.cert : null
    const found = await Promise.all(NAMES.map(name => at.login(name, { tlsMode, caCertificate })))
    expect(found.map(one => one.code)).toEqual(expected)
    const encrypted = found.filter(one => one.code === 'in').map(one => one.tls)
    expect(encrypted).toEqual(encrypted.map((_, index) => tlsMode !== 'disable' && index < 4))
  })

  it('reports whether the chain was verified', async () => {
    expect(await at.login('good')).toMatchObject({ tls: true, verified: false })
    expect(await at.login('good', { caCertificate: at.authority.cert })).toMatchObject({ tls: true, verified: true })
  })

  it('verifies a name, and sends it to the server, when the host is one', async () => {
    const asked = { host: 'localhost', tlsMode: 'verify-full', caCertificate: at.authority.cert } as const
    expect((await at.login('good', asked)).code).toBe('in')
    expect((await at.login('wrongName', asked)).code).toBe('certificate_name_mismatch')
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
        SURROUNDINGS,
        async () => {},
      )
    }
    await peer.stop()
    expect(names).toEqual(['localhost', false])
  })

  it('accepts as a CA only a certificate of one', async () => {
    for (const caCertificate of ['', 'no PEM', at.authority.cert.replace(/[A-Za-z]{9}/g, 'AAAAAAAAA')]) {
      expect((await at.login('good', { tlsMode: 'verify-full', caCertificate })).code).toBe('certificate_untrusted')
    }
  })

  it('means require for prefer and allow, and nothing for disable, unless the network is opened', () => {
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

  it('sends nothing in clear unless the network is opened', async () => {
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
      const progress = {
        passed: null,
        addresses: [],
        address: null,
        openNetwork: false,
        tls: null,
        channelBound: false,
      }
      const target = localTarget(peer.port, { tlsMode })
      const request = { target, caCertificate: null, limits: PROBE_LIMITS, deadline, progress, connectBy: Infinity }
      await expect(openSession({ socket, address: '127.0.0.1', open: false }, request)).rejects.toThrow(code)
      deadline.stop()
      expect(socket.destroyed).toBe(true)
    }
    await peer.idle()
    await peer.stop()
    // Two requests for TLS, of eight bytes each.
    expect(peer.received()).toHaveLength(16)
  })

  it('starts TLS directly when the string asks for that', async () => {
    const older = await startServer({ major: 16, tls: await selfSigned({}) })
    const sslNegotiation = 'direct'
    expect(await at.login('good', { sslNegotiation })).toMatchObject({ code: 'in', tls: true, channelBound: true })
    const target = localTarget(older.port, { sslNegotiation, password: TRUE_PASSWORD })
    const dial = { target, caCertificate: null, deadlineMs: 3_000, limits: PROBE_LIMITS }
    const { failure } = await withSession(dial, SURROUNDINGS, async () => {})
    await older.stop()
    expect(failure?.code).toBe('tls_handshake_failed')
  })
})

describe('A password', () => {
  it('is proven by SCRAM, bound to the TLS session when the server offers it', async () => {
    expect(await at.login('good')).toMatchObject({ code: 'in', channelBound: true })
    expect(await at.login('good', { channelBinding: 'require' })).toMatchObject({ code: 'in', channelBound: true })
    expect(await at.login('good', { channelBinding: 'disable' })).toMatchObject({ code: 'in', channelBound: false })
    expect(await at.login('plain', { tlsMode: 'disable' })).toMatchObject({ code: 'in', channelBound: false })
    expect(await at.login('good', { user: 'only_tls' })).toMatchObject({ code: 'in' })
  })

  it('is not even proven when channel_binding=require cannot be met', async () => {
    const channelBinding = 'require'
    expect(await at.login('plain', { tlsMode: 'disable', channelBinding })).toMatchObject({
      code: 'channel_binding_missing',
      passed: 'tls',
    })
    const asked = {
      channelBinding,
      tlsMode: 'verify-full',
      caCertificate: at.authority.cert,
      user: 'in_clear',
    } as const
    expect(await at.login('good', asked)).toMatchObject({ code: 'channel_binding_missing' })
  })

  it.for(['in_clear', 'as_md5'])(
    'for a role that logs in %s goes to no server under a CA that a caller named',
    async user => {
      const caCertificate = at.authority.cert
      expect((await at.login('good', { user, tlsMode: 'disable' })).code).toBe('password_exposed')
      expect((await at.login('plain', { user, tlsMode: 'prefer' })).code).toBe('password_exposed')
      expect((await at.login('good', { user })).code).toBe('server_unverified')
      const ends = async (server: 'good' | 'wrongName', tlsMode: 'verify-ca' | 'verify-full') =>
        (await at.login(server, { user, tlsMode, caCertificate })).code
      expect(await ends('good', 'verify-full')).toBe('password_under_named_ca')
      expect(await ends('good', 'verify-ca')).toBe('password_under_named_ca')
      expect(await ends('wrongName', 'verify-ca')).toBe('password_under_named_ca')
      expect(await ends('wrongName', 'verify-full')).toBe('certificate_name_mismatch')
    },
  )

  it('must be known to the server: one that accepts any password is refused', async () => {
    const asked = { user: 'trusting', tlsMode: 'verify-full', caCertificate: at.authority.cert } as const
    expect(await at.login('good', asked)).toMatchObject({ code: 'server_not_proven', passed: 'tls' })
  })

  it('may be in any script, normalised as PostgreSQL does', async () => {
    expect((await at.login('good', { user: 'ünï cødé', password: ' pass1' })).code).toBe('in')
  })

  it('cannot be relayed to the true server by a man in the middle, since SCRAM is bound to the attacker’s certificate', async () => {
    const refused = { failure: { code: 'login_refused', sqlstate: '28000' }, passed: 'tls' }
    expect(await throughTheMiddle('prefer')).toEqual(refused)
    const withoutBinding = (bytes: Buffer) => {
      const offers = bytes.includes('SCRAM-SHA-256-PLUS')
      return offers ? OFFER : bytes
    }
    expect(await throughTheMiddle('prefer', withoutBinding)).toEqual(refused)
    // Without the binding, the attacker reads and writes along.
    expect(await throughTheMiddle('disable')).toEqual({ failure: null, passed: 'privilege' })
  })

  async function throughTheMiddle(channelBinding: Target['channelBinding'], alter?: (bytes: Buffer) => Buffer) {
    const pair = await selfSigned({ addresses: ['127.0.0.1'] })
    const middle = await startHostile(async client => {
      const onward = await encryptedTo(at.servers.good.port)
      await client.encrypt(pair)
      client.relay(onward, alter)
    })
    const target = localTarget(middle.port, { password: TRUE_PASSWORD, channelBinding })
    const dial = { target, caCertificate: null, deadlineMs: 3_000, limits: PROBE_LIMITS }
    const { failure, passed } = await withSession(dial, SURROUNDINGS, session => session.query('select 1'))
    await middle.stop()
    return { failure, passed }
  }
})

/** The test's own TLS session with a true server. */
async function encryptedTo(port: number): Promise<TLSSocket> {
  const raw = net.connect(port, '127.0.0.1')
  raw.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]))
  await once(raw, 'data')
  const encrypted = tls.connect({ socket: raw, rejectUnauthorized: false })
  await once(encrypted, 'secureConnect')
  return encrypted
}
