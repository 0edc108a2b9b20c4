/** The log: structured, one object a line; a cause has its message, and never a secret that the message repeats. */
import { connect, type LookupFunction } from 'node:net'
import { PassThrough } from 'node:stream'
import { describe, expect, inject, it } from 'vitest'
import { z } from 'zod'
import { createLog, describeCause, type Log } from '#server/log.ts'
import { errorMessage } from '#shared/base/error-text.ts'
import { query } from '#test/support/database/postgres.ts'
import { HOSTILE_TEXTS, steers } from '#test/support/schemas/hostile-texts.ts'

const SECRET = 'Tell-N0-one'

/** The log output of a step. */
function written(work: (log: Log) => void, level = 'info'): string[] {
  const destination = new PassThrough()
  work(createLog({ level, destination }))
  const text: unknown = destination.read()
  return String(text ?? '')
    .split('\n')
    .filter(line => line !== '')
}

function thrownBy(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

describe('A log line', () => {
  it('is one JSON object with level, time and message, and nothing about the machine', () => {
    const [line = '', ...others] = written(log => log.info({ requestId: 'req_1' }, 'verified'))
    expect(others).toEqual([])
    expect(JSON.parse(line)).toEqual({ level: 30, time: expect.any(Number), requestId: 'req_1', msg: 'verified' })
  })

  it('below the level is not written', () => {
    expect(written(log => log.info('verified'), 'warn')).toEqual([])
  })

  it('shows the kind, code, message and stack of an error and of each of its causes', () => {
    const cause = Object.assign(new Error(`no entry for postgres://app:${SECRET}@db/app`), { code: '28P01' })
    const error = new TypeError('the connection was lost', { cause })
    const [line = ''] = written(log => log.error({ cause: error }, 'task failed'))
    expect(line).not.toContain(SECRET)
    expect(JSON.parse(line).cause).toMatchObject({
      name: 'TypeError',
      message: 'the connection was lost',
      at: expect.arrayContaining([expect.stringContaining('log.test.ts')]),
      cause: { name: 'Error', code: '28P01', message: 'no entry for postgres://…' },
    })
  })

  it('gets a message from the parts or the code of an error without one', async () => {
    const refused = await new Promise<Error>(resolve => {
      // A name with two addresses, neither of which listens.
      const lookup: LookupFunction = (_host, _options, done) =>
        done(null, [
          { address: '127.0.0.1', family: 4 },
          { address: '127.0.0.2', family: 4 },
        ])
      connect({ host: 'two.test', port: 1, lookup, autoSelectFamily: true }).once('error', resolve)
    })
    expect(refused.message).toBe('')
    expect(describeCause(refused)).toMatchObject({
      name: 'AggregateError',
      code: 'ECONNREFUSED',
      message: 'connect ECONNREFUSED 127.0.0.1:1, connect ECONNREFUSED 127.0.0.2:1',
      errors: [{ code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 127.0.0.1:1' }, { code: 'ECONNREFUSED' }],
    })
    expect(errorMessage(Object.assign(new Error(''), { code: 'EPIPE' }))).toBe('EPIPE')
    expect(errorMessage(new Error(''))).toBe('no message')
    expect(errorMessage('thrown')).toBe('not an error: a text of 6 characters')
    expect(errorMessage(null)).toBe('not an error: a value of type object')
  })

  it.each([
    ['a connection string', () => new Error(`cannot reach postgresql://app:${SECRET}@db:5432/app?sslmode=require now`)],
    ['one with a space', () => new Error(`postgres://app:${SECRET.replace('-', ' ')}-x@db`)],
    ['another URL', () => new Error(`fetch of https://app:${SECRET}@example.com/x failed`)],
    ['keyword parameters', () => new Error(`host=db password='${SECRET} x' user=app`)],
    ['a word after its name', () => new Error(`password ${SECRET} refused`)],
    ['a field of JSON', () => new Error(`{"password": "${SECRET}"}`)],
    ['a header', () => new Error(`Authorization: Bearer ${SECRET}`)],
    ['an API key', () => new Error(`unknown key sk_live_${SECRET.replaceAll('-', '')}`)],
    ['a signing key', () => new Error(`whsec_${SECRET}`)],
    ['a private key', () => new Error(`-----BEGIN PRIVATE KEY-----\n${SECRET}\n-----END PRIVATE KEY-----`)],
    ['JSON that cannot be read', () => thrownBy(() => JSON.parse(`"${SECRET}" "`))],
    ['JSON in the midst of more', () => thrownBy(() => JSON.parse(`{"a": "${'x'.repeat(90)}", "b": "${SECRET}", c}`))],
    ['a number that is none', () => thrownBy(() => BigInt(SECRET))],
    ['a value in the place of an object', () => thrownBy(() => 'x' in (SECRET as never))],
    ['a pattern', () => thrownBy(() => new RegExp(`(${SECRET}`))],
    ['an argument of Node', () => thrownBy(() => Buffer.alloc(SECRET as never))],
    ['a value that a schema refuses', () => thrownBy(() => z.object({ a: z.literal('b') }).parse({ a: SECRET }))],
    [
      'lines that look like places',
      () => new Error(`x\n    at login (${SECRET}:1:1)\n    at file:///${SECRET}.ts:1:1`),
    ],
  ])('never shows a secret that a message repeats: %s', (_what, make) => {
    const said = JSON.stringify(describeCause(new Error('outer', { cause: make() })))
    for (const part of [SECRET, SECRET.replaceAll('-', ''), SECRET.replace('-', ' ')]) expect(said).not.toContain(part)
    expect(JSON.parse(said).cause.message).not.toBe('')
  })

  it('shows names from our own database’s errors and never values', async () => {
    const fails = async (sql: string) =>
      describeCause(await query(inject('registryUrl'), sql).catch((error: Error) => error))
    expect(await fails(`select '${SECRET}'::uuid`)).toMatchObject({
      code: '22P02',
      message: expect.stringContaining('uuid'),
    })
    const held = `create temp table held (name text primary key); insert into held values ('${SECRET}')`
    expect(await fails(`${held}; insert into held values ('${SECRET}')`)).toMatchObject({
      code: '23505',
      message: 'duplicate key value violates unique constraint "held_pkey"',
      table: 'held',
      constraint: 'held_pkey',
    })
    expect(await fails('select 1 from nowhere')).toMatchObject({ message: 'relation "nowhere" does not exist' })
    for (const sql of [
      `select '${SECRET}'::uuid`,
      `${held}; insert into held values ('${SECRET}')`,
      `selec '${SECRET}'`,
    ])
      expect(JSON.stringify(await fails(sql))).not.toContain(SECRET)
  })

  it('shows a hostile message in one line that steers nothing', () => {
    for (const text of Object.values(HOSTILE_TEXTS)) {
      const lines = written(log => log.error({ cause: new Error(`before ${text} after`) }, 'x'))
      expect(lines).toHaveLength(1)
      expect(steers(String(JSON.parse(lines[0] ?? '').cause.message))).toEqual([])
    }
  })

  it('keeps the words of a sentence about secrets', () => {
    for (const text of [
      'password authentication failed for user "app"',
      'the password is missing',
      "Cannot read properties of undefined (reading 'rows')",
      'Connection terminated unexpectedly',
    ])
      expect(errorMessage(text.startsWith('Cannot') ? new TypeError(text) : new Error(text))).toBe(text)
    expect(errorMessage(new Error('x'.repeat(9_999)))).toHaveLength(501)
  })

  it('is not deceived by a name or a code that looks like something else', () => {
    const forged = new Error('x')
    forged.name = `Error ${SECRET}`
    Object.assign(forged, { code: `${SECRET} `, detail: SECRET, hint: SECRET, table: `${SECRET} ` })
    for (const cause of [forged, SECRET, { message: SECRET }, new AggregateError([forged], 'several')])
      expect(JSON.stringify(describeCause(cause))).not.toContain(SECRET)
  })

  it('ends when causes form a cycle', () => {
    const one = new Error('one')
    one.cause = new Error('two', { cause: one })
    expect(JSON.stringify(describeCause(one)).length).toBeLessThan(10_000)
  })

  it('hides fields with the names of secrets, if one is ever logged', () => {
    for (const name of ['password', 'connectionString', 'signingKey', 'key', 'token', 'authorization']) {
      const lines = written(log => {
        log.info({ [name]: SECRET }, 'x')
        log.info({ request: { [name]: SECRET } }, 'x')
      })
      expect(lines).toHaveLength(2)
      expect(lines.join('')).not.toContain(SECRET)
    }
  })
})
