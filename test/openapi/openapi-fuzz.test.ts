/**
 * Requests generated from our own document: bodies, paths, queries and headers that match it, nearly match it, and do
 * not. None is answered with 500, and the document lists every answer. `npm run fuzz` sends 5,000; the seed is printed,
 * and `MOORING_FUZZ_SEED` repeats a run.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Document, exchangeCheck } from '#test/support/house/documented.ts'
import { fc } from '#test/support/house/properties.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

const RUNS = Number(process.env['MOORING_FUZZ_RUNS'] ?? 150)
const SEED = Number(process.env['MOORING_FUZZ_SEED'] ?? Date.now() % 2 ** 31)

interface Schema {
  readonly $ref?: string
  readonly type?: string
  readonly format?: string
  readonly pattern?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
}
interface Parameter {
  readonly name: string
  readonly in: string
  readonly schema: Schema
}
interface Operation {
  readonly parameters?: readonly (Parameter | { readonly $ref: string })[]
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: Schema } } }
}

let mooring: Mooring
let document: Document
beforeAll(async () => {
  // Without a worker, and with little patience for one: a request that waits for it ends as a timeout.
  mooring = await startMooring({ worker: false })
  document = (await mooring.call('GET', '/openapi.json', { key: null })).body
})
afterAll(() => mooring.stop())

const scalar = fc.oneof(
  fc.constantFrom(
    null,
    true,
    0,
    -1,
    1.5,
    2 ** 53,
    '',
    'x',
    'true',
    '\u0000',
    '\ud800',
    '🦀',
    '__proto__',
    'x'.repeat(300),
  ),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
)
const URLS = [
  'postgresql://app:pw@db.acme.io/shop',
  'postgresql://app:pw@10.0.0.1/shop',
  'host=h',
  'https://api.acme.io/feed',
]

/** Values that mostly match a schema, and sometimes do not. */
function madeOf(schema: Schema, depth = 0): fc.Arbitrary<unknown> {
  const named = schema.$ref?.split('/').at(-1)
  if (named !== undefined) return madeOf(document.components.schemas[named] ?? {}, depth)
  const forms = schema.anyOf ?? schema.oneOf
  if (forms !== undefined) return fc.oneof(...forms.map(form => madeOf(form, depth)))
  const fitting = fittingOf(schema, depth)
  return fc.oneof(
    { weight: 12, arbitrary: fitting },
    { weight: 1, arbitrary: scalar },
    { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
  )
}

function fittingOf(schema: Schema, depth: number): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  if (schema.type === 'array') return fc.array(madeOf(schema.items ?? {}, depth + 1), { maxLength: 3 })
  if (schema.type === 'object' || schema.properties !== undefined) {
    const fields = Object.entries(schema.properties ?? {}).map(([name, field]) => [name, madeOf(field, depth + 1)])
    return fc.record(Object.fromEntries(fields), { noNullPrototype: true, requiredKeys: [] })
  }
  if (schema.type === 'integer' || schema.type === 'number') return fc.integer({ min: -1, max: 70_000 })
  if (schema.type === 'boolean') return fc.boolean()
  return fc.oneof(
    fc.constantFrom(
      ...URLS,
      'postgresql',
      '0190a000-0000-7000-8000-000000000000',
      'ds_test_0190a000000070008000000000000000',
    ),
    scalar,
  )
}

function segment(name: string): fc.Arbitrary<string> {
  const ids = ['ds_test_', 'dse_', 'cap_', 'snap_', ''].map(prefix => `${prefix}0190a000000070008000000000000000`)
  return fc.oneof(
    fc.constantFrom(...ids, '5', '%00', '%', name),
    fc.string({ minLength: 1, maxLength: 12 }).map(encoded),
  )
}

/** A path cannot hold half of a surrogate pair, nor be a step upward. */
const encoded = (text: string) => (/^\.+$/.test(text) ? 'dots' : encodeURIComponent(text.toWellFormed()))

const calls = () =>
  fc.oneof(
    ...exchangeCheck(document).operations.map(name => {
      const [method = '', path = ''] = name.split(' ')
      const operation = document.paths[path]?.[method.toLowerCase()] as unknown as Operation // as the document has it
      const query = (operation.parameters ?? []).flatMap(one => ('in' in one && one.in === 'query' ? [one] : []))
      const schema = operation.requestBody?.content['application/json'].schema
      const body =
        schema === undefined
          ? fc.constant('')
          : fc.oneof(
              { weight: 8, arbitrary: madeOf(schema).map(value => JSON.stringify(value)) },
              {
                weight: 1,
                arbitrary: fc.constantFrom(
                  '',
                  'null',
                  '[]',
                  '{',
                  '{"a":}',
                  'NaN',
                  `${'['.repeat(300)}${']'.repeat(300)}`,
                ),
              },
            )
      return fc.record({
        method: fc.constant(method),
        path: fc
          .tuple(...(path.match(/\{[^}]+\}/g) ?? ['']).map(segment))
          .map(ids => ids.reduce((text, id) => text.replace(/\{[^}]+\}/, () => id), path)),
        query: fc.record(Object.fromEntries(query.map(one => [one.name, madeOf(one.schema)])), {
          noNullPrototype: true,
          requiredKeys: [],
        }),
        body,
        key: fc.constantFrom('test', 'test', 'test', 'live', null),
        headers: fc.record(
          {
            prefer: fc.constantFrom('wait=0', 'wait=x'),
            'idempotency-key': fc.constantFrom('one', 'x'.repeat(300)),
            'x-request-id': fc.constantFrom('mine', 'not mine'),
            'webhook-signature': fc.constantFrom('v1,x', 'v2'),
          },
          { noNullPrototype: true, requiredKeys: [] },
        ),
      })
    }),
  )

/** An object may have a `toString` that is not a function. */
const textOf = (value: unknown) => (typeof value === 'object' ? JSON.stringify(value) : String(value))

it(`gives documented answers to any request (${RUNS} requests, seed ${SEED})`, {
  timeout: 1_800_000,
}, async () => {
  console.info(`fuzz: ${RUNS} requests, MOORING_FUZZ_SEED=${SEED}`)
  const check = exchangeCheck(document)
  const { testKey, liveKey } = mooring.organization
  const seen = new Set<number>()
  await fc.assert(
    fc.asyncProperty(calls(), async ({ method, path, query, body, key, headers }) => {
      // Without a worker, these wait for as long as they may.
      const isSlow = /\/(introspect|validate)$/.test(path)
      if (isSlow && key !== null) return
      const search = new URLSearchParams(
        Object.fromEntries(Object.entries(query).map(([name, value]) => [name, textOf(value).toWellFormed()])),
      ).toString()
      const url = search === '' ? path : `${path}?${search}`
      const token = key === null ? null : key === 'test' ? testKey : liveKey
      const answer = await mooring.call(method, url, {
        key: token,
        headers: { ...headers },
        ...(body === '' ? {} : { body }),
      })
      seen.add(answer.status)
      expect(answer.status, answer.text).not.toBe(500)
      expect(answer.headers.get('x-request-id')).toBeTruthy()
      const problems = check.problems({ method, path: url, body }, answer)
      expect(problems, `${method} ${url} ${body} → ${answer.status} ${answer.text}`).toEqual([])
    }),
    { numRuns: RUNS, seed: SEED },
  )
  for (const status of [200, 401, 404]) expect(seen).toContain(status)
})
