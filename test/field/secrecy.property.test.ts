/**
 * Properties of every answer about a connection string: none repeats eight characters of the password, whatever is
 * pasted and whatever a server does with it, and every refusal names a position inside the text.
 */
import { describe, expect, it } from 'vitest'
import { readSealedContent, type SealedContent } from '#server/domain/access/sealed-content.ts'
import type { Probe } from '#server/domain/checks/probe.ts'
import { otherSchema, refusedString, verifyUndialled } from '#server/domain/checks/undialled.ts'
import { verifyProbe } from '#server/domain/checks/verification.ts'
import { repeating } from '#server/domain/checks/withheld.ts'
import { sharesPiece } from '#shared/base/text.ts'
import { parseConnectionString } from '#shared/connection-string/connection-string.ts'
import { FAILURES, type FailureCode } from '#shared/faults/failure.ts'
import { absentPlaces, type Pasted, pastedIn, SHAPE_NAMES, secret } from '#test/support/field/pasted.ts'
import { fc } from '#test/support/house/properties.ts'

/** True if any piece of the password, encoded or decoded, is in the reported text. */
const repeats = (told: string, { password, written }: Pasted) =>
  sharesPiece(told, password) || sharesPiece(told, written) || sharesPiece(told, JSON.stringify(password).slice(1, -1))

describe.each(SHAPE_NAMES)('Whatever is pasted as %s', shape => {
  it('is answered without eight consecutive characters of the password', () => {
    fc.assert(
      fc.property(pastedIn(shape), pasted => {
        const parsed = parseConnectionString(pasted.text)
        const told = parsed.ok ? parsed.advisories : [parsed.code, parsed.message]
        expect(repeats(JSON.stringify(told), pasted)).toBe(false)
      }),
    )
  })

  it('is refused with a position inside it', () => {
    fc.assert(
      fc.property(pastedIn(shape), ({ text }) => {
        const parsed = parseConnectionString(text)
        if (!parsed.ok) expect([parsed.message, absentPlaces(parsed.message, text)]).toEqual([parsed.message, []])
      }),
    )
  })

  it('is reported from a sealed box in the same way, alone or beside a CA certificate', () => {
    fc.assert(
      fc.property(pastedIn(shape), fc.constantFrom<Boxed>(asIs, inJson, asCertificate, asField), (pasted, boxed) => {
        const content = readSealedContent(boxed(pasted))
        const told = content.ok
          ? [content.said.advisories, otherSchema(schemaToTell(content), 'public')]
          : verifyUndialled(refusedString(content))
        expect(repeats(JSON.stringify(told), pasted)).toBe(false)
        if (content.ok || boxed !== asIs || pasted.text.startsWith('{')) return
        expect(absentPlaces(content.message, pasted.text)).toEqual([])
      }),
    )
  })
})

type Boxed = (pasted: Pasted) => string
const asIs: Boxed = ({ text }) => text
const inJson: Boxed = ({ text }) => JSON.stringify({ connectionString: text, caCertificate: null })
const asCertificate: Boxed = ({ text }) =>
  JSON.stringify({ connectionString: 'postgres://a:b@c.io/d', caCertificate: text })
const asField: Boxed = ({ text }) => JSON.stringify({ connectionString: 'postgres://a:b@c.io/d', [text]: 1 })

/** Returns what the worker would report. */
function schemaToTell({ said, target }: SealedContent): string | null {
  return said.schema === null || repeating(target.password)(said.schema) ? null : said.schema
}

const codes = Object.keys(FAILURES).filter((code): code is FailureCode => code in FAILURES)

describe('Whatever a server answers', () => {
  it('is reported without eight characters of a password that the server builds its texts from', () => {
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

  it('ends in a fix without any part of a password, since no fix receives one', () => {
    fc.assert(
      fc.property(secret, fc.constantFrom(...codes), (password, code) => {
        const target = { host: 'db.acme.io', port: 5432, database: 'shop', user: 'app', password } as const
        const asked = { ...target, tlsMode: 'require', channelBinding: 'prefer' } as const
        const judged = verifyProbe({ ...NOTHING, failure: { code } }, { ...ASKED, target: asked })
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
