/** The vocabulary of the wire and of texts: ids, pages, names in SQL, certificates, and what a screen shows. */
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { DatasourceId } from '#shared/base/datasource-name.ts'
import { nearest } from '#shared/base/near-names.ts'
import { PageInput } from '#shared/base/page.ts'
import { readPem } from '#shared/base/pem.ts'
import {
  isPrintable,
  printable,
  printableJson,
  printableLines,
  printableLog,
  printableMarkdown,
  printableRow,
} from '#shared/base/printable.ts'
import { anonymousBlock, quoteLines, quoteName, quoteText } from '#shared/base/sql-text.ts'
import { alreadyParsed, chosen, IdempotencyKey, idOf, typedId, uuidOf, WaitSeconds } from '#shared/base/wire.ts'
import { FAULTS, Fault } from '#shared/faults/fault.ts'
import { currentCode, errorTypeOf } from '#shared/faults/fault-names.ts'
import { failsAs, namedFault } from '#shared/faults/named-fault.ts'
import { faultOfTask, TaskFault } from '#shared/faults/task-fault.ts'

const UUID = '0190aaaa-bbbb-7ccc-8ddd-eeeeffff0001'
const HEX = UUID.replaceAll('-', '')

describe('A typed id', () => {
  it('is its prefix and the digits of a UUID, and is read back by its own prefixes alone', () => {
    expect(typedId('key_', UUID)).toBe(`key_${HEX}`)
    expect(uuidOf(`key_${HEX}`, 'key_')).toBe(UUID)
    expect(uuidOf(`ds_test_${HEX}`, 'ds_', 'ds_test_')).toBe(UUID)
    expect(uuidOf(`key_${HEX}`, 'cap_')).toBeNull()
    for (const wrong of [
      HEX,
      UUID,
      `key_${HEX}0`,
      `key_${HEX.slice(1)}`,
      `key_${HEX.toUpperCase()}`,
      `key_${HEX.slice(1)}g`,
      '',
    ])
      expect(uuidOf(wrong, 'key_'), wrong).toBeNull()
  })

  it('that is wrong is refused with the forms that are right', () => {
    expect(DatasourceId.safeParse(`dse_${HEX}`).success).toBe(true)
    expect(DatasourceId.safeParse(7).success).toBe(false)
    expect(idOf('key_', 'cap_').safeParse('x').error?.issues[0]?.message).toBe(
      'an id is key_… or cap_…, the dots being 32 hex digits',
    )
    expect(idOf('key_', 'cap_').meta()).toEqual({ type: 'string', pattern: '^(key_|cap_)[0-9a-f]{32}$' })
  })
})

describe('A page', () => {
  it('has 20 rows unless 1 to 100 are asked for', () => {
    expect(PageInput.parse({})).toEqual({ limit: 20 })
    const taken = [0, 1, 100, 101, 1.5].map(limit => PageInput.safeParse({ limit }).success)
    expect(taken).toEqual([false, true, true, false, false])
    expect(PageInput.safeParse({ cursor: 'x'.repeat(201) }).success).toBe(false)
    expect(PageInput.safeParse({ cursor: 'x'.repeat(200) }).success).toBe(true)
  })

  it('and a wait and an idempotency key have their bounds', () => {
    expect([-1, 0, 30, 31].map(seconds => WaitSeconds.safeParse(seconds).success)).toEqual([false, true, true, false])
    const keys = ['', 'k', 'k'.repeat(255), 'k'.repeat(256)].map(key => IdempotencyKey.safeParse(key).success)
    expect(keys).toEqual([false, true, true, false])
  })
})

describe('One of two schemas', () => {
  const [one, two] = [z.object({ a: z.string().default('x') }), z.object({ b: z.number() })]
  const either = chosen(value => 'b' in value, one, two)

  it('is chosen by the value, and tells the issues of the form that was meant', () => {
    expect(either.parse({ a: 'y' })).toEqual({ a: 'y' })
    expect(either.parse({ b: 7 })).toEqual({ b: 7 })
    const issues = either.safeParse({ b: 'seven' }).error?.issues
    expect(issues?.map(({ path, code }) => [path, code])).toEqual([[['b'], 'invalid_type']])
    for (const value of [null, 7, 'b']) expect(either.safeParse(value).success).toBe(false)
    expect(either.meta()).toEqual({ forms: [one, two] })
  })

  it('takes what was parsed already as it is', () => {
    const parsed = { a: 'parsed' }
    expect(either.parse(alreadyParsed(one, parsed))).toBe(parsed)
  })
})

describe('A name in SQL', () => {
  it.each([
    ['shop', '"shop"'],
    ['a"b', '"a""b"'],
    ['a\\b', '"a\\b"'],
    ['a\nb', 'U&"a\\000ab"'],
    ['"\\\u200b', 'U&"""\\\\\\200b"'],
    ['\u{e0041}', 'U&"\\+0e0041"'],
  ])('%j is %s', (name, quoted) => {
    expect(quoteName(name)).toBe(quoted)
  })
})

describe('A text in SQL', () => {
  it.each([
    ['shop', "'shop'", "'shop'"],
    ["it's", "'it''s'", "'it''s'"],
    ['a\\b', "E'a\\\\b'", "E'a\\\\b'"],
    ['a\nb', "E'a\\u000ab'", "'a\nb'"],
    ['a\tb', "E'a\\u0009b'", "E'a\\u0009b'"],
    ['\u{e0041}', "E'\\U000e0041'", "E'\\U000e0041'"],
  ])('%j is %s in one line', (text, line, lines) => {
    expect(quoteText(text)).toBe(line)
    expect(quoteLines(text)).toBe(lines)
  })

  it('of a block stands between dollar quotes that do not occur in it', () => {
    expect(anonymousBlock('begin end')).toBe('do $do$\nbegin end\n$do$;')
    expect(anonymousBlock('$do$ $do_$')).toBe('do $do__$\n$do$ $do_$\n$do__$;')
  })
})

describe('A stranger’s text', () => {
  const nasty = 'a\u001b[2J\u202eb\tc\nd\u{e0041}é'
  it('has no character that a screen would not show', () => {
    expect(printable(nasty)).toBe('a\\u{1b}[2J\\u{202e}b\\u{9}c\\u{a}d\\u{e0041}é')
    expect(printableLines(nasty)).toBe('a\\u{1b}[2J\\u{202e}b\tc\nd\\u{e0041}é')
    expect(printableRow(['a\tb', 'c'])).toBe('a\\u{9}b\tc')
    expect([isPrintable(nasty), isPrintable('é b'), isPrintable('')]).toEqual([false, true, true])
  })

  it('is JSON of the same meaning', () => {
    for (const value of [nasty, { [nasty]: [nasty] }, null, 7]) {
      expect(JSON.parse(printableJson(value))).toEqual(value)
      expect(isPrintable(printableJson(value))).toBe(true)
    }
    expect(printableJson('\u{e0041}')).toBe('"\\udb40\\udc41"')
    expect(printableJson(undefined)).toBe('null')
  })

  it('is shown in a log line, as it is read from JSON', () => {
    const line = `${JSON.stringify({ text: '\u001b\t\n"\\/é\u202e\ud800' })}\n`
    const shown = printableLog(line)
    expect(shown.endsWith('"}\n')).toBe(true)
    expect(JSON.parse(shown).text).toBe('\\u{1b}\\u{9}\\u{a}"\\/é\\u{202e}\\u{d800}')
    expect(printableLog('{"a":"\\u0041\\r\\b\\f"}')).toBe('{"a":"\\u0041\\\\u{d}\\\\u{8}\\\\u{c}"}')
    expect(printableLog('plain')).toBe('plain')
  })

  it('opens nothing in Markdown', () => {
    expect(printableMarkdown('<b>&`*[x]|~@#!\n')).toBe(
      '\\u{3c}b\\u{3e}\\u{26}\\u{60}\\u{2a}\\u{5b}x\\u{5d}\\u{7c}\\u{7e}\\u{40}\\u{23}\\u{21}\\u{a}',
    )
  })
})

describe('A word that was mistyped', () => {
  const names = ['connectionString', 'caCertificate', 'name', 'mode', 'waitSeconds']
  it.each([
    ['connection_string', 'connectionString'],
    ['CONNECTIONSTRING', 'connectionString'],
    ['conectionStrng', 'connectionString'],
    ['nam', null],
    ['nname', 'name'],
    ['nnnname', null],
    ['mod', null],
    ['modes', 'mode'],
    ['waitSecond', 'waitSeconds'],
    ['x'.repeat(41), null],
    ['', null],
    ['something', null],
  ])('%s is %s', (text, name) => {
    expect(nearest(text, names)).toBe(name)
  })

  it('is the nearest one of those that are near', () => {
    expect(nearest('colours', ['colourful', 'colour', 'columns'])).toBe('colour')
  })
})

describe('A certificate', () => {
  /** A DER sequence of so many bytes: only its frame is looked at. */
  const der = (length: number) =>
    Buffer.concat([Buffer.from([0x30, 0x82, length >> 8, length & 0xff]), Buffer.alloc(length, 7)]).toString('base64')
  const block = (body: string, label = 'CERTIFICATE') => `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----`

  it('is taken out of comments, with other labels and line ends', () => {
    const text = `\ufeffsubject=Acme\r\n${block(der(260).slice(0, 64).concat('\r\n', der(260).slice(64)))}\n\n${block(der(257), 'TRUSTED CERTIFICATE')} end`
    const read = readPem(text)
    const lines = `${der(260).slice(0, 64)}\n${der(260).slice(64)}`
    expect(read).toEqual({ ok: true, pem: `${block(lines)}\n${block(der(257))}\n` })
    expect(readPem(block(der(300), 'X509 CERTIFICATE'))).toMatchObject({ ok: true })
  })

  it.each([
    ['a private key', `${block(der(260))}\n-----BEGIN PRIVATE KEY-----`, /private key: give only the CA certificate/],
    ['line ends in letters', block(der(260)).replaceAll('\n', '\\n'), /real line breaks/],
    ['no PEM', 'certificate', /not PEM text: it begins with -----BEGIN CERTIFICATE-----/],
    ['a cut text', block(der(260)).slice(0, -10), /truncated or damaged/],
    ['a cut body', block(der(260).slice(0, -8)), /truncated or damaged/],
    ['a longer body', block(`${der(260).slice(0, -4)}AAAAAAAA`), /truncated or damaged/],
    ['no base64', block('?'.repeat(40)), /contains characters that do not belong there/],
    ['no sequence', block(Buffer.alloc(40, 1).toString('base64')), /truncated or damaged/],
    ['a short form of the length', block(Buffer.from([0x30, 0x10, ...Buffer.alloc(16)]).toString('base64')), /damaged/],
    ['a second one that is cut', `${block(der(260))}\n-----BEGIN CERTIFICATE-----`, /truncated or damaged/],
  ])('with %s is refused with what to do', (_, text, message) => {
    expect(readPem(text)).toEqual({ ok: false, message: expect.stringMatching(message) })
  })
})

describe('A fault', () => {
  it('has the message and the chance of a retry that the table gives, and its cause for the log alone', () => {
    const cause = new Error('secret')
    const fault = new Fault('timeout', { cause })
    expect(fault).toMatchObject({ name: 'Fault', code: 'timeout', message: FAULTS.timeout.message, cause })
    expect([fault.retryable, new Fault('invalid_body').retryable]).toEqual([true, false])
    expect([fault.issues, fault.headers]).toEqual([[], {}])
    expect(fault.message).not.toContain('secret')
  })

  it('may be retried in one case, or not, against the table', () => {
    expect(new Fault('invalid_body', { retryable: true }).retryable).toBe(true)
    expect(new Fault('timeout', { retryable: false }).retryable).toBe(false)
  })
})

describe('The name of a fault', () => {
  it('is today’s, whatever an older release wrote', () => {
    expect(['rate_limited', 'quota_exceeded', 'timeout', 'toString'].map(currentCode)).toEqual([
      'rate_limit_exceeded',
      'resource_limit_reached',
      'timeout',
      'toString',
    ])
  })

  it('has a class by its status', () => {
    expect([400, 401, 403, 404, 405, 409, 413, 429, 500, 503].map(errorTypeOf)).toEqual([
      'AbloValidationError',
      'AbloAuthenticationError',
      'AbloPermissionError',
      'AbloError',
      'AbloError',
      'AbloIdempotencyError',
      'AbloValidationError',
      'AbloRateLimitError',
      'AbloServerError',
      'AbloServerError',
    ])
  })

  it('may be named by a schema', () => {
    const schema = z.string().refine(text => text !== 'x', failsAs('schema_not_found', 'a rule'))
    const issues = schema.safeParse('x').error?.issues ?? []
    expect(issues[0]?.message).toBe('a rule')
    expect(namedFault(issues)).toBe('schema_not_found')
    expect(namedFault(schema.safeParse(7).error?.issues ?? [])).toBeNull()
    expect(namedFault([{ code: 'custom', path: [], message: '', input: 1, params: { fault: 'none' } }])).toBeNull()
    expect(namedFault([{ code: 'custom', path: [], message: '', input: 1, params: { fault: 7 } }])).toBeNull()
    expect(namedFault([{ code: 'custom', path: [], message: '', input: 1 }])).toBeNull()
    expect(namedFault([])).toBeNull()
  })
})

describe('The fault of a task', () => {
  const issue = { path: ['a', 1], code: 'c', message: 'm' }
  it('is thrown by the web tier as the worker wrote it', () => {
    const read = TaskFault.parse({ fault: 'rate_limited', issues: [{ ...issue, ctx: { n: 1 } }], retryAfterSeconds: 5 })
    expect(read.fault).toBe('rate_limit_exceeded')
    const fault = faultOfTask(read)
    expect(fault).toBeInstanceOf(Fault)
    expect(fault).toMatchObject({ code: 'rate_limit_exceeded', issues: [{ ...issue, ctx: { n: 1 } }], retryable: true })
    expect(fault.headers).toEqual({ 'Retry-After': '5' })
    expect(TaskFault.parse({ fault: 'timeout', issues: [issue] }).issues?.[0]).toStrictEqual(issue)
    expect(faultOfTask({ fault: 'timeout' })).toMatchObject({ code: 'timeout', issues: [] })
    expect(faultOfTask({ fault: 'timeout' }).headers).not.toHaveProperty('Retry-After')
  })

  it('is a known fault with at most one issue', () => {
    for (const wrong of [
      { fault: 'none' },
      { fault: 'timeout', issues: [issue, issue] },
      { fault: 'timeout', retryAfterSeconds: 0 },
      { fault: 'timeout', issues: [{ ...issue, path: [null] }] },
    ])
      expect(TaskFault.safeParse(wrong).success, JSON.stringify(wrong)).toBe(false)
  })
})
