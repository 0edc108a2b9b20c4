/**
 * The texts that everything shares: typos recognised, secrets kept out of messages, names quoted for SQL, and what no
 * screen may show. Each is a rule with its boundary on both sides.
 */
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { errorCode, errorMessage, firstError, innerErrors } from '#shared/base/error-text.ts'
import { nearest } from '#shared/base/near-names.ts'
import { readPem } from '#shared/base/pem.ts'
import * as printable from '#shared/base/printable.ts'
import { leaseBytes, signedText } from '#shared/base/signed-text.ts'
import { anonymousBlock, quoteLines, quoteName, quoteText } from '#shared/base/sql-text.ts'
import { codePoints, isStorable, sharesPiece, storableText, withoutEnd } from '#shared/base/text.ts'
import { alreadyParsed, chosen, idOf, typedId, uuidOf } from '#shared/base/wire.ts'

const failing = (name: string, message: string, more: object = {}) => Object.assign(new Error(message), { name }, more)
const pathsOf = (schema: z.ZodType, value: unknown) =>
  schema.safeParse(value).error?.issues.map(({ code, path }) => `${code} ${path.join('.')}`)
const issuesOf = (schema: z.ZodType, value: unknown) => schema.safeParse(value).error?.issues.map(one => one.message)

describe('A misspelt word', () => {
  const names = ['sslmode', 'host', 'connect_timeout', 'sslrootcert']
  it.each([
    ['SSL-Mode', 'sslmode'],
    ['sslmod', 'sslmode'],
    ['sslmoe', 'sslmode'],
    ['ssmoed', null],
    ['hosts', 'host'],
    ['hots', null],
    ['hostss', null],
    ['hst', null],
    ['HOST', 'host'],
    ['connecttimout', 'connect_timeout'],
    ['sslrootcerts', 'sslrootcert'],
    ['x'.repeat(41), null],
    ['', null],
  ])('%j is taken for %j', (text, name) => expect(nearest(text, names)).toBe(name))

  it('is compared up to 40 characters, and is taken for the nearest word', () => {
    expect(nearest('a'.repeat(40), ['a'.repeat(40)])).toBe('a'.repeat(40))
    expect(nearest('a'.repeat(41), ['a'.repeat(41)])).toBeNull()
    expect(nearest('channels', ['channelxx', 'channels2'])).toBe('channels2')
    expect(nearest('abc', ['abcd'])).toBeNull()
  })
})

describe('A message of an error', () => {
  it.each<[string, unknown, string]>([
    ['a text', 'secret', 'not an error: a text of 6 characters'],
    ['another value', 7, 'not an error: a value of type number'],
    ['lines of a stack', failing('Error', 'one\n    at f (x.ts:1)\n  two \n\n'), 'one two'],
    ['no words but a code', failing('Error', '', { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
    ['no words', failing('Error', ''), 'no message'],
    ['no words but errors inside', failing('Error', '', { errors: [new Error('a'), new Error('b')] }), 'a, b'],
    ['a value in quotes, of the engine', failing('TypeError', `x "a' is "b" not`), 'x "…" not'],
    [
      'our own property',
      failing('TypeError', "Cannot read properties of undefined (reading 'id')"),
      "Cannot read properties of undefined (reading 'id')",
    ],
    ['a value of the engine', failing('SyntaxError', 'Cannot convert abc to a BigInt'), 'Cannot convert … to a BigInt'],
    [
      'an operator’s value',
      failing('TypeError', "Cannot use 'in' operator to search for 'a' in b"),
      "Cannot use 'in' operator on …",
    ],
    [
      'a receiver',
      failing('TypeError', 'Method x called on incompatible receiver secret'),
      'Method x called on incompatible receiver …',
    ],
    [
      'an expression',
      failing('SyntaxError', 'Invalid regular expression: /secret/: bad'),
      'Invalid regular expression …',
    ],
    ['a value under a code of Node', failing('Error', "bad 'value'", { code: 'ERR_INVALID_ARG' }), 'bad "…"'],
    ['a name under a code of TLS', failing('Error', "bad 'name'", { code: 'ERR_TLS_CERT' }), "bad 'name'"],
    [
      'names of the server',
      failing('error', 'duplicate key "a_b"', { severity: 'ERROR', code: '23505' }),
      'duplicate key "a_b"',
    ],
    [
      'values of the server',
      failing('error', 'bad input "secret"', { severity: 'ERROR', code: '22P02' }),
      'bad input "…"',
    ],
    [
      'a statement of the server',
      failing('error', 'at or near "secret"', { severity: 'ERROR', code: '42601' }),
      'at or near "…"',
    ],
    ['a parameter of the server', failing('error', 'no "p"', { severity: 'ERROR', code: '42P02' }), 'no "…"'],
    ['a connection string', new Error('to postgres://a:b@c/d now'), 'to postgres://…'],
    ['our own key', new Error('key sk_test_abc123 is bad'), 'key sk_test_… is bad'],
    ['a signing key', new Error('with whsec_abc it'), 'with whsec_… it'],
    ['a set password', new Error('password=hunter2 x'), 'password=… x'],
    ['a password in quotes', new Error(`{"token": "a b"} x`), '{"token": …} x'],
    ['a bearer', new Error('authorization: Bearer abc x'), 'authorization: … x'],
    ['a word after a secret’s name', new Error('the passphrase hunter2 it'), 'the passphrase … it'],
    ['a sentence about a secret', new Error('the password is missing'), 'the password is missing'],
    ['PEM text', new Error('x -----BEGIN KEY----- y'), 'x …'],
  ])('with %s has no value in it', (_, thrown, wanted) => expect(errorMessage(thrown)).toBe(wanted))

  it('of a schema has codes and paths, never values', () => {
    const error = z.object({ a: z.array(z.number()) }).safeParse({ a: ['secret'] }).error
    expect(errorMessage(error)).toBe('invalid_type at a.0')
    expect(errorMessage(z.number().safeParse('secret').error)).toBe('invalid_type at the top')
  })

  it('has at most 500 characters, and of at most four errors inside', () => {
    expect(errorMessage(new Error('x'.repeat(500)))).toBe('x'.repeat(500))
    expect(errorMessage(new Error('x'.repeat(501)))).toBe(`${'x'.repeat(500)}…`)
    expect(errorMessage(failing('Error', '', { errors: ['a', 'b', 'c', 'd', 'e'] })).split(', ')).toHaveLength(4)
  })

  it('is that of the first error, whatever was suppressed after it', () => {
    const first = new Error('first')
    const outer = failing('SuppressedError', 'x', {
      suppressed: failing('SuppressedError', 'y', { suppressed: first }),
    })
    expect(firstError(outer)).toBe(first)
    expect(firstError(first)).toBe(first)
    expect(firstError('x')).toBe('x')
    expect(innerErrors(first)).toEqual([])
    expect(innerErrors(failing('Error', '', { errors: [1] }))).toEqual([1])
  })

  it.each([
    ['23505', '23505'],
    ['E_A', 'E_A'],
    ['a b', null],
    ['', null],
    [7, null],
    ['x'.repeat(40), 'x'.repeat(40)],
    ['x'.repeat(41), null],
  ])('has the code %j as %j', (code, wanted) => expect(errorCode(failing('Error', '', { code }))).toBe(wanted))
})

describe('Text of a stranger', () => {
  it('is quoted for SQL whatever it holds', () => {
    expect(quoteName('a"b')).toBe('"a""b"')
    expect(quoteName('a\\b')).toBe('"a\\b"')
    expect(quoteName('a"\\\u202e\u{e0041}')).toBe('U&"a""\\\\\\202e\\+0e0041"')
    expect(quoteText("it's")).toBe("'it''s'")
    expect(quoteText('a\\b')).toBe("E'a\\\\b'")
    expect(quoteText('a\n\u{e0041}')).toBe("E'a\\u000a\\U000e0041'")
    expect(quoteLines('a\nb')).toBe("'a\nb'")
    expect(quoteLines('a\tb')).toBe("E'a\\u0009b'")
    expect(anonymousBlock('x')).toBe('do $do$\nx\n$do$;')
    expect(anonymousBlock('$do$ $do_$')).toBe('do $do__$\n$do$ $do_$\n$do__$;')
  })

  it('shows a screen nothing that moves or hides', () => {
    for (const text of ['a b', 'é', '𝄞', '"']) expect(printable.isPrintable(text), text).toBe(true)
    for (const text of ['\n', '\u007f', '\u200b', '\u2028', '\ud800', '\ufe0f'])
      expect(printable.isPrintable(text)).toBe(false)
    expect(printable.printable('a\u001b[1m\n')).toBe('a\\u{1b}[1m\\u{a}')
    expect(printable.printableLines('a\n\tb\r')).toBe('a\n\tb\\u{d}')
    expect(printable.printableRow(['a\tb', 'c'])).toBe('a\\u{9}b\tc')
    expect(printable.printableJson({ a: '\u202e\u{e0041}' })).toBe('{"a":"\\u202e\\udb40\\udc41"}')
    expect(printable.printableJson(undefined)).toBe('null')
    expect(printable.printableMarkdown('<a>&`*[b]|~@c#!')).toBe(
      '\\u{3c}a\\u{3e}\\u{26}\\u{60}\\u{2a}\\u{5b}b\\u{5d}\\u{7c}\\u{7e}\\u{40}c\\u{23}\\u{21}',
    )
  })

  it('stays visible in a line of the log after a viewer has parsed it', () => {
    const shown = (line: string) => printable.printableLog(line)
    expect(shown('{"a":"\\n\\r\\t\\b\\f"}')).toBe('{"a":"\\\\u{a}\\\\u{d}\\\\u{9}\\\\u{8}\\\\u{c}"}')
    expect(shown('{"a":"\\u001b\\u0041"}')).toBe('{"a":"\\\\u{1b}\\u0041"}')
    expect(shown('{"a":"\\"\\\\n\\/"}')).toBe('{"a":"\\"\\\\n\\/"}')
    expect(shown('{"a":"\u202e"}\n')).toBe('{"a":"\\\\u{202e}"}\n')
    expect(shown('{}')).toBe('{}')
  })

  it('is storable without U+0000 and lone surrogates, and counted in code points', () => {
    expect([isStorable('a'), isStorable('\u0000'), isStorable('\ud800'), isStorable('𝄞')]).toEqual([
      true,
      false,
      false,
      true,
    ])
    expect(codePoints('a𝄞b')).toBe(3)
    const two = storableText(2, 3)
    expect([two.safeParse('𝄞𝄞𝄞').success, two.safeParse('ab').success]).toEqual([true, true])
    expect(issuesOf(two, '𝄞')).toEqual(['at least 2 characters'])
    expect(issuesOf(two, '𝄞𝄞𝄞𝄞')).toEqual(['at most 3 characters'])
    expect(issuesOf(two, 'abcd')).toEqual(['at most 3 characters'])
    expect(issuesOf(two, 'a\u0000')).toEqual([
      'the text holds U+0000 or a lone surrogate, which PostgreSQL cannot store',
    ])
  })

  it('shares a piece with a secret from eight characters on', () => {
    expect(sharesPiece('x12345678', '0123456789')).toBe(true)
    expect(sharesPiece('12345678', '12345678')).toBe(true)
    expect(sharesPiece('1234567', '0123456789')).toBe(false)
    expect(sharesPiece('1234567x', '0123456789')).toBe(false)
  })

  it.each([
    ['a//', 'a'],
    ['a', 'a'],
    ['/a/', '/a'],
    ['//', ''],
    ['', ''],
  ])('%j without its end is %j', (text, wanted) => expect(withoutEnd(text, '/')).toBe(wanted))
})

describe('A signed text', () => {
  it('has a length before each field, so that two lists never give the same text', () => {
    const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')
    expect(hex(signedText('task', ['é', 12, new Uint8Array([7])]))).toBe(
      'mooring/1\n\0\0\0\x04task\0\0\0\x02Ã©\0\0\0\x0212\0\0\0\x01\x07',
    )
    expect(hex(leaseBytes('{}'))).toBe('mooring/1\n\0\0\0\x05lease\0\0\0\x02{}')
  })
})

describe('A typed id', () => {
  const uuid = '01900000-0000-7000-8000-0000000000ab'
  const hex = uuid.replaceAll('-', '')
  it('is its prefix and the digits of its UUID, and nothing else', () => {
    expect(typedId('key_', uuid)).toBe(`key_${hex}`)
    expect(uuidOf(`key_${hex}`, 'cap_', 'key_')).toBe(uuid)
    for (const text of [`key_${hex}0`, `key_${hex.slice(1)}`, `key_${hex.toUpperCase()}`, `cap_${hex}`, hex, ''])
      expect(uuidOf(text, 'key_'), text).toBeNull()
    expect(uuidOf(`ds_test_${hex}`, 'ds_', 'ds_test_')).toBe(uuid)
    expect(idOf('key_').safeParse(`key_${hex}`).success).toBe(true)
    expect(issuesOf(idOf('key_', 'cap_'), 7)).toEqual(['an id is key_… or cap_…, the dots being 32 hex digits'])
  })

  it('is among forms that the value chooses, or was parsed before', () => {
    const either = chosen(value => 'b' in value, z.strictObject({ a: z.number() }), z.strictObject({ b: z.string() }))
    expect(either.parse({ a: 1 })).toEqual({ a: 1 })
    expect(either.parse({ b: 'x' })).toEqual({ b: 'x' })
    expect(pathsOf(either, { b: 1 })).toEqual(['invalid_type b'])
    expect(pathsOf(either, null)).toEqual(['invalid_type '])
    expect(pathsOf(either, 7)).toEqual(['invalid_type '])
    const input = { a: 2 }
    expect(either.parse(alreadyParsed(either, input))).toBe(input)
  })
})

describe('A CA certificate', () => {
  const der = Buffer.concat([Buffer.from([0x30, 0x82, 0x01, 0x00]), Buffer.alloc(256, 1)])
  const body = der.toString('base64')
  const block = (text: string, label = 'CERTIFICATE') => `-----BEGIN ${label}-----\n${text}\n-----END ${label}-----`
  it('is read without what is around it', () => {
    const read = readPem(`\ufeffcomment\n${block(body, 'TRUSTED CERTIFICATE')}\n\n${block(body, 'X509 CERTIFICATE')}`)
    expect(read).toEqual({ ok: true, pem: `${block(body)}\n${block(body)}\n` })
    expect(readPem(block(`${body.slice(0, 64)}\r\n  ${body.slice(64)}`))).toEqual({
      ok: true,
      pem: `${block(`${body.slice(0, 64)}\n${body.slice(64)}`)}\n`,
    })
  })

  it.each([
    ['a private key', `${block(body)}\n${block(body, 'PRIVATE KEY')}`, 'private key'],
    ['written line breaks', block(body).replaceAll('\n', '\\n'), 'written as \\n'],
    ['nothing', ' ', 'it is empty'],
    ['Base64 of it', Buffer.from(block(body)).toString('base64'), 'encoded in Base64 again'],
    ['percent-encoding', '-----BEGIN%20CERTIFICATE-----', 'percent-encoded'],
    ['no first line', body.replace(/^MII/, 'MII'), 'first line is missing'],
    ['a path', '/etc/ssl/ca.pem', 'the path of a file'],
    ['an address', 'https://example.com/ca', 'the path of a file'],
    ['a word', 'none', 'it is not PEM text'],
    ['a request', `${block(body)}\n${block(body, 'CERTIFICATE REQUEST')}`, 'a block other than'],
    ['a quoted line', block(`> ${body}`), 'characters that do not belong there'],
    ['no end', `-----BEGIN CERTIFICATE-----\n${body}`, 'truncated or damaged'],
    ['a cut body', block(body.slice(0, -4)), 'truncated or damaged'],
    ['a longer body', block(`${body}AAAA`), 'truncated or damaged'],
    ['another kind of value', block(`A${body.slice(1)}`), 'truncated or damaged'],
    [
      'a short form',
      block(Buffer.concat([Buffer.from([0x30, 0x10]), Buffer.alloc(16)]).toString('base64')),
      'truncated or damaged',
    ],
  ])('is refused for %s', (_, text, wanted) => {
    expect(readPem(text)).toEqual({ ok: false, message: expect.stringContaining(wanted) })
  })
})
