/**
 * The gate before the driver: an honest server's bytes pass unchanged, in any pieces; a mutated server's bytes end in
 * one of our refusals or pass in valid shape, and delay nothing.
 */
import { describe, expect, it } from 'vitest'
import { createAuthenticationRules } from '#server/net/postgres/authentication-rules.ts'
import { createFrameGate, type FrameGate, type SessionLimits } from '#server/net/postgres/frame-gate.ts'
import { withSession } from '#server/net/postgres/with-session.ts'
import { createResolver } from '#server/net/socket/resolver.ts'
import { SessionError } from '#server/net/socket/session-error.ts'
import { LOOPBACK, localTarget } from '#test/support/dials/dialling.ts'
import {
  columns,
  DONE,
  failure,
  frame,
  header,
  LOGIN_OK,
  OFFER,
  READY,
  row,
  startHostile,
} from '#test/support/dials/hostile-postgres.ts'
import { createScramServer } from '#test/support/dials/scram-server.ts'
import { fc } from '#test/support/house/properties.ts'

const PASSWORD = 'Tr0ub4dor-and-3'
const LIMITS: SessionLimits = { maxRowBytes: 1 << 20, maxRows: 100, maxTotalBytes: 2 << 20 }
const NONCE = 'fyko+d2lbbFgONRv9qkxdawL'

/** A gate after a login, waiting for the answer to a query, and the kinds of the messages that it passed since. */
function gateAtQuery(limits = LIMITS): { gate: FrameGate; passed: Buffer[] } {
  const passed: Buffer[] = []
  const policy = {
    encrypted: false,
    serverVerified: false,
    channelBinding: 'prefer',
    hasPassword: true,
    caNamed: false,
    md5Allowed: false,
  } as const
  const authentication = createAuthenticationRules(policy)
  const gate = createFrameGate({ limits, authentication, pass: bytes => passed.push(Buffer.from(bytes)) })
  const scram = createScramServer(PASSWORD, 4096)
  const initial = Buffer.from(`SCRAM-SHA-256\0\0\0\0\x20n,,n=*,r=${NONCE}`, 'latin1')
  gate.sent(Buffer.from('startup'))
  gate.received(OFFER)
  gate.sent(frame('p', initial))
  gate.received(frame('R', 11, scram.first(initial)))
  const final = Buffer.from(`c=biws,r=${NONCE},p=AAAA`)
  gate.sent(frame('p', final))
  gate.received(Buffer.concat([frame('R', 12, scram.final(final)), LOGIN_OK, frame('K', 7, 7), READY]))
  gate.sent(frame('Q', 'select 1\0'))
  passed.length = 0
  return { gate, passed }
}

const HONEST = Buffer.concat([
  frame('C', 'BEGIN\0'),
  frame('N', 'SNOTICE\0Mhello\0\0'),
  columns('a', 'b'),
  row('one', ''),
  row('two', 'x'.repeat(300)),
  DONE,
  frame('S', 'TimeZone\0UTC\0'),
  frame('I'),
  READY,
])

describe('The frame gate', () => {
  it('passes an honest server’s bytes on, in any pieces', () => {
    const whole = gateAtQuery()
    whole.gate.received(HONEST)
    expect(whole.passed.map(bytes => String.fromCharCode(bytes[0] ?? 0)).join('')).toBe('CTDDCIZ')
    fc.assert(
      fc.property(fc.array(fc.nat(HONEST.length), { maxLength: 60 }), cuts => {
        const { gate, passed } = gateAtQuery()
        const edges = [0, ...cuts.sort((a, b) => a - b), HONEST.length]
        for (const [index, edge] of edges.entries()) gate.received(HONEST.subarray(edges[index - 1] ?? 0, edge))
        expect(Buffer.concat(passed)).toEqual(Buffer.concat(whole.passed))
      }),
    )
  })

  it('refuses, and throws nothing else, whichever bytes change', () => {
    const changes = fc.array(fc.tuple(fc.nat(HONEST.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(changes, changed => {
        const bytes = Buffer.from(HONEST)
        for (const [at, value] of changed) bytes[at] = value
        const { gate, passed } = gateAtQuery()
        try {
          gate.received(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(SessionError)
        }
        expect(Buffer.concat(passed).length).toBeLessThanOrEqual(HONEST.length)
      }),
    )
  })

  it('keeps nothing of a frame that it does not admit', () => {
    const { gate } = gateAtQuery()
    gate.received(columns('a'))
    expect(() => gate.received(header('D', LIMITS.maxRowBytes + 5))).toThrow('response_too_large')
  })

  it('accepts a row of a megabyte byte by byte without copying it repeatedly', () => {
    const { gate, passed } = gateAtQuery()
    const large = row('x'.repeat(1_000_000))
    const started = performance.now()
    gate.received(columns('a'))
    for (let at = 0; at < large.length; at++) gate.received(large.subarray(at, at + 1))
    expect(passed.at(-1)?.length).toBe(large.length)
    expect(performance.now() - started).toBeLessThan(5_000)
  })

  it('passes only a login, queries and a goodbye from the driver', () => {
    const { gate } = gateAtQuery()
    expect(() => gate.sent(frame('Q', 'select 2\0'))).toThrow('protocol_violation')
    expect(() => gate.sent(frame('p', 'the password\0'))).toThrow('password_exposed')
    expect(() => gate.sent(frame('d', 'copy\0'))).toThrow('protocol_violation')
    gate.sent(frame('X'))
  })
})

describe('A session with a server whose bytes change at random', () => {
  it('ends by itself, in a known way', async () => {
    const surroundings = { policy: LOOPBACK, resolver: createResolver({ servers: [], timeoutMs: 1_000 }) }
    const change = fc.record({ message: fc.nat(5), at: fc.nat(400), to: fc.nat(255) })
    const changes = fc.sample(fc.array(change, { minLength: 1, maxLength: 2 }), { numRuns: 200, seed: 20261121 })
    const ends = new Set<string>()
    for (const changed of changes) {
      const server = await startHostile(async peer => {
        const send = peer.send.bind(peer)
        let count = 0
        peer.send = (...frames) => {
          const bytes = Buffer.concat(frames.map(one => Buffer.from(one)))
          for (const { message, at, to } of changed) if (message === count) bytes[at % bytes.length] = to
          count += 1
          send(bytes)
        }
        await peer.untilQuery(PASSWORD)
        peer.send(columns('a', 'b'), row('one', 'two'), DONE, failure({ C: '57014', M: 'x' }), READY)
      })
      const target = localTarget(server.port, { tlsMode: 'disable', password: PASSWORD })
      const dial = { target, caCertificate: null, deadlineMs: 100, limits: LIMITS }
      const { failure: end } = await withSession(dial, surroundings, session => session.query('select 1'))
      ends.add(end?.code ?? 'none')
      await server.idle()
      await server.stop()
    }
    expect(ends.size).toBeGreaterThan(3)
  })
})
