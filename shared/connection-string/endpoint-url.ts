/**
 * Text → the URL of a signed endpoint, by a strict parser of our own: what is written is what is dialled and requested.
 *
 * `http:` is read and marked, because the policy may let it through in a network that the installation has opened; this
 * file opens nothing. The server and the console use the very same.
 */

import { type Refusal, refuse } from '#shared/faults/refusal.ts'
import { type HostPort, parseHostPort } from './host.ts'
import { MAX_URL, refuseRaw, refuseText } from './uri-text.ts'

/** A URL in parts, host and scheme in their one spelling. */
export interface EndpointUrl {
  readonly host: string
  readonly port: number
  /** Path and query exactly as written, always beginning with `/`: the request line's target. */
  readonly path: string
  /** False for `http:`. */
  readonly secure: boolean
  /** The whole URL in its one spelling: lower-case scheme and host, no default port. */
  readonly href: string
}

/** The result of parsing. The message quotes nothing of the text. */
export type ParsedUrl = { readonly ok: true; readonly url: EndpointUrl } | Refusal

/**
 * Parses an endpoint's URL: `https://host[:port][/path][?query]`, at most 2048 characters, RFC 3986 characters only.
 *
 * User names, fragments, escapes in the host, missing or extra slashes and every spelling of an address but the plain
 * one are refused. Never throws.
 */
export function parseEndpointUrl(text: string): ParsedUrl {
  const unreadable = refuseText(text, MAX_URL)
  if (unreadable !== null) return unreadable
  const [start, scheme] = /^(https?):\/\//i.exec(text) ?? []
  if (start === undefined || scheme === undefined) return refuse('scheme_refused', 'It has to begin with https://.')
  const rest = text.slice(start.length)
  if (rest.includes('#')) return refuse('fragment_refused', 'It holds a #; leave the fragment out.')
  const [authority = ''] = /^[^/?]*/.exec(rest) ?? []
  if (authority.includes('@')) return refuse('credentials_refused', 'A user name or password is not taken in a URL.')
  const secure = scheme.toLowerCase() === 'https'
  const place = parseHostPort(authority, defaultPort(secure))
  if (!place.ok) return place
  const target = rest.slice(authority.length)
  const wrong = refuseRaw(target, 'path')
  if (wrong !== null) return wrong
  const path = target.startsWith('/') ? target : `/${target}`
  return { ok: true, url: { host: place.host, port: place.port, path, secure, href: spell(place, secure) + path } }
}

function defaultPort(secure: boolean): number {
  return secure ? 443 : 80
}

function spell(place: HostPort, secure: boolean): string {
  const host = place.host.includes(':') ? `[${place.host}]` : place.host
  const port = place.port === defaultPort(secure) ? '' : `:${place.port}`
  return `${secure ? 'https' : 'http'}://${host}${port}`
}
