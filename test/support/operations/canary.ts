/**
 * A password that occurs nowhere else, and a search for it in every encoding in which it could come back: plain, in hex
 * (as PostgreSQL prints bytes), base64 at any offset, percent-encoded, and by halves, in case it was truncated.
 */
import { randomBytes } from 'node:crypto'

/** A canary: the password, and the part of it that no encoding of text changes. */
export interface Canary {
  readonly password: string
  readonly token: string
}

/** Creates a canary. Its token is surrounded by characters that URIs, JSON and HTML encode. */
export function newCanary(): Canary {
  const token = `Kanari${randomBytes(12).toString('hex')}`
  return { token, password: `@/${token}+% é&` }
}

/** One place where it was found. */
export interface Sighting {
  readonly where: string
  readonly form: string
}

/** Looks for a canary in named texts. */
export function sightings(canary: Canary, texts: Iterable<readonly [string, string]>): Sighting[] {
  const forms = formsOf(canary)
  const found: Sighting[] = []
  for (const [where, text] of texts) {
    const lower = text.toLowerCase()
    for (const [form, spelling] of forms) {
      // Only base64 is case-sensitive; a case-insensitive search for the rest finds more.
      const isThere = form.startsWith('base64') ? text.includes(spelling) : lower.includes(spelling.toLowerCase())
      if (isThere) found.push({ where, form })
    }
  }
  return found
}

function formsOf({ password, token }: Canary): [string, string][] {
  const half = token.length / 2
  const parts = [password, token, token.slice(0, half), token.slice(half)]
  return parts.flatMap(part => {
    const bytes = Buffer.from(part)
    const percent = [...bytes].map(byte => `%${byte.toString(16).padStart(2, '0')}`).join('')
    const base64 = [0, 1, 2].map(offset => base64At(bytes, offset))
    const texts: [string, string][] = [
      ['raw', part],
      ['percent-encoded', encodeURIComponent(part)],
      ['percent-encoded throughout', percent],
      ['hex', bytes.toString('hex')],
      ...base64.map((text): [string, string] => ['base64', text]),
      ...base64.map((text): [string, string] => ['base64url', text.replaceAll('+', '-').replaceAll('/', '_')]),
    ]
    return texts
  })
}

/**
 * The base64 of the bytes inside a longer text, `offset` bytes after a multiple of three, without the parts that its
 * ends share.
 */
function base64At(bytes: Buffer, offset: number): string {
  const text = Buffer.concat([Buffer.alloc(offset), bytes])
    .toString('base64')
    .replaceAll('=', '')
  const end = (offset + bytes.length) % 3 === 0 ? text.length : text.length - 1
  return text.slice(offset === 0 ? 0 : offset + 1, end)
}
