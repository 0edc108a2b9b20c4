/** For every input, the parsers return one of their own reasons, and no reason holds a piece of a password. */
import { describe, expect, it } from 'vitest'
import { parseConnectionString } from '#shared/connection-string/connection-string.ts'
import { parseEndpointUrl } from '#shared/connection-string/endpoint-url.ts'
import { fc } from '#test/support/house/properties.ts'

const password = fc.string({ unit: 'binary-ascii', minLength: 10, maxLength: 40 })
const encoded = fc.string({ unit: 'grapheme', minLength: 10, maxLength: 20 }).map(encodeURIComponent)
const word = fc.stringMatching(/^[a-z_]{10,30}$/)
const junk = fc.string({ unit: 'binary', maxLength: 12 })
const mark = fc.constantFrom('@', ':', '/', '?', '#', '&', '=', '%', ',', '[', ']', '\\', ' ', '', '', '')

/** Places that a pasted password reaches by mistake or by a quoting error. */
const templates: ((secret: string, other: string) => string)[] = [
  secret => secret,
  (secret, other) => `${secret}://u:p@db.acme.io/app${other}`,
  (secret, other) => `postgres://${secret}${other}`,
  (secret, other) => `postgres://u:${secret}${other}@db.acme.io/app`,
  (secret, other) => `postgres://u:${other}${secret}@db.acme.io/app?sslmode=require`,
  (secret, other) => `postgres://${secret}:${other}@db.acme.io/app`,
  (secret, other) => `postgres://u:${secret}@${other}/app`,
  (secret, other) => `postgres://u:${secret}@db.acme.io/app?${other}=1`,
  secret => `postgres://u:${secret}@db.acme.io/app?${secret}=1`,
  secret => `postgres://u:${secret}@db.acme.io/app?x${secret}=1&x${secret}=1`,
  secret => `postgres://u:${secret}@${secret}/app`,
  secret => `postgres://u:${secret}@db.acme.io:${secret}/app`,
  secret => `postgres://u:${secret}@db.acme.io/${secret}`,
  secret => `postgres://u:${secret}@db.acme.io/app?sslmode=${secret}`,
  secret => `postgres://u:${secret}@db.acme.io/app?options=${secret}&pgbouncer=${secret}`,
  (secret, other) => `host=db.acme.io user=u password=${secret} ${other}`,
]

function echoes(text: string, secret: string): boolean {
  for (let at = 0; at + 8 <= secret.length; at += 1) if (text.includes(secret.slice(at, at + 8))) return true
  return false
}

describe('a parser', () => {
  it('throws nothing and repeats no eight characters of the password, whatever the text', () => {
    const secret = fc.oneof(password, encoded, word)
    fc.assert(
      fc.property(
        secret,
        fc.constantFrom(...templates),
        fc.array(fc.oneof(junk, mark), { maxLength: 4 }),
        (s, t, o) => {
          const text = t(s, o.join(''))
          const parsed = parseConnectionString(text)
          const said = parsed.ok ? JSON.stringify(parsed.advisories) : parsed.message
          if (!parsed.ok) expect(parsed.code).toMatch(/^[a-z_]+$/)
          expect(echoes(said, s), said).toBe(false)
          const url = parseEndpointUrl(text.replace('postgres', 'https'))
          if (!url.ok) expect(echoes(url.message, s), url.message).toBe(false)
        },
      ),
    )
  })

  it('throws nothing for arbitrary text', () => {
    const piece = fc.oneof(mark, junk, fc.constantFrom('postgres://', 'https://', 'u', 'db.acme.io', '[::1]', '%41'))
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), pieces => {
        const text = pieces.join('')
        expect(typeof parseConnectionString(text).ok).toBe('boolean')
        expect(typeof parseEndpointUrl(text).ok).toBe('boolean')
      }),
    )
  })

  it('reads back any login and database that was percent-encoded', () => {
    // Text that PostgreSQL can store and no refusal concerns: symbols alone, or one character repeated, may be a mask.
    const plain = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 15 })
      .filter(text => !/[\p{C}\p{Zl}\p{Zp}=]|^[^\p{L}\p{N}\p{ASCII}]+$|^(.)\1+$/u.test(text))
    fc.assert(
      fc.property(plain, plain, plain, (user, secret, database) => {
        const text = `postgres://${[user, secret].map(encodeURIComponent).join(':')}@db.acme.io/${encodeURIComponent(database)}`
        const parsed = parseConnectionString(text)
        const tooLong = new TextEncoder().encode(database).length > 63
        // Drivers read a path segment of dots as a directory.
        const isPath = database.split('/').some(part => part === '.' || part === '..')
        const target = { user, password: secret, database, host: 'db.acme.io' }
        expect(parsed).toMatchObject(tooLong || isPath ? { ok: false, code: 'database_refused' } : { ok: true, target })
      }),
    )
  })
})
