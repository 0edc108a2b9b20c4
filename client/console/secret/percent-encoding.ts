/**
 * Corrects the most common mistakes in a pasted connection string: unencoded characters in its login, and surrounding
 * quotes and spaces. A correction is offered only if the parser accepts it, and is applied only when a button is
 * pressed.
 */
import { parseConnectionString } from '#shared/connection-string/connection-string.ts'

/**
 * Returns the string with its login encoded; null if that would not make it valid. The result is as secret as the
 * string.
 */
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

/** Removes spaces and quotes that were copied along with the text. */
function unquoted(text: string): string {
  const bare = text.trim()
  const inner = /^(["'`])(.*)\1;?$/s.exec(bare)?.[2]
  return (inner ?? bare).trim()
}

/** Returns the positions of a character from last to first, because a password may contain it but a host cannot. */
function placesOf(sign: string, text: string): number[] {
  const places: number[] = []
  for (let at = text.lastIndexOf(sign); at >= 0; at = at === 0 ? -1 : text.lastIndexOf(sign, at - 1)) places.push(at)
  return places.slice(0, 8)
}

/** Encodes user and password, each as a whole. Existing escapes stay. */
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

/** Encodes everything but the unreserved characters of RFC 3986, 2.3. */
function strictlyEncoded(piece: string): string {
  if (!piece.isWellFormed()) return piece
  return encodeURIComponent(piece).replace(/[!'()*]/g, sign => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
}
