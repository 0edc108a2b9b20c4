/**
 * Puts right what is most often wrong with a pasted connection string: signs in its login that have to be encoded, and quotes and
 * spaces around it. A proposal is made only if the parser accepts it; nothing is changed without a press of a button.
 */
import { parseConnectionString } from '#shared/connection-string/connection-string.ts'

/** The string with its login encoded, or null where that would not make it readable. Secret, like the string. */
export function encoded(text: string): string | null {
  const bare = unquoted(text)
  const [scheme] = /^postgres(?:ql)?:\/\//i.exec(bare) ?? []
  if (scheme === undefined) return null
  const rest = bare.slice(scheme.length)
  const proposals = [
    bare,
    ...placesOf('@', rest).map(at => `${scheme}${encodedLogin(rest.slice(0, at))}${rest.slice(at)}`),
  ]
  return proposals.find(proposal => proposal !== text && parseConnectionString(proposal).ok) ?? null
}

/** Without the spaces and quotes that come along with a copied text. */
function unquoted(text: string): string {
  const bare = text.trim()
  const inner = /^(["'`])(.*)\1;?$/s.exec(bare)?.[2]
  return (inner ?? bare).trim()
}

/** Where a sign is, from the last place to the first: a password may hold it, a host cannot. */
function placesOf(sign: string, text: string): number[] {
  const places: number[] = []
  for (let at = text.lastIndexOf(sign); at >= 0; at = at === 0 ? -1 : text.lastIndexOf(sign, at - 1)) places.push(at)
  return places.slice(0, 8)
}

/** User and password, each encoded as a whole. What is an escape already stays one. */
function encodedLogin(login: string): string {
  const colon = login.indexOf(':')
  if (colon < 0) return encodedPart(login)
  return `${encodedPart(login.slice(0, colon))}:${encodedPart(login.slice(colon + 1))}`
}

function encodedPart(part: string): string {
  return part
    .split(/(%[0-9a-f]{2})/i)
    .map((piece, at) => (at % 2 === 1 ? piece : strictlyEncoded(piece)))
    .join('')
}

/** RFC 3986, 2.3: everything but the unreserved characters. */
function strictlyEncoded(piece: string): string {
  if (!piece.isWellFormed()) return piece
  return encodeURIComponent(piece).replace(/[!'()*]/g, sign => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
}
