/** The log: structured, one object a line, and never what an error's text or a secret's field holds. */
import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { createLog, describeCause, type Log } from '#server/log.ts'

const SECRET = 'Tell-N0-one'

/** What a piece of work writes to a log. */
function written(work: (log: Log) => void, level = 'info'): string[] {
  const destination = new PassThrough()
  work(createLog({ level, destination }))
  const text: unknown = destination.read()
  return String(text ?? '')
    .split('\n')
    .filter(line => line !== '')
}

describe('A log line', () => {
  it('is one JSON object with level, time and message, and nothing of the machine', () => {
    const [line = '', ...others] = written(log => log.info({ requestId: 'req_1' }, 'verified'))
    expect(others).toEqual([])
    expect(JSON.parse(line)).toEqual({ level: 30, time: expect.any(Number), requestId: 'req_1', msg: 'verified' })
  })

  it('below the level is not written', () => {
    expect(written(log => log.info('verified'), 'warn')).toEqual([])
  })

  it('shows of an error its kind, code and places, and never its message', () => {
    const cause = Object.assign(new Error(`password ${SECRET} refused`), { code: '28P01' })
    const error = new TypeError(`could not connect to postgres://app:${SECRET}@db`, { cause })
    const [line = ''] = written(log => log.error({ cause: error }, 'task failed'))
    expect(line).not.toContain(SECRET)
    expect(JSON.parse(line).cause).toMatchObject({
      name: 'TypeError',
      at: expect.arrayContaining([expect.stringContaining('log.test.ts')]),
      cause: { name: 'Error', code: '28P01' },
    })
  })

  it('is not fooled by a message, a name or a code that looks like something else', () => {
    const forged = new Error(`x\n    at login (${SECRET}:1:1)\n    at file:///${SECRET}.ts:1:1`)
    forged.name = `Error ${SECRET}`
    Object.assign(forged, { code: `${SECRET} `, detail: SECRET, hint: SECRET })
    for (const cause of [forged, SECRET, { message: SECRET }, new AggregateError([forged], SECRET)])
      expect(JSON.stringify(describeCause(cause))).not.toContain(SECRET)
  })

  it('ends, where causes go round in a circle', () => {
    const one = new Error('one')
    one.cause = new Error('two', { cause: one })
    expect(JSON.stringify(describeCause(one)).length).toBeLessThan(10_000)
  })

  it('hides the fields that are named after secrets, should one ever be given', () => {
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
