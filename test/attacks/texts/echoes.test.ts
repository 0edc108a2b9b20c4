/**
 * Attack: a secret in the wrong field comes back in a validation error, and from there reaches a log or a report.
 * Property tests of the echoes of the connections dialect, over bodies with a secret in every place.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { echoOf } from '#server/rest/connections/pydantic-echo.ts'
import { fc } from '#test/support/house/properties.ts'
import { type BadInputFixture, makeBadInputFixture } from '#test/support/http/bad-input.ts'

const WORD = fc.stringMatching(/^[A-Za-z0-9_|.-]{1,40}$/)
const params = {}
const echoed = (body: object, field = 'db_type') => echoOf(['body', field], { body, params })
const url = ({ user, password, value }: { user: string; password: string; value: string }) =>
  `postgresql://${encodeURIComponent(user)}:${encodeURIComponent(password)}@db.acme.io/shop?application_name=${encodeURIComponent(value)}`

/** A login whose every part may be any text without control characters. */
const login = fc.record({
  user: fc.stringMatching(/^[a-zé][a-z0-9é@:/-]{0,12}$/),
  password: fc.stringMatching(/^[!-~é🦀]{1,24}$/u),
  value: fc.stringMatching(/^[a-zA-Z0-9 @_-]{1,20}$/),
})

describe('A piece of a connection string in another field', () => {
  it('is never echoed, whichever piece of user, password or parameter it is, in either case of letters', () => {
    fc.assert(
      fc.property(
        login,
        fc.constantFrom('user' as const, 'password' as const, 'value' as const),
        fc.nat(),
        (encoding, part, spot) => {
          const text = encoding[part]
          const start = spot % text.length
          const piece = text.slice(start, start + 1 + (spot % (text.length - start)))
          const body = (db_type: string) => ({ name: 'x', db_type, connection_string: url(encoding) })
          for (const value of [piece, text, `a${text}`, `${text}.b`, piece.toUpperCase(), piece.toLowerCase()])
            expect(echoed(body(value))).toBeUndefined()
        },
      ),
    )
  })

  it('is not echoed when the string cannot be parsed, since its secret parts are unknown', () => {
    const strings = fc.oneof(
      fc.string(),
      fc.constant('host=h user=u password=p4ssw0rd-x dbname=d'),
      fc.constant(null),
      fc.object(),
    )
    fc.assert(
      fc.property(WORD, strings, (db_type, connection_string) => {
        expect(echoed({ db_type, connection_string })).toBeUndefined()
      }),
    )
  })

  it('is not echoed when the string is in a field of another name', () => {
    for (const field of ['connectionString', 'url', 'dsn'])
      for (const text of ['postgres://u:p4ss@h/d', 'host=h password=p4ss'])
        expect(echoed({ db_type: 'p4ss', [field]: text })).toBeUndefined()
  })
})

describe('An echoed text', () => {
  it('is a word of at most 40 letters, digits and _|.- and no other text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), WORD), text => {
        const displayed = echoed({ db_type: text })
        expect(displayed).toBe(/^[A-Za-z0-9_|.-]{1,40}$/.test(text) ? text : undefined)
      }),
    )
  })

  it('may be any number, boolean or null, and never a list or an object', () => {
    const connection_string = 'postgresql://true:12345678@db.acme.io/shop'
    fc.assert(
      fc.property(fc.jsonValue(), value => {
        const isScalar = value === null || ['number', 'boolean'].includes(typeof value)
        const displayed = echoed({ db_type: value, connection_string })
        if (isScalar) expect(displayed).toBe(value)
        else if (typeof value === 'object') expect(displayed).toBeUndefined()
      }),
    )
  })

  it('is never from a secret field, whatever the field holds', () => {
    for (const field of ['connection_string', 'sealed_connection_string', 'ca_certificate'])
      for (const value of [5, null, true, 'word']) expect(echoed({ [field]: value }, field)).toBeUndefined()
  })

  it('is never an inherited property of a body', () => {
    for (const field of ['constructor', '__proto__', 'toString']) expect(echoed({}, field)).toBeUndefined()
  })
})

describe('An answer over HTTP', () => {
  let deps: BadInputFixture
  beforeAll(async () => {
    deps = await makeBadInputFixture()
  })
  afterAll(() => deps.mooring.stop())
  const details = async (body: object) => (await deps.refused('POST', '/api/v1/connections', { body })).text

  it('does not hold the password of a string in the wrong field', async () => {
    const body = { name: 'Shop', db_type: 'host=h user=u password=p4ssw0rd-x dbname=d', connection_string: 'host=h' }
    expect(await details(body)).not.toContain('p4ssw0rd-x')
    expect(
      await details({ ...body, connection_string: 'postgresql://u:p4ssw0rd-x@db.acme.io/d', db_type: 'p4ssw0rd-x' }),
    ).not.toContain('p4ss')
    expect(
      await details({ ...body, connection_string: 'host=h password=p4ssw0rd-x', db_type: 'p4ssw0rd-x' }),
    ).not.toContain('p4ss')
  })

  it('holds a word that is unrelated to the string', async () => {
    const body = { name: 'Shop', db_type: 'postgres', connection_string: 'postgresql://app:p4ssw0rd-x@db.acme.io/d' }
    expect(JSON.parse(await details(body)).detail).toMatchObject([{ input: 'postgres' }])
  })
})
