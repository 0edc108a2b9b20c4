/**
 * R3 and R5 as a property of whole answers: whatever text is in whichever field, over tRPC and both dialects, no
 * refusal repeats eight characters of the password, and each names a field that was sent or is required.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { sharesPiece } from '#shared/base/text.ts'
import { pastedIn, SHAPE_NAMES, wordSecret } from '#test/support/field/pasted.ts'
import { fc } from '#test/support/house/properties.ts'
import { type Mooring, startMooring } from '#test/support/mooring/mooring.ts'

const RUNS = 120

let mooring: Mooring
beforeAll(async () => {
  mooring = await startMooring()
})
afterAll(() => mooring?.stop())

type Fields = Readonly<Record<string, unknown>>
type Body = (text: string) => Fields

const VALID = 'postgres://app:s3cr3t-w0rd-of-mine@db.acme.io/app'
const NAMED = { name: 'shop', db_type: 'postgresql' }

/** Bodies with a text in each place that accepts one, by path. */
const BODIES: Readonly<Record<string, readonly Body[]>> = {
  '/trpc/datasources.register': [
    text => ({ connectionString: text }),
    text => ({ connectionString: `postgres://app:${text}@db.acme.io/app`, [text]: 1 }),
    text => ({ connectionString: VALID, schema: text, caCertificate: text }),
    text => ({ sealedConnectionString: text, keyId: text, host: text, port: 5432, database: text }),
    text => ({ endpoint: text, signingKey: text }),
    text => ({ connectionString: { text } }),
  ],
  '/v1/datasources': [
    text => ({ connectionString: text }),
    text => ({ connectionString: text, [text]: 1 }),
    text => ({ connectionString: VALID, schema: text, metadata: { [text]: 7 } }),
    text => ({ sealedConnectionString: text, key_id: text, host: text, port: 5432, database: text }),
    text => ({ endpoint: text, signingKey: text }),
    text => ({ connection_string: text }),
  ],
  '/api/v1/connections': [
    text => ({ ...NAMED, connection_string: text }),
    text => ({
      ...NAMED,
      connection_string: `postgres://app:${text}@db.acme.io/app`,
      db_type: text,
      excluded_schemas: [text, 7],
    }),
    text => ({ ...NAMED, connection_string: VALID, ca_certificate: text }),
    text => ({ ...NAMED, sealed_connection_string: text, key_id: text, host: text, port: 5432, database_name: text }),
    text => ({ ...NAMED, connectionString: text }),
    text => ({ db_type: text, connection_string: [text] }),
  ],
}

/** Returns the fields that a refusal names, under the surface's own names. */
function namedFields(path: string, body: Record<string, unknown>): string[] {
  if (path.startsWith('/trpc'))
    return pathsOf(Reflect.get(Object(Reflect.get(Object(body['error']), 'data')), 'issues'), 'path')
  if (path.startsWith('/v1')) return typeof body['param'] === 'string' ? [body['param'].split('.')[0] ?? ''] : []
  return pathsOf(body['detail'], 'loc').filter(field => field !== 'body')
}

function pathsOf(issues: unknown, key: string): string[] {
  if (!Array.isArray(issues)) return []
  return issues.flatMap((issue: object) => {
    const path: unknown = Reflect.get(issue, key)
    return Array.isArray(path) ? path.slice(0, key === 'loc' ? 2 : 1).map(String) : []
  })
}

/** Fields that are required but may not have been sent. */
const ASKED = new Set([
  'connectionString',
  'connection_string',
  'sealedConnectionString',
  'sealed_connection_string',
  'keyId',
  'key_id',
  'name',
  'signingKey',
  'endpoint',
])

it.each(Object.keys(BODIES))('no refusal of %s repeats a password, and each names a field of the body', async path => {
  const text = fc.oneof(
    ...SHAPE_NAMES.map(pastedIn),
    wordSecret.map(password => ({ password, written: password, text: password })),
  )
  await fc.assert(
    fc.asyncProperty(text, fc.constantFrom(...(BODIES[path] ?? [])), async (pasted, make) => {
      const body = make(pasted.text)
      // A password alone, without a string that marks it as one, is an ordinary word.
      fc.pre(pasted.text !== pasted.written || JSON.stringify(body).includes('://'))
      const answer = await mooring.call('POST', path, { body })
      if (answer.status < 400) return
      const told = [pasted.password, pasted.written].filter(secret => sharesPiece(answer.text, secret))
      expect({ told, answer: answer.text }).toEqual({ told: [], answer: answer.text })
      const named = namedFields(path, answer.body)
      expect(named.filter(field => !(field in body) && !ASKED.has(field))).toEqual([])
    }),
    { numRuns: RUNS },
  )
})
