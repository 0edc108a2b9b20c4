/**
 * Text → host and port, with one spelling for each host: a lower-case ASCII name or a canonical IP literal.
 *
 * Whatever some resolver or parser would read as an address without being one plainly (`0x7f.1`, `①②⑦.⓪.⓪.①`, a trailing
 * dot) is refused here, for everybody. Whether a host may be dialled is decided by `server/domain/network/host-policy.ts`.
 */

import { type Refusal, refuse } from '#shared/faults/refusal.ts'
import { canonicalIpv6, isIpv4 } from './ip-literal.ts'

/** A host in its one spelling. IPv6 literals stand without brackets. */
export interface Host {
  readonly ok: true
  readonly kind: 'name' | 'address'
  readonly host: string
}

/** A host and a port, 1 to 65535. */
export interface HostPort extends Host {
  readonly port: number
}

const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/

/**
 * Reads a host as it stands in a field of its own: a name, an IPv4 literal or an IPv6 literal without brackets.
 *
 * Names are LDH labels (RFC 1123) with underscores, as seen in the wild, at most 253 characters; an international name
 * has to be given in punycode, since what a raw one stands for differs between implementations.
 */
export function parseHost(text: string): Host | Refusal {
  if (text === '') return refuse('host_missing', 'The host is missing.')
  if (isIpv4(text)) return { ok: true, kind: 'address', host: text }
  if (text.includes(':')) {
    const host = canonicalIpv6(text)
    return host === null
      ? refuse('host_malformed', 'The IPv6 address is malformed, or has a zone.')
      : { ok: true, kind: 'address', host }
  }
  return parseName(text)
}

/** Reads `host`, `host:port` or `[IPv6]:port`. */
export function parseHostPort(text: string, defaultPort: number): HostPort | Refusal {
  if (text.includes(',')) return refuse('host_several', 'It names several hosts; give one.')
  const match = /^(\[[^[\]]*\]|[^:[\]]*)(?::([^:]*))?$/.exec(text)
  const [, spelt, digits] = match ?? []
  if (spelt === undefined) return refuse('host_malformed', 'The host is malformed; an IPv6 address stands in brackets.')
  const host = spelt.startsWith('[') ? parseBracketed(spelt.slice(1, -1)) : parseHost(spelt)
  if (!host.ok) return host
  const port = digits === undefined ? defaultPort : /^[1-9][0-9]{0,4}$/.test(digits) ? Number(digits) : 0
  if (port < 1 || port > 65_535) return refuse('port_malformed', 'The port is not a number from 1 to 65535.')
  return { ...host, port }
}

function parseBracketed(text: string): Host | Refusal {
  return text.includes(':') ? parseHost(text) : refuse('host_malformed', 'Brackets hold an IPv6 address only.')
}

function parseName(text: string): Host | Refusal {
  // Full-width and circled digits and dots fold to ASCII in resolvers that apply IDNA; fold first, to tell what it is.
  const folded = text.normalize('NFKC').replaceAll('\u3002', '.').toLowerCase()
  if (endsInNumber(folded)) {
    return refuse('host_refused', 'An IPv4 address is written as four decimal numbers without leading zeros.')
  }
  if (folded.endsWith('.')) return refuse('host_refused', 'The host ends in a dot; leave it out.')
  if (/[\u2010-\u2015\u2212]/.test(text)) {
    return refuse('host_malformed', 'The host holds a dash that is no hyphen: write - there.')
  }
  if (/[^\u0021-\u007e]/.test(text)) {
    return refuse('host_malformed', 'The host holds a character outside ASCII: write the name in punycode (xn--…).')
  }
  if (text.includes('%')) return refuse('host_refused', 'A host is written without escapes; sockets are not taken.')
  const labels = folded.split('.')
  if (folded.length > 253 || !labels.every(label => LABEL.test(label))) {
    return refuse('host_malformed', 'The host is no valid name.')
  }
  return { ok: true, kind: 'name', host: folded }
}

/**
 * The "ends in a number" rule of the WHATWG URL standard: parsers that follow it, and `inet_aton`, take such a host for
 * an IPv4 address. A trailing dot does not hide it, nor do escapes of digits.
 */
function endsInNumber(folded: string): boolean {
  const plain = folded.replace(/%([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  const last = plain.replace(/\.$/, '').split('.').at(-1) ?? ''
  return /^(?:[0-9]+|0[xX][0-9a-fA-F]*)$/.test(last)
}
