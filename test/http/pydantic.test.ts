/**
 * The 422 bodies of the connections dialect, one row for each bad input, as a client written for Pydantic v2 parses
 * them.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type BadInputFixture, GOOD_URL, makeBadInputFixture, SECRET } from '#test/support/http/bad-input.ts'

const good = { name: 'Shop', db_type: 'postgresql', connection_string: GOOD_URL }
const sealed = {
  name: 'Shop',
  db_type: 'postgresql',
  sealed_connection_string: 'A'.repeat(88),
  key_id: '0190a000-0000-7000-8000-000000000000',
  host: 'db.acme.io',
  database_name: 'shop',
}
const without = (body: object, ...fields: string[]) =>
  Object.fromEntries(Object.entries(body).filter(([name]) => !fields.includes(name)))
const url = (text: string) => ({ ...good, connection_string: text })

/** Every piece of this string could be somebody's password, and is valid JSON without quotes. */
const digits = url('postgresql://true:12345678@db.acme.io/shop')

const at = (...place: (string | number)[]) => ['body', ...place]
const missing = (field: string) => ({ loc: at(field), msg: 'Field required', type: 'missing' })
const mistyped = (place: (string | number)[], input?: unknown) => ({
  loc: at(...place),
  msg: 'Input should be a valid string',
  type: 'string_type',
  ...(input === undefined ? {} : { input }),
})
const short = (place: (string | number)[], min: number, input?: string) => ({
  loc: at(...place),
  msg: `String should have at least ${min} character${min === 1 ? '' : 's'}`,
  type: 'string_too_short',
  ...(input === undefined ? {} : { input }),
  ctx: { min_length: min },
})
const long = (place: (string | number)[], max: number, input?: string) => ({
  loc: at(...place),
  msg: `String should have at most ${max} characters`,
  type: 'string_too_long',
  ...(input === undefined ? {} : { input }),
  ctx: { max_length: max },
})
const pattern = '^(supabase|postgres_gcp|postgresql_local|postgresql_aws|postgresql)$'
const mismatch = (input?: string) => ({
  loc: at('db_type'),
  msg: `String should match pattern '${pattern}'`,
  type: 'string_pattern_mismatch',
  ...(input === undefined ? {} : { input }),
  ctx: { pattern },
})
const notList = (input?: unknown) => ({
  loc: at('excluded_schemas'),
  msg: 'Input should be a valid list',
  type: 'list_type',
  ...(input === undefined ? {} : { input }),
})
const tooMuch = (unit: string, max: number, actual: number) => ({
  loc: at('excluded_schemas'),
  msg: `List should have at most ${max} ${unit}s after validation, not ${actual}`,
  type: 'too_long',
  ctx: { field_type: 'List', max_length: max, actual_length: actual },
})
const notObject = {
  loc: at(),
  msg: 'Input should be a valid dictionary or object to extract fields from',
  type: 'model_attributes_type',
}
const notJson = (offset: number, error = 'Expecting value') => ({
  loc: at(offset),
  msg: 'JSON decode error',
  type: 'json_invalid',
  ctx: { error },
})
const value = (...place: (string | number)[]) => ({
  loc: at(...place),
  msg: expect.stringMatching(/^Value error, /),
  type: 'value_error',
  ctx: { error: {} },
})

/** The request body, and every detail of the answer. */
const ROWS: readonly (readonly [what: string, body: unknown, details: readonly object[]])[] = [
  ['no body', undefined, [{ loc: at(), msg: 'Field required', type: 'missing' }]],
  ['an array', '[]', [notObject]],
  ['nothing but blanks', ' \n', [notJson(2)]],
  ['a text', `"${SECRET}"`, [notObject]],
  ['null', 'null', [{ loc: at(), msg: 'Field required', type: 'missing' }]],
  ['a body cut off', `{"connection_string": "${GOOD_URL}`, [notJson(22, 'Unterminated string starting at')]],
  ['a word without quotes', '{"name": Shop}', [notJson(9)]],
  ['a comma too many', '{"name": "Shop",}', [notJson(16, 'Expecting property name enclosed in double quotes')]],
  ['an empty object', {}, ['name', 'db_type', 'connection_string'].map(missing)],
  ['no name', without(good, 'name'), [missing('name')]],
  ['no kind of database', without(good, 'db_type'), [missing('db_type')]],
  ['no connection string', without(good, 'connection_string'), [missing('connection_string')]],
  ['a name of null', { ...good, name: null }, [mistyped(['name'], null)]],
  ['a number for a name', { ...good, name: 5 }, [mistyped(['name'], 5)]],
  ['a number, whatever it is', { ...digits, name: 12_345_678 }, [mistyped(['name'], 12_345_678)]],
  ['a boolean, whatever it is', { ...digits, db_type: true }, [mistyped(['db_type'], true)]],
  ['an empty name', { ...good, name: '' }, [short(['name'], 1)]],
  ['a long name', { ...good, name: 'é'.repeat(201) }, [long(['name'], 200)]],
  ['another database', { ...good, db_type: 'mysql' }, [mismatch('mysql')]],
  ['a kind in capitals', { ...good, db_type: 'SUPABASE' }, [mismatch('SUPABASE')]],
  ['a boolean for the kind', { ...good, db_type: true }, [mistyped(['db_type'], true)]],
  ['an object for the string', { ...good, connection_string: { url: GOOD_URL } }, [mistyped(['connection_string'])]],
  ['a short string', url('postgres:'), [short(['connection_string'], 10)]],
  ['a long string', url(`${GOOD_URL}?application_name=${'x'.repeat(8192)}`), [long(['connection_string'], 8192)]],
  ['another scheme', url(`mysql://app:${SECRET}@db.acme.io/shop`), [value('connection_string')]],
  ['no host', url(`postgresql://app:${SECRET}@/shop`), [value('connection_string')]],
  ['no database', url(`postgresql://app:${SECRET}@db.acme.io`), [value('connection_string')]],
  [
    'a file to read',
    url(`postgresql://app:${SECRET}@db.acme.io/shop?passfile=/etc/${SECRET}`),
    [value('connection_string')],
  ],
  ['text for the list', { ...good, excluded_schemas: 'auth' }, [notList('auth')]],
  ['an object for the list', { ...good, excluded_schemas: {} }, [notList()]],
  ['a number in the list', { ...good, excluded_schemas: ['auth', 7] }, [mistyped(['excluded_schemas', 1], 7)]],
  ['too many names in the list', { ...good, excluded_schemas: Array(1_001).fill('') }, [tooMuch('item', 1_000, 1_001)]],
  [
    'too long a list',
    { ...good, excluded_schemas: ['é'.repeat(8_000), 'x'.repeat(385)] },
    [tooMuch('byte', 16_384, 16_385)],
  ],
  ['a name in the list with U+0000', { ...good, excluded_schemas: ['a\u0000b'] }, [value('excluded_schemas', 0)]],
  ['a name with U+0000', { ...good, name: 'a\u0000b' }, [value('name')]],
  [
    'three wrong at once',
    { name: '', db_type: 'mysql', connection_string: 'short' },
    [short(['name'], 1), mismatch(), short(['connection_string'], 10)],
  ],
  ['a body that is nested deeper than is taken', `{"name":${'['.repeat(200)}${']'.repeat(200)}}`, [value()]],
  ['a constant that only CPython takes', '{"name": NaN}', [notJson(9)]],
  [
    'a mark of the order of bytes, and a character beyond the basic plane',
    '\ufeff{"name": "\ud83e\udd80" 1}',
    [notJson(13, "Expecting ',' delimiter")],
  ],
  ['both kinds of string', { ...good, ...sealed }, [value('connection_string')]],
  ['a sealed string without its key', without(sealed, 'key_id'), [missing('key_id')]],
  ['a sealed string without its host', without(sealed, 'host'), [missing('host')]],
]

let deps: BadInputFixture
beforeAll(async () => {
  deps = await makeBadInputFixture()
})
afterAll(() => deps.mooring.stop())

it.each(ROWS)(
  '%s is refused in Pydantic’s words, without a secret, and leaves nothing behind',
  async (_, body, details) => {
    const answer = await deps.refused('POST', '/api/v1/connections', body === undefined ? {} : { body })
    expect([answer.status, answer.body]).toEqual([422, { detail: details }])
    expect(answer.text).not.toContain(SECRET)
  },
)
