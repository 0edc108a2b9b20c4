/**
 * A strict parser for the URL of a signed endpoint: Mooring dials and requests exactly what the URL says.
 *
 * `http:` is parsed and marked, because the policy may allow it in a network that the operator has opened; this file
 * allows nothing. The server and the console share it.
 */

import { type Refusal, refuse } from '#shared/faults/refusal.ts'
import { type HostPort, parseHostPort } from './host.ts'
import { MAX_URL, refuseRaw, refuseText } from './uri-text.ts'

/** A URL in parts, with scheme and host in canonical form. */
export interface EndpointUrl {
  readonly host: string
  readonly port: number
  /** Path and query exactly as written, always beginning with `/`: the target of the request line. */
  readonly path: string
  /** False for `http:`. */
  readonly secure: boolean
  /** The whole URL in canonical form: lower-case scheme and host, no default port. */
  readonly href: string
}

/** The result of parsing. A refusal's message quotes none of the text. */
export type ParsedUrl = { readonly ok: true; readonly url: EndpointUrl } | Refusal

/**
 * Parses the URL of an endpoint: `https://host[:port][/path][?query]`, at most 2048 characters, all allowed by RFC
 * 3986.
 *
 * Refuses user names, fragments, escapes in the host, missing or extra slashes, and every notation of an address except
 * the canonical one. Never throws.
 */
export function parseEndpointUrl(text: string): ParsedUrl {
  const unreadable = refuseText(text, MAX_URL)
  if (unreadable !== null) return unreadable
  const [start, scheme] = /^(https?):\/\//i.exec(text) ?? []
  if (start === undefined || scheme === undefined) return refuse('scheme_refused', 'It must begin with https://.')
  const rest = text.slice(start.length)
  if (rest.includes('#')) return refuse('fragment_refused', 'It contains a #; leave the fragment out.')
  const [authority = ''] = /^[^/?]*/.exec(rest) ?? []
  if (authority.includes('@')) return refuse('credentials_refused', 'A URL must not contain a user name or a password.')
  const secure = scheme.toLowerCase() === 'https'
  const place = parseHostPort(authority, defaultPort(secure))
  if (!place.ok) return place
  const target = rest.slice(authority.length)
  const wrong = refuseRaw(target, 'path')
  if (wrong !== null) return wrong
  const path = target.startsWith('/') ? target : `/${target}`
  return {
    ok: true,
    url: { host: place.host, port: place.port, path, secure, href: formatOrigin(place, secure) + path },
  }
}

function defaultPort(secure: boolean): number {
  return secure ? 443 : 80
}

function formatOrigin(place: HostPort, secure: boolean): string {
  const host = place.host.includes(':') ? `[${place.host}]` : place.host
  const port = place.port === defaultPort(secure) ? '' : `:${place.port}`
  return `${secure ? 'https' : 'http'}://${host}${port}`
}
