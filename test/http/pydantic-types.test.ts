/**
 * Every refusal of a body, path or query of the connections dialect is one of Pydantic's own: its type, its sentence
 * and the names in its `ctx`, by pydantic_core's list (`test/vectors/pydantic-errors.json`). The refusals are generated
 * from the document's schemas, so that a new field is covered.
 */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { PYDANTIC_TYPES } from '#server/rest/connections/pydantic.ts'
import { MAX_BODY_BYTES } from '#server/rest/http/body.ts'
import { createAuthority } from '#test/support/dials/certificates.ts'
import { type BadInputFixture, GOOD_URL, makeBadInputFixture } from '#test/support/http/bad-input.ts'

const { rows }: { rows: [type: string, template: string, ctx: string[]][] } = JSON.parse(
  readFileSync(new URL('../vectors/pydantic-errors.json', import.meta.url), 'utf8'),
)
const known = new Map(rows.map(([type, template, ctx]) => [type, { template, ctx }]))

interface Schema {
  readonly $ref?: string
  readonly type?: string
  readonly format?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly anyOf?: readonly Schema[]
  readonly items?: Schema
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly maxItems?: number
  readonly pattern?: string
}

interface Detail {
  readonly loc: readonly (string | number)[]
  readonly msg: string
  readonly type: string
  readonly ctx?: Readonly<Record<string, unknown>>
}

let deps: BadInputFixture
let forms: readonly Schema[]
beforeAll(async () => {
  deps = await makeBadInputFixture()
  const document = (await deps.mooring.call('GET', '/openapi.json', { key: null })).body
  const resolved = (schema: Schema): Schema =>
    schema.$ref === undefined ? schema : document.components.schemas[schema.$ref.split('/').at(-1) ?? '']
  const body: Schema = document.paths['/api/v1/connections'].post.requestBody.content['application/json'].schema
  forms = (resolved(body).anyOf ?? []).map(resolved)
})
afterAll(() => deps.mooring.stop())

/** Values that a field rejects, and some that it accepts: only the refusals are compared. */
function values({
  type,
  minLength = 1,
  maxLength = 100,
  minimum = 0,
  maximum = 0,
  items,
  maxItems = 1,
}: Schema): unknown[] {
  const texts = [
    '',
    'x',
    ' ',
    '\u0000',
    'a\ud800',
    'é'.repeat(minLength - 1),
    'x'.repeat(maxLength + 1),
    '🦀'.repeat(maxLength + 1),
  ]
  const numbers = [0, -1, 1.5, 1e300, minimum - 1, maximum + 1, 2 ** 53]
  const others = [null, true, false, [], {}, [[]], { a: 1 }, '5', '5.5', 'true', '0190a000-0000-7000-8000-00000000000g']
  const lists =
    type === 'array'
      ? [Array(maxItems + 1).fill(''), ['x'.repeat(20_000)], ...values(items ?? {}).map(one => [one])]
      : []
  return [...texts, ...numbers, ...others, ...lists]
}

const GOOD: Readonly<Record<string, unknown>> = {
  name: 'Shop',
  db_type: 'postgresql',
  connection_string: GOOD_URL,
  sealed_connection_string: 'A'.repeat(88),
  key_id: '0190a000-0000-7000-8000-000000000000',
  host: 'db.acme.io',
  port: 5432,
  database_name: 'shop',
  excluded_schemas: [],
  ca_certificate: (await createAuthority('A root')).cert,
}

function expectPydantic({ type, msg, ctx = {}, loc }: Detail): void {
  const spec = known.get(type)
  expect([...known.keys()], `at ${loc.join('.')}`).toContain(type)
  expect(Object.keys(ctx).sort(), type).toEqual(spec?.ctx)
  if (type === 'value_error') expect(ctx).toEqual({ error: {} })
  if (type === 'value_error') expect(msg).toMatch(/^Value error, \S/)
  // FastAPI's own sentence for a body that is not JSON.
  else if (type === 'json_invalid') expect(msg).toBe('JSON decode error')
  else {
    const filled = (spec?.template ?? '').replaceAll(/\{(\w+)\}/g, (_, name: string) =>
      name === 'expected_plural' ? plural(ctx) : String(ctx[name]),
    )
    expect(msg.replace(/ bytes after/, ' items after')).toBe(filled)
  }
}

const plural = (ctx: Readonly<Record<string, unknown>>) => ((ctx['min_length'] ?? ctx['max_length']) === 1 ? '' : 's')

it('has no type that Pydantic lacks', () => {
  expect([...PYDANTIC_TYPES].filter(type => !known.has(type))).toEqual([])
})

it('holds for every field of every form of a registration', { timeout: 120_000 }, async () => {
  const seen = new Set<string>()
  const bodies = forms.flatMap(({ properties = {} }) => {
    const good = Object.fromEntries(Object.keys(properties).map(name => [name, GOOD[name]]))
    expect(Object.values(good)).not.toContain(undefined)
    return Object.entries(properties).flatMap(([name, schema]) => [
      Object.fromEntries(Object.entries(good).filter(([other]) => other !== name)),
      ...values(schema).map(value => ({ ...good, [name]: value })),
    ])
  })
  // Larger than any body: refused before it is read.
  const read = bodies.filter(body => Buffer.byteLength(JSON.stringify(body)) <= MAX_BODY_BYTES)
  expect(read.length).toBeGreaterThan(200)
  for (const body of read) {
    const answer = await deps.mooring.call('POST', '/api/v1/connections', { body })
    expect([201, 403, 422], answer.text).toContain(answer.status)
    if (answer.status !== 422) continue
    for (const detail of answer.body.detail) {
      expectPydantic(detail)
      seen.add(detail.type)
    }
  }
  for (const type of [
    'missing',
    'string_type',
    'string_too_short',
    'string_too_long',
    'list_type',
    'too_long',
    'value_error',
  ])
    expect(seen).toContain(type)
  for (const type of [
    'int_type',
    'int_from_float',
    'greater_than_equal',
    'less_than_equal',
    'uuid_type',
    'uuid_parsing',
  ])
    expect(seen).toContain(type)
})

it('holds for invalid bodies, for paths and for queries', async () => {
  const path = `/api/v1/connections/${deps.own}/introspect`
  const asked: [string, string, object?][] = [
    ...['', 'null', '[]', '5', '"x"', 'true', '{', 'nope', `{"a":${'['.repeat(500)}${']'.repeat(500)}}`, '[1,]'].map(
      (body): [string, string, object] => ['POST', '/api/v1/connections', { body }],
    ),
    ...['5', 'x', '{}', `${deps.own}0`, '%00', '%F0%9F%A6%80'].map((id): [string, string] => [
      'GET',
      `/api/v1/connections/${id}`,
    ]),
    ['POST', `${path}?schemas=${'x'.repeat(64)}`],
    ['POST', `${path}?schemas=a%00b`],
    ['POST', `${path}?schemas=${Array(101).fill('a').join(',')}`],
  ]
  for (const [method, url, options] of asked) {
    const answer = await deps.refused(method, url, options ?? {})
    expect([url, answer.status]).toEqual([url, 422])
    for (const detail of answer.body.detail) expectPydantic(detail)
  }
})
