/**
 * None of the validation library's own sentences reaches a caller: every input schema of every procedure and route is
 * made to refuse.
 */
import { beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { useOurWording } from '#server/api/procedure/wording.ts'
import { appRouter } from '#server/api/router.ts'
import { connectionsDialect } from '#server/rest/connections/connections.ts'
import { datasourcesDialect } from '#server/rest/datasources/datasources.ts'

beforeAll(useOurWording)

const ZODS = /^Invalid|^Too (big|small)|^Unrecognized|expected .*(received|to (be|have))/

/** Every schema that parses a caller's value, by a name. */
function inputs(): [string, z.ZodType][] {
  const procedures = Object.entries(appRouter._def.procedures).flatMap(([name, procedure]) => {
    const given: unknown = Reflect.get(Object(procedure)._def, 'inputs')
    return (Array.isArray(given) ? given : []).map((schema): [string, z.ZodType] => [name, schema])
  })
  const routes = [connectionsDialect, datasourcesDialect('https://mooring.example.com')].flatMap(({ routes }) =>
    routes.flatMap(({ method, path, body, query }) =>
      [body?.schema, query].flatMap((schema): [string, z.ZodType][] =>
        schema === undefined ? [] : [[`${method} ${path}`, schema]],
      ),
    ),
  )
  return [...procedures, ...routes]
}

const BAD = [
  undefined,
  null,
  true,
  -1,
  1.5,
  1e9,
  '',
  'x',
  '\u0000',
  'x'.repeat(70_000),
  [],
  [null],
  Array(2_000).fill('x'),
  {},
  { a: 1 },
]

/** Bodies with one bad value in each field of a schema, and with one unknown field. */
function bodies(schema: z.ZodType): unknown[] {
  const displayed: unknown[] = [schema, ...formsOf(schema)]
  const fields = new Set(displayed.flatMap(one => (one instanceof z.ZodObject ? Object.keys(one.shape) : [])))
  return [...BAD, { surely: { unknown: 1 } }, ...[...fields].flatMap(name => BAD.map(value => ({ [name]: value })))]
}

function formsOf(schema: z.ZodType): z.ZodType[] {
  const forms: unknown = z.globalRegistry.get(schema)?.['forms']
  return (Array.isArray(forms) ? forms : []).flatMap((form: z.ZodType) => [form, ...formsOf(form)])
}

it('of any schema uses our own words', () => {
  const all = inputs()
  expect(all.length).toBeGreaterThan(40)
  let refusals = 0
  for (const [name, schema] of all)
    for (const body of bodies(schema)) {
      const parsed = schema.safeParse(body)
      for (const { message } of parsed.error?.issues ?? []) {
        refusals += 1
        expect(message, name).not.toMatch(ZODS)
        expect(message, name).not.toBe('')
      }
    }
  expect(refusals).toBeGreaterThan(1_000)
})
