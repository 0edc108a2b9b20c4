/**
 * Properties of every answer about a connection string: none repeats eight characters of the password, whatever is pasted and whatever
 * a server makes of it, and every refusal names a place that is in the text.
 */
import { describe, expect, it } from 'vitest'
import type { Probe } from '#server/domain/checks/probe.ts'
import { judgeProbe } from '#server/domain/checks/verification.ts'
import { repeating } from '#server/domain/checks/withheld.ts'
import { sharesPiece } from '#shared/base/text.ts'
import { parseConnectionString } from '#shared/connection-string/connection-string.ts'
import { FAILURES, type FailureCode } from '#shared/faults/failure.ts'
import { fc } from '#test/support/house/properties.ts'

/** Letters that no sentence of ours holds in a row of eight, and what has to be encoded among them. */
const secret = fc
  .array(
    fc.constantFrom(
      ...'QXZJKVWqxzjkvw0123456789',
      '@',
      '/',
      '?',
      '#',
      '%',
      ':',
      ' ',
      '"',
      "'",
      'ß',
      '\u200b',
      '&',
      '=',
    ),
    {
      minLength: 8,
      maxLength: 40,
    },
  )
  .map(letters => letters.join(''))
const around = fc.constantFrom('', '"', "'", ' ', '\n', '\ufeff', '<', 'psql ', 'DATABASE_URL=', 'jdbc:')
const tail = fc.constantFrom(
  '',
  '?sslmode=require',
  '?sslmode=REQUIRE',
  '?a=b?c=d',
  '&amp;x=1',
  '?ssl=1',
  '?schema=shop',
  '#x',
  '?x',
)

const texts = fc
  .tuple(around, secret, tail, fc.boolean(), fc.nat(40))
  .map(([before, password, behind, isEncoded, cut]) => {
    const written = isEncoded ? encodeURIComponent(password.toWellFormed()) : password
    // The password may also come to stand where something else belongs: in a parameter's name, in the host, in the database.
    const shapes = [
      `${before}postgres://app:${written}@db.acme.io/app${behind}${before}`,
      `${before}postgres://app:${written}@db.acme.io/app?${written}=1`,
      `${before}postgres://app:${written}@${written}.io/app${behind}`,
      `${before}postgres://${written}@db.acme.io/${written}${behind}`,
      `host=db.acme.io user=app password=${written}`,
      `jdbc:postgresql://db.acme.io/app?user=app&password=${written}`,
    ]
    return { password, written, text: shapes[cut % shapes.length] ?? '' }
  })

/** Words of a refusal that name a place, and what of the text has to be there for it. */
const PLACES: readonly (readonly [RegExp, (text: string) => boolean])[] = [
  [/[Pp]assword/, text => text.includes(':') || /password/i.test(text)],
  [/parameter/i, text => text.includes('?') || text.includes('&')],
  [/quote/i, text => /["'`\u2018-\u201f]/.test(text)],
  [/HTML/, text => text.includes('&amp;')],
  [/second \?/, text => text.split('?').length > 2],
  [/angle bracket/, text => text.includes('<')],
  [/JDBC/, text => text.includes('jdbc:')],
  [/psql/, text => text.includes('psql')],
  [/U\+FEFF/, text => text.includes('\ufeff')],
  [/U\+200B/, text => text.includes('\u200b')],
  [/U\+000A/, text => text.includes('\n')],
  [/fragment|#/, text => text.includes('#')],
]

describe('Whatever is pasted', () => {
  it('is answered without eight characters of the password', () => {
    fc.assert(
      fc.property(texts, ({ password, written, text }) => {
        const parsed = parseConnectionString(text)
        const told = parsed.ok ? JSON.stringify(parsed.advisories) : JSON.stringify([parsed.code, parsed.message])
        expect(sharesPiece(told, password) || sharesPiece(told, written)).toBe(false)
      }),
    )
  })

  it('is refused by a place that is in it', () => {
    fc.assert(
      fc.property(texts, ({ text }) => {
        const parsed = parseConnectionString(text)
        if (parsed.ok) return
        for (const [words, isThere] of PLACES)
          if (words.test(parsed.message)) expect([parsed.message, isThere(text)]).toEqual([parsed.message, true])
      }),
    )
  })
})

const codes = Object.keys(FAILURES).filter((code): code is FailureCode => code in FAILURES)

describe('Whatever a server answers', () => {
  it('is told without eight characters of a password that the server chose its texts by', () => {
    const piece = fc.tuple(secret, fc.nat(30), fc.boolean()).map(([password, at, isUpper]) => {
      const from = password.slice(Math.min(at, password.length - 8)).slice(0, 8)
      return { password, text: `x ${isUpper ? from.replace(/[a-z]/g, letter => letter.toUpperCase()) : from} y` }
    })
    fc.assert(
      fc.property(piece, ({ password, text }) => {
        expect(repeating(password)(text)).toBe(true)
      }),
    )
  })

  it('ends in a fix that holds nothing of a password, since no fix is given one', () => {
    fc.assert(
      fc.property(secret, fc.constantFrom(...codes), (password, code) => {
        const target = { host: 'db.acme.io', port: 5432, database: 'shop', user: 'app', password } as const
        const asked = { ...target, tlsMode: 'require', channelBinding: 'prefer' } as const
        const judged = judgeProbe({ ...NOTHING, failure: { code } }, { ...ASKED, target: asked })
        const told = JSON.stringify(judged)
        expect(sharesPiece(told, password)).toBe(false)
      }),
    )
  })
})

const ASKED = { schema: null, rolePolicy: 'enforce', dbType: 'postgresql', isPasswordAscii: false } as const
const NOTHING: Probe = {
  passed: null,
  failure: null,
  address: null,
  addresses: [],
  openNetwork: false,
  tls: null,
  channelBound: false,
  facts: null,
  schemaUsable: null,
  tookMs: 1,
}
