/**
 * The characters of a URI (RFC 3986): which ones may occur unencoded, and what an escape stands for.
 *
 * Connection strings and endpoint URLs share this file. Neither uses `new URL()`, which drops tabs and line ends, reads
 * backslashes as slashes and adds missing slashes, so that its result differs from what was written.
 */
import { type Refusal, refuse } from '#shared/faults/refusal.ts'

/** The maximum length of a connection string in UTF-16 units. Login tokens of managed databases are long. */
export const MAX_CONNECTION_STRING = 8192

/** The maximum length of an endpoint URL in UTF-16 units. */
export const MAX_URL = 2048

/** A component of a URI; each has its own set of characters that need no escape. */
export type Component = 'user name' | 'password' | 'database name' | 'parameter' | 'path'

// Matches the first character that must not occur: a % that begins no escape, or a character outside the component's
// set. No set of a connection string includes `@`: a second one nearly always belongs to a password.
const USERINFO = /%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9_\-.~!$&'()*+,;=%]/u
const SEGMENT = /%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9_\-.~!$&'()*+,;=:%]/u
const QUERY = /%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9_\-.~!$'()*+,;=:/?%]/u
const PATH = /%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9_\-.~!$&'()*+,;=:@/?%]/u
const WRONG = {
  'user name': USERINFO,
  password: USERINFO,
  'database name': SEGMENT,
  parameter: QUERY,
  path: PATH,
} as const satisfies Record<Component, RegExp>

/** Characters that word processors write in place of plain ones. */
const TYPOGRAPHIC: readonly (readonly [RegExp, string])[] = [
  [/[\u2018-\u201f\u00ab\u00bb\u2039\u203a]/, 'a typographic quote'],
  [/[\u2010-\u2015\u2212]/, 'a dash that is not a hyphen'],
  [/\u2026/, 'three dots in one'],
]

/** Text that stands for itself in every component (RFC 3986 §2.3). */
const UNRESERVED = /^[A-Za-z0-9_.~-]*$/

const CONTROL = /[\u0000-\u001f\u007f-\u009f]/

/** Refuses text that is too long, ill-formed or contains control characters; null if it may be read. */
export function refuseText(text: string, maxLength: number): Refusal | null {
  if (text.length > maxLength) return refuse('too_long', `It is longer than ${maxLength} characters.`)
  if (!text.isWellFormed() || CONTROL.test(text)) {
    return refuse('character_refused', 'It contains a control character, a line break or half of a surrogate pair.')
  }
  return null
}

/** Refuses a component with a character that must be encoded, and names the character; null if there is none. */
export function refuseRaw(raw: string, component: Component): Refusal | null {
  const several = component === 'password' ? refuseSeveral(raw) : null
  if (several !== null) return several
  const wrong = WRONG[component].exec(raw)?.[0]
  if (wrong === undefined) return null
  if (wrong === '%') {
    return refuse('escape_malformed', `The ${component} contains a % that does not begin an escape: encode % as %25.`)
  }
  const code = wrong.charCodeAt(0)
  if (code > 0x7e) {
    const name = TYPOGRAPHIC.find(([pattern]) => pattern.test(wrong))?.[1]
    const what = name === undefined ? '' : ` (${name}, which a word processor may have put there)`
    return refuse(
      'character_unencoded',
      `The ${component} contains a non-ASCII character${what}: percent-encode each byte of its UTF-8 form.`,
    )
  }
  const encoded = `%${code.toString(16).toUpperCase().padStart(2, '0')}`
  if (wrong === ' ') {
    return refuse('character_unencoded', `The ${component} contains a space: remove it, or encode it as %20.`)
  }
  return refuse(
    'character_unencoded',
    `The ${component} contains an unencoded ${wrong}: encode ${wrong} as ${encoded}.`,
  )
}

/**
 * Refuses a password with several characters that must be encoded: names them all, and advises encoding the whole
 * password.
 */
function refuseSeveral(raw: string): Refusal | null {
  const all = new Set(raw.match(new RegExp(USERINFO, 'gu')))
  const displayed = [...all].filter(character => /^[!-~]$/.test(character))
  if (displayed.length < 2) return null
  const encoded = displayed.map(one => `${one} as %${one.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
  const last = encoded.pop()
  const others = all.size > displayed.length ? ' It also contains spaces or non-ASCII characters.' : ''
  return refuse(
    displayed.includes('%') && displayed.length === 1 ? 'escape_malformed' : 'character_unencoded',
    `The password contains characters that must be encoded: percent-encode the whole password (${encoded.join(', ')} and ${last}).${others}`,
  )
}

/** Decodes a component. A plus sign stays a plus sign, as in libpq; escapes must form valid UTF-8. */
export function decodeComponent(
  raw: string,
  component: Component,
): { readonly ok: true; readonly text: string } | Refusal {
  if (UNRESERVED.test(raw)) return { ok: true, text: raw }
  const wrong = refuseRaw(raw, component)
  if (wrong !== null) return wrong
  const bytes = bytesOf(raw)
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  // The decoder replaces invalid UTF-8 by U+FFFD. Two strings would then mean the same password, so such bytes are
  // refused.
  const again = new TextEncoder().encode(text)
  if (again.length !== bytes.length || again.some((byte, at) => byte !== bytes[at])) {
    return refuse('escape_malformed', `The escapes of the ${component} are not UTF-8.`)
  }
  if (CONTROL.test(text)) {
    return refuse('character_refused', `The ${component} contains an encoded control character.`)
  }
  return { ok: true, text }
}

function bytesOf(raw: string): Uint8Array {
  const bytes: number[] = []
  for (let at = 0; at < raw.length; at += 1) {
    if (raw[at] === '%') {
      bytes.push(Number.parseInt(raw.slice(at + 1, at + 3), 16))
      at += 2
    } else {
      bytes.push(raw.charCodeAt(at))
    }
  }
  return Uint8Array.from(bytes)
}
