/**
 * Texts that the parser does not read character by character: the rules that it leaves out say nothing about them.
 */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readParameters } from '#shared/connection-string/connection-parameters.ts'
import { parseConnectionString } from '#shared/connection-string/connection-string.ts'
import { PLAIN, refuseStray } from '#shared/connection-string/stray-characters.ts'
import { decodeComponent, MAX_CONNECTION_STRING, refuseRaw, refuseText } from '#shared/connection-string/uri-text.ts'

const COMPONENTS = ['user name', 'password', 'database name', 'parameter', 'path'] as const

/** Strings of the characters that stand in URLs, so that each is plain. */
const plainString = fc.stringMatching(/^postgres(?:ql)?:\/\/[A-Za-z0-9_.~@:/?=&%-]{0,60}[A-Za-z0-9]$/)

function nothingIsStray(text: string): void {
  expect(refuseStray(text)).toBeNull()
  expect(refuseText(text.slice(0, MAX_CONNECTION_STRING), MAX_CONNECTION_STRING)).toBeNull()
}

describe('A plain string', () => {
  it('has no stray character, whatever it says', () => {
    fc.assert(
      fc.property(plainString, text => {
        expect(PLAIN.test(text)).toBe(true)
        nothingIsStray(text)
      }),
    )
  })

  it.each([' ', '"', '\n', ')', ',', ';', '<', '\\', '\u200b', '\u00a0', '\u0000'])('holds no %j', stray => {
    for (const text of [
      `postgres://a:b@c.io/d${stray}`,
      `postgres://a:b${stray}@c.io/d`,
      `${stray}postgres://a:b@c.io/d`,
    ])
      expect(PLAIN.test(text)).toBe(false)
  })

  it('of a dashboard has none either', () => {
    const dashboards = readFileSync(new URL('../vectors/field/dashboard-strings.json', import.meta.url), 'utf8')
    const found = dashboards.match(/postgres(?:ql)?:\/\/[^"]+/g)?.filter(text => PLAIN.test(text)) ?? []
    expect(found.length).toBeGreaterThan(5)
    for (const text of found) nothingIsStray(text)
  })

  it('that is too long is refused for its length', () => {
    const text = `postgres://app:secret@db.acme.io/${'a'.repeat(MAX_CONNECTION_STRING)}`
    expect(PLAIN.test(text)).toBe(true)
    expect(parseConnectionString(text)).toMatchObject({ ok: false, code: 'too_long' })
  })
})

describe('A component of unreserved characters', () => {
  it('means what its escapes mean', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9_.~-]{0,40}$/), fc.constantFrom(...COMPONENTS), (raw, component) => {
        const escaped = [...raw].map(one => `%${one.charCodeAt(0).toString(16)}`).join('')
        expect(refuseRaw(raw, component)).toBeNull()
        expect(decodeComponent(raw, component)).toEqual({ ok: true, text: raw })
        expect(decodeComponent(escaped, component)).toEqual({ ok: true, text: raw })
      }),
    )
  })
})

describe('No parameters', () => {
  it('say the same as an empty list of them', () => {
    const before = { host: 'db.acme.io', password: 'secret' }
    expect(readParameters('', before)).toEqual(readParameters('&', before))
  })
})
