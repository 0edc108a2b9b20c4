/**
 * The characters of a URI (RFC 3986): which may stand as they are, and what an escape stands for.
 *
 * Connection strings and endpoint URLs share it. `new URL()` is not used for either: it drops tabs and line ends, takes
 * backslashes for slashes and missing slashes for present ones, so that what it shows is not what was written.
 */
import { type Refusal, refuse } from '#shared/faults/refusal.ts'

/** Longest connection string that is read, in UTF-16 units: tokens that log in to a managed database are long. */
export const MAX_CONNECTION_STRING = 8192

/** Longest endpoint URL, in UTF-16 units. */
export const MAX_URL = 2048

/** The part of a URI that a component is; each has its own set of characters that need no escape. */
export type Component = 'user name' | 'password' | 'database name' | 'parameter' | 'path'

// The first thing that may not stand there: a % that begins no escape, or a character outside the component's set.
// `@` is left out of every set of a connection string: a second one nearly always belongs to a password.
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
  [/[\u2010-\u2015\u2212]/, 'a dash that is no hyphen'],
  [/\u2026/, 'three dots in one'],
]

const CONTROL = /[\u0000-\u001f\u007f-\u009f]/

/** Refuses text that is too long, ill-formed or holds control characters; null when it may be read. */
export function refuseText(text: string, maxLength: number): Refusal | null {
  if (text.length > maxLength) return refuse('too_long', `It is longer than ${maxLength} characters.`)
  if (!text.isWellFormed() || CONTROL.test(text)) {
    return refuse('character_refused', 'It holds a control character, a line end or half of a surrogate pair.')
  }
  return null
}

/** Refuses a component in which something stands that has to be encoded, and names it; null when there is none. */
export function refuseRaw(raw: string, component: Component): Refusal | null {
  const several = component === 'password' ? refuseSeveral(raw) : null
  if (several !== null) return several
  const wrong = WRONG[component].exec(raw)?.[0]
  if (wrong === undefined) return null
  if (wrong === '%') {
    return refuse('escape_malformed', `The ${component} holds a % that begins no escape: encode % as %25.`)
  }
  const code = wrong.charCodeAt(0)
  if (code > 0x7e) {
    const name = TYPOGRAPHIC.find(([pattern]) => pattern.test(wrong))?.[1]
    const what = name === undefined ? '' : ` (${name}, which a word processor may have put there)`
    return refuse(
      'character_unencoded',
      `The ${component} holds a character outside ASCII${what}: percent-encode each byte of its UTF-8 form.`,
    )
  }
  const encoded = `%${code.toString(16).toUpperCase().padStart(2, '0')}`
  if (wrong === ' ') {
    return refuse('character_unencoded', `The ${component} holds a space: remove it, or encode it as %20.`)
  }
  return refuse('character_unencoded', `The ${component} holds ${wrong} as it is: encode ${wrong} as ${encoded}.`)
}

/** A password in which several characters have to be encoded: all of them at once, and the whole is to be encoded. */
function refuseSeveral(raw: string): Refusal | null {
  const all = new Set(raw.match(new RegExp(USERINFO, 'gu')))
  const displayed = [...all].filter(character => /^[!-~]$/.test(character))
  if (displayed.length < 2) return null
  const encoded = displayed.map(one => `${one} as %${one.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
  const last = encoded.pop()
  const others = all.size > displayed.length ? ' Others in it are spaces or outside ASCII.' : ''
  return refuse(
    displayed.includes('%') && displayed.length === 1 ? 'escape_malformed' : 'character_unencoded',
    `The password holds characters that have to be encoded: percent-encode the whole password (${encoded.join(', ')} and ${last}).${others}`,
  )
}

/** The text that a component stands for. A plus sign stays one, as in libpq; escapes have to spell UTF-8. */
export function decodeComponent(
  raw: string,
  component: Component,
): { readonly ok: true; readonly text: string } | Refusal {
  const wrong = refuseRaw(raw, component)
  if (wrong !== null) return wrong
  const bytes = bytesOf(raw)
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  // The decoder puts U+FFFD where bytes are no UTF-8; two strings would then mean one password, so that is refused.
  const again = new TextEncoder().encode(text)
  if (again.length !== bytes.length || again.some((byte, at) => byte !== bytes[at])) {
    return refuse('escape_malformed', `The escapes of the ${component} are not UTF-8.`)
  }
  if (CONTROL.test(text)) {
    return refuse('character_refused', `The ${component} holds a control character, encoded.`)
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
