/**
 * The bodies of the connections dialect and of the capabilities in the datasources dialect: the form that the fields
 * choose, the procedure's input that a body becomes, and each refusal in Pydantic's vocabulary.
 */
import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { CreateApiKey } from '#shared/dialects/api-keys-dialect.ts'
import { MintBody } from '#shared/dialects/capability-dialect.ts'
import { boundedText, registerBodyFor, updateBodyFor } from '#shared/dialects/connections-dialect.ts'
import { ConnectionsError, envelopeOf } from '#shared/dialects/connections-object.ts'
import { PageLimit } from '#shared/dialects/datasources-dialect.ts'
import { DatasourcesError } from '#shared/dialects/datasources-object.ts'
import { EventsQuery } from '#shared/dialects/feed-dialect.ts'
import { RevokeKeyQuery } from '#shared/dialects/keys-dialect.ts'
import { RoleSqlQuery } from '#shared/dialects/record-dialect.ts'
import { IntrospectBody, SchemaQuery } from '#shared/dialects/schema-dialect.ts'
import { IntrospectInput } from '#shared/schemas/introspection.ts'

const STRING = 'postgres://app:hunter2@db.example.com/shop'
const KEY_ID = '01900000-0000-7000-8000-0000000000ab'
const BOX = 'A'.repeat(64)
const NAMED = { name: 'Shop', db_type: 'supabase' }
const PLAIN = { ...NAMED, connection_string: STRING }
const SEALED = { sealed_connection_string: BOX, key_id: KEY_ID, host: 'db.example.com', database_name: 'shop' }

/** A refusal as the dialect shows it: the field, Pydantic's type and message, and the context. */
function refusals(schema: z.ZodType | null, value: unknown): unknown[] {
  const issues = schema?.safeParse(value).error?.issues ?? []
  return issues.map(issue => {
    const { type, ctx } = { type: issue.code, ctx: undefined, ...Reflect.get(issue, 'params') }
    return [issue.path.join('.'), type, issue.message, ...(ctx === undefined ? [] : [ctx])]
  })
}

describe('A registration in the connections dialect', () => {
  const registered = (body: object) => registerBodyFor(body)?.parse(body)
  const refused = (more: object) => refusals(registerBodyFor({ ...PLAIN, ...more }), { ...PLAIN, ...more })

  it('with a string in clear becomes the input of the procedure', () => {
    const connectionString = { text: STRING, target: expect.objectContaining({ database: 'shop' }), advisories: [] }
    const input = { name: 'Shop', dbType: 'supabase', schema: null }
    expect(registered(PLAIN)).toEqual({ ...input, connectionString: { ...connectionString, schema: null } })
    expect(registered({ ...PLAIN, excluded_schemas: ['auth'], ca_certificate: null })).toEqual({
      ...{ ...input, excludedSchemas: ['auth'], caCertificate: null },
      connectionString: expect.objectContaining({ text: STRING }),
    })
    expect(registered({ ...PLAIN, connection_string: `${STRING}?schema=sales&pool=1` })).toMatchObject({
      connectionString: { schema: 'sales', advisories: [{ item: 'schema' }, { item: 'pool' }] },
    })
  })

  it('with a sealed string becomes the input of the procedure', () => {
    expect(registered({ ...NAMED, ...SEALED, key_id: `urn:uuid:${KEY_ID.toUpperCase()}` })).toEqual({
      ...{ name: 'Shop', dbType: 'supabase', schema: null, sealedConnectionString: BOX, keyId: KEY_ID },
      ...{ host: 'db.example.com', port: 5432, database: 'shop' },
    })
    expect(registered({ ...NAMED, ...SEALED, port: 6543, excluded_schemas: [] })).toMatchObject({
      ...{ port: 6543, excludedSchemas: [] },
    })
  })

  it('has one string: with both, no form fits, and without one the form in clear is asked for', () => {
    expect(registerBodyFor({ ...PLAIN, ...SEALED })).toBeNull()
    expect(refusals(registerBodyFor(NAMED), NAMED)).toMatchObject([['connection_string', 'invalid_type', {}]])
    const sealed = { ...NAMED, sealed_connection_string: BOX }
    expect(refusals(registerBodyFor(sealed), sealed).map(issue => Object(issue)[0])).toEqual([
      ...['key_id', 'host', 'database_name'],
    ])
  })

  const short = (least: string, min_length: number) => [
    ...['string_too_short', `String should have at least ${least}`, { min_length }],
  ]
  const long = (max_length: number) => [
    ...['string_too_long', `String should have at most ${max_length} characters`, { max_length }],
  ]
  const value = (message: string) => ['value_error', `Value error, ${message}`]
  const pattern = '^(supabase|postgres_gcp|postgresql_local|postgresql_aws|postgresql)$'

  it.each<[string, object, unknown[]]>([
    ['an empty name', { name: '' }, ['name', ...short('1 character', 1)]],
    ['a long name', { name: '𝄞'.repeat(201) }, ['name', ...long(200)]],
    ['U+0000 in its name', { name: 'a\u0000' }, ['name', ...value('the text holds U+0000 or a lone surrogate')]],
    ['a short string', { connection_string: 'x'.repeat(9) }, ['connection_string', ...short('10 characters', 10)]],
    ['a long string', { connection_string: 'x'.repeat(8_193) }, ['connection_string', ...long(8_192)]],
    [
      'U+0000 among the schemas',
      { excluded_schemas: ['a', '\u0000'] },
      ['excluded_schemas.1', ...value('the text holds U+0000 or a lone surrogate')],
    ],
    [
      'a string among the schemas',
      { excluded_schemas: ['a', STRING] },
      ['excluded_schemas.1', ...value('a schema name has the form of a connection string')],
    ],
    [
      'too many schemas',
      { excluded_schemas: Array.from({ length: 1_001 }, () => 'a') },
      [
        ...['excluded_schemas', 'too_long', 'List should have at most 1000 items after validation, not 1001'],
        { field_type: 'List', max_length: 1_000, actual_length: 1_001 },
      ],
    ],
    [
      'too many bytes of schemas',
      { excluded_schemas: ['é'.repeat(8_192), 'x'] },
      [
        ...['excluded_schemas', 'too_long', 'List should have at most 16384 bytes after validation, not 16385'],
        { field_type: 'List', max_length: 16_384, actual_length: 16_385 },
      ],
    ],
  ])('is refused for %s', (_, more, wanted) => expect(refused(more)).toEqual([wanted]))

  it('is refused for a string that the parser refuses, with the parser’s reason and nothing of the string', () => {
    const [issue] = refused({ connection_string: 'mysql://app:hunter2@db.example.com/shop' })
    expect(issue).toEqual(['connection_string', 'value_error', expect.stringMatching(/^Value error, .{20}/)])
    expect(JSON.stringify(issue)).not.toContain('hunter2')
  })

  it('is refused for another type than those documented', () => {
    expect(refused({ db_type: 'mysql' })).toEqual([
      ['db_type', 'string_pattern_mismatch', `String should match pattern '${pattern}'`, { pattern }],
    ])
    for (const type of pattern.slice(2, -2).split('|')) expect(refused({ db_type: type })).toEqual([])
  })

  it('takes names and lists of exactly the documented size', () => {
    expect(refused({ name: '𝄞'.repeat(200), excluded_schemas: Array.from({ length: 1_000 }, () => 'a') })).toEqual([])
    expect(refused({ name: 'a', excluded_schemas: ['é'.repeat(8_192)] })).toEqual([])
    expect(refusals(boundedText(2, 3), 'ab')).toEqual([])
    expect(refusals(boundedText(2, 3), 'a')).toEqual([['', ...short('2 characters', 2)]])
  })

  it('with a sealed string names a key by any notation of a UUID, and a database by at most 63 bytes', () => {
    const sealed = (more: object) => {
      const body = { ...NAMED, ...SEALED, ...more }
      return refusals(registerBodyFor(body), body)
    }
    expect(sealed({ key_id: 7 })).toEqual([
      ['key_id', 'uuid_type', 'UUID input should be a string, bytes or UUID object'],
    ])
    expect(sealed({ key_id: 'x' })).toMatchObject([
      ['key_id', 'uuid_parsing', expect.stringMatching(/^Input should be a valid UUID/), {}],
    ])
    expect(sealed({ database_name: 'é'.repeat(31) })).toEqual([])
    expect(sealed({ database_name: 'é'.repeat(32) })).toEqual([
      ['database_name', ...value('a database name has at most 63 bytes')],
    ])
  })
})

describe('An update in the connections dialect', () => {
  const updated = (body: object) => updateBodyFor(body)?.parse(body)

  it('without a string changes the given fields alone', () => {
    expect(updated({})).toEqual({ kind: 'change', input: {} })
    expect(updated({ name: 'Till' })).toEqual({ kind: 'change', input: { name: 'Till' } })
    expect(updated({ excluded_schemas: ['a'] })).toEqual({ kind: 'change', input: { excludedSchemas: ['a'] } })
  })

  it('with a string, in clear or sealed, rotates the credential', () => {
    const connectionString = expect.objectContaining({ text: STRING, schema: null })
    expect(updated({ connection_string: STRING })).toEqual({ kind: 'rotation', input: { connectionString } })
    expect(updated({ connection_string: STRING, name: 'Till', ca_certificate: null, allow_move: true })).toEqual({
      kind: 'rotation',
      input: { connectionString, name: 'Till', caCertificate: null, allowMove: true },
    })
    const box = { sealedConnectionString: BOX, keyId: KEY_ID, host: 'db.example.com', port: 5432, database: 'shop' }
    expect(updated({ ...SEALED, excluded_schemas: [], allow_move: false })).toEqual({
      kind: 'rotation',
      input: { ...box, excludedSchemas: [], allowMove: false },
    })
    expect(updateBodyFor({ ...SEALED, connection_string: STRING })).toBeNull()
  })
})

describe('A capability', () => {
  const minted = (body: object) => MintBody.parse({ ttlSeconds: 60, ...body })
  const agent = { ttlSeconds: 60, participantKind: 'agent' }
  const refused = (body: object) => refusals(MintBody, body).map(issue => Object(issue).slice(0, 3))
  const read = ['datasources.read']

  it('is given its operations and groups under either name', () => {
    for (const name of ['operations', 'allowedOperations'])
      expect(minted({ [name]: read })).toEqual({ ...agent, operations: read })
    for (const name of ['syncGroups', 'allowedSyncGroups'])
      expect(minted({ operations: read, [name]: ['a'] })).toEqual({
        ...{ ...agent, operations: read, syncGroups: ['a'] },
      })
  })

  it('is refused under both, by the path of the second', () => {
    expect(refused({ operations: read, allowedOperations: read })).toEqual([
      ['allowedOperations', 'custom', 'Give operations or allowedOperations, not both.'],
    ])
    expect(refused({ operations: read, syncGroups: ['a'], allowedSyncGroups: ['a'] })).toEqual([
      ['allowedSyncGroups', 'custom', 'Give syncGroups or allowedSyncGroups, not both.'],
    ])
  })

  it('has every right only where that is said', () => {
    expect(minted({ wideScope: true })).toEqual({ ...agent, wideScope: true, operations: undefined })
    for (const body of [{}, { wideScope: false }, { syncGroups: ['a'] }])
      expect(refused(body)).toEqual([['operations', expect.any(String), expect.stringMatching(/.{20}/)]])
    const [issue] = MintBody.safeParse({}).error?.issues ?? []
    expect(issue).toMatchObject({ code: 'custom', params: expect.any(Object) })
  })

  it('lives for an hour by default', () => {
    expect(MintBody.parse({ operations: read }).ttlSeconds).toBe(3_600)
  })
})

describe('The answers of the dialects', () => {
  it('stand in an envelope where the connections dialect shows one', () => {
    const schema = envelopeOf({ schema: boundedText(1, 5), id: 'TextEnvelope', description: 'A text.' })
    expect(schema.parse({ success: true, data: 'a', error: null })).toEqual({ success: true, data: 'a', error: null })
    for (const wrong of [{ success: false }, { error: 'x' }, { data: '' }])
      expect(schema.safeParse({ success: true, data: 'a', error: null, ...wrong }).success).toBe(false)
    expect(schema.meta()).toMatchObject({ id: 'TextEnvelope', description: 'A text.' })
    expect(ConnectionsError.safeParse({ success: true, data: null, error: null }).success).toBe(false)
  })

  it('class an error of the datasources dialect by its status', () => {
    const error = { code: 'not_found', message: 'x', doc_url: 'https://a.example/docs', request_id: 'r' }
    const isAccepted = (type: string) => DatasourcesError.safeParse({ ...error, type }).success
    expect(['AbloValidationError', 'AbloServerError', 'x'].map(isAccepted)).toEqual([true, true, false])
  })

  it('have pages of one to a hundred items', () => {
    expect(['1', '100', '099'].map(text => PageLimit.parse(text))).toEqual([1, 100, 99])
    for (const text of ['0', '101', '1000', '-1', '1.5', '', ' 1', '1e1'])
      expect(PageLimit.safeParse(text).success, text).toBe(false)
  })
})

describe('The other bodies and queries', () => {
  const accepts = (schema: z.ZodType, ...values: unknown[]) => values.map(value => schema.safeParse(value).success)
  const names = (count: number, length = 1) => Array.from({ length: count }, () => 'x'.repeat(length))

  it('name one to a hundred schemas of one to 63 characters for an introspection', () => {
    const lists = [names(1), names(100, 63), [], names(101), names(1, 64), ['']]
    const wanted = [true, true, false, false, false, false]
    expect(accepts(IntrospectBody, {}, ...lists.map(schemas => ({ schemas })))).toEqual([true, ...wanted])
    const id = `ds_${'0'.repeat(32)}`
    expect(accepts(IntrospectInput, ...lists.map(schemas => ({ id, schemas }))).slice(0, 4)).toEqual(wanted.slice(0, 4))
    for (const field of ['schema', 'table'])
      expect(accepts(SchemaQuery, { [field]: 'x'.repeat(63) }, { [field]: 'x'.repeat(64) })).toEqual([true, false])
  })

  it('ask for one to a thousand events', () => {
    expect(EventsQuery.parse({ limit: '1000' }).limit).toBe(1_000)
    expect(accepts(EventsQuery, {}, { limit: '1' }, { limit: '0' }, { limit: '1001' }, { limit: '1x' })).toEqual([
      ...[true, true, false, false, false],
    ])
  })

  it('say yes in one word', () => {
    expect(accepts(RevokeKeyQuery, { force: 'true' }, { force: 'false' })).toEqual([true, false])
    expect(accepts(RoleSqlQuery, { schema: 'a', read_only: 'false' }, { schema: 'a', read_only: 'no' })).toEqual([
      ...[true, false],
    ])
    expect(accepts(CreateApiKey, { name: 'a' }, { name: '' }, {})).toEqual([true, false, false])
  })
})
