/**
 * The rules of inputs that no type can state: bounds on both sides, forms chosen by their fields, and tokens with a
 * checksum. Each refusal names the path of the field.
 */
import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { MintCapabilityInput } from '#shared/access/capability.ts'
import { checksum, crc32, recognise } from '#shared/access/token.ts'
import { Metadata, SchemaName } from '#shared/datasources/datasource.ts'
import { ExcludedSchemas } from '#shared/datasources/excluded-schemas.ts'
import { CaCertificate, RegisterInput, ValidateInput } from '#shared/datasources/registration.ts'
import { RotateBody } from '#shared/dialects/datasource-change-dialect.ts'
import {
  DirectBody,
  EndpointBody,
  ListQuery,
  RegisterBody,
  ValidateBody,
} from '#shared/dialects/datasources-dialect.ts'
import { faultSpec } from '#shared/faults/fault.ts'

const accepts = (schema: z.ZodType, value: unknown) => schema.safeParse(value).success
const refusals = (schema: z.ZodType, value: unknown) =>
  schema.safeParse(value).error?.issues.map(({ code, path }) => `${code} ${path.join('.')}`) ?? []

const STRING = 'postgres://app:hunter2@db.example.com/shop'
const SEALED = { sealedConnectionString: 'A'.repeat(64), host: 'db.example.com', database: 'shop' }
const KEY_ID = '01900000-0000-7000-8000-0000000000ab'

describe('The metadata of a capability', () => {
  const mint = { operations: ['datasources.read'], ttlSeconds: 60 }
  const isAccepted = (userMeta: unknown) => accepts(MintCapabilityInput, { ...mint, userMeta })
  const nested = (depth: number): object => (depth === 0 ? {} : { a: nested(depth - 1) })

  it.each<[string, unknown, boolean]>([
    ['an object', { a: 'b', c: [1, null, true] }, true],
    ['a list', [], false],
    ['a text', 'x', false],
    ['seven objects in it', nested(7), true],
    ['eight objects in it', nested(8), false],
    ['U+0000 in a text', { a: ['\u0000'] }, false],
    ['U+0000 in a text beside a good one', { a: 'x', b: '\u0000' }, false],
    ['U+0000 in a name', { '\u0000': 1 }, false],
    ['8,192 characters', { a: 'x'.repeat(8_192 - 8) }, true],
    ['8,193 characters', { a: 'x'.repeat(8_192 - 7) }, false],
  ])('with %s', (_, userMeta, wanted) => expect(isAccepted(userMeta)).toBe(wanted))

  it('is optional, as a kind of participant is, of which there are two', () => {
    expect([isAccepted(undefined), isAccepted(null)]).toEqual([true, true])
    for (const participantKind of ['agent', 'system'])
      expect(accepts(MintCapabilityInput, { ...mint, participantKind })).toBe(true)
    expect(refusals(MintCapabilityInput, { ...mint, participantKind: 'person' })).toEqual(['custom participantKind'])
  })

  it('grants everything only where that is said', () => {
    expect(accepts(MintCapabilityInput, { ttlSeconds: 60, wideScope: true })).toBe(true)
    expect(refusals(MintCapabilityInput, { ttlSeconds: 60 })).toEqual(['custom operations'])
    expect(refusals(MintCapabilityInput, { ttlSeconds: 60, wideScope: false })).toEqual(['custom operations'])
  })
})

describe('A token', () => {
  const tokenOf = (head: string) => `${head}${checksum(head)}`
  it('has the CRC-32 of everything before it, in base62', () => {
    expect(crc32('123456789')).toBe(0xcbf43926)
    expect(crc32('')).toBe(0)
    expect(checksum('123456789')).toBe('3jZRME')
  })

  it.each([
    ['sk_live_', { kind: 'key', mode: 'live' }],
    ['sk_test_', { kind: 'key', mode: 'test' }],
    ['rk_live_', { kind: 'capability', mode: 'live' }],
    ['rk_test_', { kind: 'capability', mode: 'test' }],
  ])('that begins with %s says what it is', (prefix, wanted) => {
    const token = tokenOf(`${prefix}${'aB3'.repeat(10)}`)
    expect(recognise(token)).toEqual(wanted)
    expect(recognise(token.replace('aB3', 'aB4'))).toBeNull()
    expect(recognise(`${token}0`)).toBeNull()
    expect(recognise(tokenOf(`${prefix}${'aB3'.repeat(9)}`))).toBeNull()
  })
})

describe('The labels of a datasource', () => {
  const of = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, 'v']))
  it.each<[string, unknown, boolean]>([
    ['fifty', of(50), true],
    ['fifty-one', of(51), false],
    ['a name of 40 characters', { ['𝄞'.repeat(40)]: 'v', b: 'v' }, true],
    ['a name of 41 characters', { a: 'v', ['𝄞'.repeat(41)]: 'v' }, false],
    ['a value of 500 characters', { a: '𝄞'.repeat(500), b: 'v' }, true],
    ['a value of 501 characters', { a: 'v', b: '𝄞'.repeat(501) }, false],
    ['U+0000', { a: 'v', b: '\u0000' }, false],
    ['a number', { a: 1 }, false],
    ['a list', ['a'], false],
    ['a text', 'a', false],
    ['nothing', null, false],
  ])('may be %s: %#', (_, labels, wanted) => expect(accepts(Metadata, labels)).toBe(wanted))
})

describe('The name of a schema', () => {
  it('has at most 63 bytes', () => {
    expect(accepts(SchemaName, 'x'.repeat(63))).toBe(true)
    expect(accepts(SchemaName, `${'é'.repeat(31)}x`)).toBe(true)
    expect(accepts(SchemaName, 'é'.repeat(32))).toBe(false)
  })

  it('is left out with others of 16,384 bytes together, and is no connection string', () => {
    const half = 'é'.repeat(4_096)
    expect(accepts(ExcludedSchemas, [half, half])).toBe(true)
    expect(accepts(ExcludedSchemas, [half, half, 'x'])).toBe(false)
    expect(accepts(ExcludedSchemas, ['a', 'password', 'x=y'])).toBe(true)
    for (const text of ['postgres://a', 'Password=x', 'password = x', 'password  =x'])
      expect(accepts(ExcludedSchemas, ['a', text]), text).toBe(false)
  })
})

describe('A registration', () => {
  it('reads its string once, and refuses it by its path and its code', () => {
    const parsed = RegisterInput.parse({ connectionString: STRING, name: 'Shop' })
    expect(parsed).toMatchObject({ name: 'Shop', connectionString: { text: STRING, target: { database: 'shop' } } })
    const [issue] = RegisterInput.safeParse({ connectionString: 'postgres://' }).error?.issues ?? []
    expect(issue).toMatchObject({ code: 'custom', path: ['connectionString'], params: { code: expect.any(String) } })
    expect(issue?.message).not.toBe('')
  })

  it('is in the form that its fields choose, though some are missing', () => {
    expect(refusals(RegisterInput, { keyId: KEY_ID, ...SEALED, sealedConnectionString: undefined })).toContain(
      'invalid_type sealedConnectionString',
    )
    expect(refusals(RegisterInput, SEALED)).toEqual(['invalid_type keyId'])
    expect(refusals(RegisterInput, { endpoint: 'https://a.example' })).toEqual(['invalid_type signingKey'])
    expect(refusals(RegisterInput, { signingKey: 'x'.repeat(8) })).toEqual(['invalid_type endpoint'])
    expect(refusals(RegisterInput, {})).toEqual(['invalid_type connectionString'])
    expect(ValidateInput.parse({ ...SEALED, keyId: KEY_ID })).toEqual({ ...SEALED, keyId: KEY_ID, port: 5432 })
  })

  it('has a certificate or a reason, told as both dialects tell it', () => {
    const [issue] = CaCertificate.safeParse('none').error?.issues ?? []
    const message = expect.stringMatching(/^it is not PEM text/)
    expect(issue).toMatchObject({ code: 'custom', message, params: { type: 'value_error' } })
    expect(Reflect.get(Object(issue), 'params').message).toBe(`Value error, ${issue?.message}`)
  })

  it('has in the datasources dialect the procedure’s names', () => {
    const sealed = { ...SEALED, key_id: KEY_ID }
    expect(DirectBody.parse({ ...sealed, connection: 'direct' })).toEqual({ ...SEALED, keyId: KEY_ID, port: 5432 })
    expect(RotateBody.parse(sealed)).toEqual({ ...SEALED, keyId: KEY_ID, port: 5432 })
    expect(DirectBody.parse({ connectionString: STRING, connection: 'direct' })).toEqual({
      connectionString: expect.objectContaining({ text: STRING }),
    })
    expect(refusals(DirectBody, SEALED)).toEqual(['invalid_type key_id'])
    expect(refusals(DirectBody, { key_id: KEY_ID })).toContain('invalid_type sealedConnectionString')
    expect(
      EndpointBody.parse({ endpoint: 'https://a.example', signingKey: 'x'.repeat(8), connection: 'endpoint' }),
    ).toEqual({
      endpoint: 'https://a.example',
      signingKey: 'x'.repeat(8),
    })
  })

  it('is in the form that the fields of the dialect choose', () => {
    const endpoint = { endpoint: 'https://a.example', signingKey: 'x'.repeat(8) }
    expect(RegisterBody.parse({ ...endpoint, connection: 'endpoint' })).toEqual(endpoint)
    expect(refusals(RegisterBody, { endpoint: endpoint.endpoint })).toEqual(['invalid_type signingKey'])
    expect(refusals(RegisterBody, { signingKey: endpoint.signingKey })).toEqual(['invalid_type endpoint'])
    expect(refusals(RegisterBody, { connection: 'endpoint' })).toContain('invalid_type endpoint')
    expect(refusals(RegisterBody, { connection: 'direct' })).toEqual(['invalid_type connectionString'])
    expect(ValidateBody.parse({})).toEqual({ isRegistered: true })
    expect(refusals(ValidateBody, { connection: 'direct' })).toEqual(['invalid_type connectionString'])
  })

  it('is found again by the second since which it has changed', () => {
    expect(ListQuery.parse({ updated_since: '1795305600' }).updated_since).toBe('2026-11-22T00:00:00.000Z')
  })
})

it('A fault has its status', () => {
  expect(faultSpec('invalid_body')).toMatchObject({ status: 400 })
})
