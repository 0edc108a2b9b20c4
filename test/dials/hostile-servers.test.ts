/**
 * Every known way in which a malicious server hurts a PostgreSQL client, played by a fake one. Each ends in a code of
 * our list within the deadline, with the worker's memory bounded, nothing of the password given away and none of the
 * server's text accepted.
 */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Probe } from '#server/domain/checks/probe.ts'
import type { Target } from '#shared/connection-string/connection-string.ts'
import type { FailureCode } from '#shared/faults/failure.ts'
import { selfSigned } from '#test/support/dials/certificates.ts'
import { localTarget, type TestDialler, testDialler } from '#test/support/dials/dialling.ts'
import {
  columns,
  DONE,
  failure,
  frame,
  header,
  int16,
  LOGIN_OK,
  OFFER,
  READY,
  row,
  type Script,
  startHostile,
} from '#test/support/dials/hostile-postgres.ts'
import {
  answer,
  challenge,
  flood,
  greet,
  iterations,
  SHARED_PASSWORD as PASSWORD,
  toTls,
  welcome,
} from '#test/support/dials/hostile-scripts.ts'
import { md5Password } from '#test/support/dials/scram-server.ts'

const DEADLINE_MS = 1_000
/** For cases that should end before their deadline: a machine that is busy for a second is no hostile server. */
const ENOUGH_MS = 10_000
const GROWTH_BYTES = 32 << 20
const CANARY = 'these-are-the-servers-words'
const SALT = Buffer.from([1, 2, 3, 4])

/** A line of the list: the server's behaviour, the result, and how it is dialled (in clear by default). */
type Line = readonly [does: string, ends: FailureCode, script: Script, target?: Partial<Target>]

let dialler: TestDialler

beforeAll(() => {
  dialler = testDialler({ children: 3 })
})
afterAll(() => dialler.close())

/** Dials a server that runs the script, and returns the result. */
async function endure(script: Script, target: Partial<Target> = {}, deadlineMs = ENOUGH_MS) {
  await dialler.ready()
  const server = await startHostile(script)
  const before = process.memoryUsage.rss()
  const peak = { bytes: before }
  const sampler = setInterval(() => {
    peak.bytes = Math.max(peak.bytes, process.memoryUsage.rss())
  }, 20)
  const started = performance.now()
  const wanted = localTarget(server.port, { tlsMode: 'disable', password: PASSWORD, ...target })
  const probe = await dialler.probe({ target: wanted, caCertificate: null, schema: 'app', deadlineMs })
  const elapsedMs = performance.now() - started
  await server.idle()
  clearInterval(sampler)
  await server.stop()
  const grown = Math.max(peak.bytes, process.memoryUsage.rss()) - before
  return { probe, inTime: elapsedMs < deadlineMs + 1_000, bounded: grown < GROWTH_BYTES, heard: server.received() }
}

/** The forms of the password in a text, and whether the server's own words are in it. */
function leaks(heard: Buffer, probe: Probe): string[] {
  const sent = heard.toString('latin1')
  const reported = JSON.stringify(probe)
  const forms = [PASSWORD, Buffer.from(PASSWORD).toString('base64'), md5Password('app', PASSWORD, SALT)]
  return [
    ...forms.filter(form => sent.includes(form) || reported.includes(form)),
    ...[CANARY, createHash('md5').update(PASSWORD).digest('hex')].filter(text => reported.includes(text)),
  ]
}

function endures(title: string, lines: readonly Line[]): void {
  describe(title, () => {
    it.for(lines)('%s: %s', async ([, ends, script, target]) => {
      const { probe, inTime, bounded, heard } = await endure(
        script,
        target,
        ends.endsWith('_timeout') ? DEADLINE_MS : ENOUGH_MS,
      )
      expect({ code: probe.failure?.code, inTime, bounded, leaked: leaks(heard, probe) }).toEqual({
        code: ends,
        inTime: true,
        bounded: true,
        leaked: [],
      })
    })
  })
}

const MD5_REQUEST = frame('R', 5, SALT)
const CLEARTEXT_REQUEST = frame('R', 3)
const RAW = { C: '28P01', S: 'FATAL', V: 'FATAL' }

endures('A server that is after the password', [
  ['asks for it in clear', 'password_exposed', greet(CLEARTEXT_REQUEST)],
  ['asks for it as MD5', 'password_exposed', greet(MD5_REQUEST)],
  ['offers SASL and asks for it in clear', 'password_exposed', greet(OFFER, CLEARTEXT_REQUEST)],
  ['offers SASL and asks for it as MD5', 'password_exposed', greet(OFFER, MD5_REQUEST)],
  ['asks for it in clear after the proof', 'password_exposed', challenge(() => [CLEARTEXT_REQUEST])],
  ['asks for a proof of 1 iteration', 'scram_iterations', iterations(',i=1')],
  ['asks for a proof of 4,095 iterations', 'scram_iterations', iterations(',i=4095')],
  ['asks for a proof of 100,001 iterations', 'scram_iterations', iterations(',i=100001')],
  ['asks for a proof of 2³¹ iterations', 'scram_iterations', iterations(',i=2147483648')],
  ['asks for a proof of 0 iterations', 'scram_iterations', iterations(',i=0')],
  ['names two counts of iterations', 'protocol_violation', iterations(',i=4096,i=1')],
  ['adds an extension to the challenge', 'protocol_violation', iterations(',i=4096,m=x')],
  ['changes the nonce of the client', 'protocol_violation', greet(OFFER, frame('R', 11, 'r=abc,s=AAAA,i=4096'))],
  ['asks for Kerberos', 'authentication_method', greet(frame('R', 7))],
  ['offers no mechanism that we support', 'authentication_method', greet(frame('R', 10, 'OAUTHBEARER\0\0'))],
])

endures('A server that does not know the password', [
  ['says Ok at once', 'server_not_proven', greet(LOGIN_OK, READY)],
  ['begins SASL and says Ok', 'server_not_proven', greet(OFFER, LOGIN_OK, READY)],
  ['says Ok to the proof, without its own', 'server_not_proven', challenge(() => [LOGIN_OK, READY])],
  [
    'sends a wrong signature',
    'server_not_proven',
    challenge(() => [frame('R', 12, `v=${Buffer.alloc(32, 7).toString('base64')}`), LOGIN_OK, READY]),
  ],
  ['sends an empty signature', 'protocol_violation', challenge(() => [frame('R', 12, 'v='), LOGIN_OK, READY])],
  [
    'sends its signature before the proof',
    'protocol_violation',
    greet(OFFER, frame('R', 12, `v=${Buffer.alloc(32, 7).toString('base64')}`)),
  ],
  ['says that the proof is wrong', 'password_refused', challenge(() => [frame('R', 12, 'e=invalid-proof')])],
])

endures('A server that breaks the protocol', [
  ['sends an unknown authentication code', 'protocol_violation', greet(frame('R', 99))],
  ['sends a truncated authentication code', 'protocol_violation', greet(frame('R', 'ab'))],
  ['offers mechanisms without an end', 'protocol_violation', greet(frame('R', 10, 'SCRAM-SHA-256'))],
  ['says Ok with something behind it', 'protocol_violation', challenge(() => [frame('R', 0, 'x')])],
  ['is ready before the login', 'not_postgres', greet(READY)],
  ['is ready in the middle of the login', 'protocol_violation', greet(OFFER, READY)],
  ['sends a negative column count', 'protocol_violation', answer(frame('T', int16(-1)))],
  ['sends a truncated column count', 'protocol_violation', answer(frame('T', 'a'))],
  ['sends more columns than it describes', 'protocol_violation', answer(frame('T', int16(3), 'a\0', Buffer.alloc(18)))],
  ['sends a row without description', 'protocol_violation', answer(row('a'))],
  ['sends a row of other columns', 'protocol_violation', answer(columns('a', 'b'), row('a'))],
  ['sends a negative column count in a row', 'protocol_violation', answer(columns('a'), frame('D', int16(-1)))],
  ['sends a value longer than its row', 'protocol_violation', answer(columns('a'), frame('D', int16(1), 9, 'ab'))],
  ['sends a value of length -2', 'protocol_violation', answer(columns('a'), frame('D', int16(1), -2))],
  ['sends a binary column', 'protocol_violation', answer(frame('T', int16(1), 'a\0', Buffer.alloc(17), '\x01'))],
  ['sends an error without terminator', 'protocol_violation', greet(frame('E', `M${CANARY}`))],
  ['sends an error without anything', 'protocol_violation', greet(frame('E'))],
  ['sends a notice without terminator', 'protocol_violation', answer(frame('N', `M${CANARY}\0`))],
  ['begins with a frame of length 0', 'not_postgres', greet(header('R', 0))],
  ['sends a frame of length 0', 'protocol_violation', answer(header('D', 0))],
  ['sends a frame of length 3', 'protocol_violation', welcome(header('S', 3))],
  ['sends parameters without terminator', 'protocol_violation', welcome(frame('S', 'a\0b'))],
  ['answers with COPY IN', 'protocol_violation', answer(frame('G', '\0', int16(0)))],
  ['answers with COPY OUT', 'protocol_violation', answer(frame('H', '\0', int16(0)))],
  ['answers with COPY data', 'protocol_violation', answer(frame('d', 'data'))],
  ['answers with a notification', 'protocol_violation', answer(frame('A', 7, 'channel\0payload\0'))],
  ['answers with an unknown kind of message', 'protocol_violation', answer(frame('@', 'x'))],
  ['answers before it is asked', 'protocol_violation', welcome(READY, columns('a'), row('x'), DONE, READY)],
  ['goes on with rows after an error', 'password_refused', answer(columns('a'), failure(RAW), row('x'))],
  ['ends an answer in the middle of a result', 'protocol_violation', answer(columns('a'), row('x'), READY)],
])

endures('A server that sends too much', [
  ['declares 4 GB at once', 'not_postgres', flood(Buffer.alloc(65536), async p => greet(header('R', 0xffffffff))(p))],
  [
    'declares an error of 4 GB',
    'response_too_large',
    flood(Buffer.alloc(65536), async p => greet(OFFER, header('E', 0xffffffff))(p)),
  ],
  [
    'declares a row of 4 GB',
    'response_too_large',
    flood(Buffer.alloc(65536), async p => answer(columns('a'), header('D', 0xffffffff))(p)),
  ],
  [
    'declares a row of 2 GB',
    'response_too_large',
    flood(Buffer.alloc(65536), async p => answer(columns('a'), header('D', 0x7fffffff))(p)),
  ],
  ['floods rows', 'response_too_large', flood(row('x'.repeat(9)), async p => answer(columns('a'))(p))],
  ['floods large rows', 'response_too_large', flood(row('x'.repeat(1e6)), async p => answer(columns('a'))(p))],
  ['floods empty rows', 'response_too_large', flood(frame('D', int16(0)), async p => answer(frame('T', int16(0)))(p))],
  ['floods results', 'response_too_large', flood(Buffer.concat([columns('a'), DONE]), p => p.untilQuery(PASSWORD))],
  ['floods empty results', 'response_too_large', flood(Buffer.concat([DONE, DONE]), p => p.untilQuery(PASSWORD))],
  ['floods notices', 'response_too_large', flood(frame('N', `M${CANARY}\0\0`), p => p.untilQuery(PASSWORD))],
  ['floods notices before the login', 'response_too_large', flood(frame('N', 'Mx\0\0'), p => p.startup())],
  ['floods parameters', 'response_too_large', flood(frame('S', 'a\0b\0'), p => p.logIn(PASSWORD))],
  ['floods COPY data', 'protocol_violation', flood(frame('d', 'x'.repeat(9999)), p => p.untilQuery(PASSWORD))],
  [
    'sends an error of 20 MB',
    'response_too_large',
    flood(Buffer.from(CANARY.repeat(99)), async p => answer(header('E', 2e7))(p)),
  ],
  [
    'sends 10 MB of nested JSON',
    'response_too_large',
    flood(Buffer.from('['.repeat(9999)), async p => answer(columns('a'), header('D', 1e7), int16(1))(p)),
  ],
  ['sends 1 MB of nested JSON', 'facts_unreadable', answer(columns('a'), row('['.repeat(1e6)), DONE, READY)],
  ['describes 1,665 columns', 'protocol_violation', answer(columns(...Array.from({ length: 1665 }, () => 'a')))],
])

endures('A server that takes its time', [
  ['accepts and stays silent', 'connection_timeout', () => {}],
  ['drips one byte per 200 ms', 'connection_timeout', async peer => peer.drip(Buffer.concat([OFFER, OFFER]), 200)],
  ['goes silent in the middle of the login', 'connection_timeout', greet(OFFER)],
  ['goes silent after the login', 'connection_timeout', welcome()],
  ['never answers the query', 'query_timeout', answer()],
  [
    'drips its answer',
    'query_timeout',
    async peer => {
      await peer.untilQuery(PASSWORD)
      await peer.drip(Buffer.concat([columns('a'), row('x'.repeat(99))]), 50)
    },
  ],
  ['sends an error and keeps the socket open', 'password_refused', greet(failure(RAW))],
  ['ignores Terminate', 'facts_unreadable', answer(failure({ ...RAW, C: '42501' }), READY)],
])

endures('A server that dies', [
  ['closes at once', 'connection_lost', peer => peer.socket.destroy()],
  ['resets at once', 'connection_lost', peer => peer.socket.resetAndDestroy()],
  [
    'closes in the middle of a frame',
    'connection_lost',
    async peer => {
      await peer.untilQuery(PASSWORD)
      peer.socket.end(header('T', 99))
    },
  ],
  [
    'closes in the middle of the login',
    'connection_lost',
    async peer => {
      await peer.startup()
      peer.socket.end(OFFER)
    },
  ],
  ['is shut down while idle', 'server_starting', welcome(READY, failure({ ...RAW, C: '57P01' }))],
])

const PLAIN = { tlsMode: 'require' } as const
endures('A server that is asked for TLS', [
  ['has none', 'tls_not_offered', toTls('N'), PLAIN],
  ['answers with an error', 'server_error', toTls(failure({ ...RAW, M: CANARY }).toString('latin1')), PLAIN],
  ['says yes with bytes behind it', 'protocol_violation', toTls(`S${LOGIN_OK.toString('latin1')}`), PLAIN],
  ['says no with bytes behind it', 'protocol_violation', toTls(`N${LOGIN_OK.toString('latin1')}`), PLAIN],
  ['says yes and stays silent', 'connection_timeout', toTls('S'), PLAIN],
  ['stays silent', 'connection_timeout', () => {}, PLAIN],
  ['answers garbage', 'not_postgres', toTls('\x00\x01\x02'), PLAIN],
  [
    'says yes and goes on in clear',
    'tls_handshake_failed',
    async peer => {
      await peer.startup()
      peer.send('S')
      await peer.read(1)
      peer.send(LOGIN_OK, READY)
    },
    PLAIN,
  ],
  [
    'says yes and closes',
    'tls_handshake_failed',
    async peer => {
      await peer.startup()
      peer.socket.end('S')
    },
    PLAIN,
  ],
])

const HTTP = 'HTTP/1.1 400 Bad Request\r\n\r\n'
endures('Something that is no PostgreSQL server', [
  ['speaks HTTP', 'not_postgres', greet(HTTP)],
  ['speaks HTTP and is asked for TLS', 'not_postgres', toTls(HTTP), PLAIN],
  ['speaks SSH first', 'not_postgres', peer => peer.send('SSH-2.0-OpenSSH_9.2\r\n')],
  ['speaks SSH and is asked for TLS', 'not_postgres', peer => peer.send('SSH-2.0-OpenSSH_9.2\r\n'), PLAIN],
  ['says one byte', 'not_postgres', greet('H')],
])

const ECHO = Object.fromEntries(
  [...'SVMDHPpqWstcdnFLR'].map(letter => [
    letter,
    `${CANARY} ${PASSWORD} ${encodeURIComponent(PASSWORD)} ${Buffer.from(PASSWORD).toString('base64')}`,
  ]),
)
endures('A server that puts words into our mouth', [
  ['echoes the password in every field', 'password_refused', challenge(() => [failure({ ...ECHO, C: '28P01' })])],
  ['echoes it as the SQLSTATE', 'password_refused', challenge(() => [failure({ ...ECHO, C: PASSWORD })])],
  ['forges lines of a log', 'login_refused', greet(failure({ ...RAW, C: '28000', M: `\r\n\x1b[31m${CANARY}` }))],
  ['names a column __proto__', 'facts_unreadable', answer(columns('__proto__'), row(CANARY), DONE, READY)],
  ['names a role like the password', 'facts_unreadable', answer(columns('a'), row(PASSWORD), DONE, READY)],
])

describe('The dialling processes', () => {
  it('pass an SQLSTATE and nothing else of an error', async () => {
    const { probe } = await endure(greet(failure({ ...ECHO, C: '3D000' })))
    expect(probe.failure).toEqual({ code: 'database_missing', sqlstate: '3D000' })
    const forged = await endure(greet(failure({ ...ECHO, C: '3d000' })))
    expect(forged.probe.failure).toEqual({ code: 'login_unknown' })
  })

  it('give a password in clear or as MD5 to no server whose certificate is not verified', async () => {
    const pair = await selfSigned({ addresses: ['127.0.0.1'] })
    for (const request of [CLEARTEXT_REQUEST, MD5_REQUEST]) {
      const { probe, heard } = await endure(
        async peer => {
          await peer.encrypt(pair)
          await peer.startup()
          peer.send(request)
        },
        { tlsMode: 'require' },
      )
      expect({ code: probe.failure?.code, leaked: leaks(heard, probe) }).toEqual({
        code: 'server_unverified',
        leaked: [],
      })
    }
  })

  it('send a server nothing about their own environment', async () => {
    process.env['PGPASSWORD'] = 'the-password-of-the-installation'
    const own = testDialler()
    try {
      await own.ready()
      const server = await startHostile(greet(OFFER))
      const target = localTarget(server.port, { tlsMode: 'disable', password: '' })
      const probe = await own.probe({ target, caCertificate: null, schema: null, deadlineMs: DEADLINE_MS })
      expect(probe.failure?.code).toBe('password_refused')
      expect(server.received().toString('latin1')).not.toContain('the-password')
      await server.stop()
    } finally {
      delete process.env['PGPASSWORD']
      await own.close()
    }
  })

  it('end in order: none was killed for its time or memory, or died by itself, in all of these tests', () => {
    const reasons = dialler.events.flatMap(event => (event.event === 'dialler_ended' ? [event.reason] : []))
    expect(new Set(reasons)).toEqual(new Set(['spent']))
  })
})
