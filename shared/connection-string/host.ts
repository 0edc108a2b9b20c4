/**
 * Parses a host and port into one canonical form for each host: a lower-case ASCII name or a canonical IP literal.
 *
 * Text that some resolver or parser might read as an address although it is not plainly one (`0x7f.1`, `①②⑦.⓪.⓪.①`, a
 * trailing dot) is always refused here. `server/domain/network/host-policy.ts` decides whether a host may be dialled.
 */

import { type Refusal, refuse } from '#shared/faults/refusal.ts'
import { canonicalIpv6, isIpv4 } from './ip-literal.ts'

/** A host in canonical form. IPv6 literals have no brackets. */
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
 * Parses a host from a field of its own: a name, an IPv4 literal or an IPv6 literal without brackets.
 *
 * Names consist of LDH labels (RFC 1123), plus the underscores that occur in practice, and have at most 253 characters.
 * An international name must be given in punycode, because implementations disagree about what a raw one means.
 */
export function parseHost(text: string): Host | Refusal {
  if (text === '') return refuse('host_missing', 'The host is missing.')
  if (/^[0-9]/.test(text) && isIpv4(text)) return { ok: true, kind: 'address', host: text }
  if (text.includes(':')) {
    const host = canonicalIpv6(text)
    return host === null
      ? refuse('host_malformed', 'The IPv6 address is malformed, or has a zone.')
      : { ok: true, kind: 'address', host }
  }
  return parseName(text)
}

/** Parses `host`, `host:port` or `[IPv6]:port`. */
export function parseHostPort(text: string, defaultPort: number): HostPort | Refusal {
  if (text.includes(',')) return refuse('host_several', 'It names several hosts; give one.')
  const match = /^(\[[^[\]]*\]|[^:[\]]*)(?::([^:]*))?$/.exec(text)
  const [, spelt, digits] = match ?? []
  if (spelt === undefined) return refuse('host_malformed', 'The host is malformed; put an IPv6 address in brackets.')
  const host = spelt.startsWith('[') ? parseBracketed(spelt.slice(1, -1)) : parseHost(spelt)
  if (!host.ok) return host
  const port = digits === undefined ? defaultPort : /^[1-9][0-9]{0,4}$/.test(digits) ? Number(digits) : 0
  if (port < 1 || port > 65_535) return refuse('port_malformed', 'The port is not a number from 1 to 65535.')
  return { ...host, port }
}

function parseBracketed(text: string): Host | Refusal {
  return text.includes(':') ? parseHost(text) : refuse('host_malformed', 'Brackets are only for IPv6 addresses.')
}

function parseName(text: string): Host | Refusal {
  // Resolvers that apply IDNA fold full-width and circled digits and dots to ASCII. Fold first, to see what they would
  // see.
  const folded = text.normalize('NFKC').replaceAll('\u3002', '.').toLowerCase()
  if (endsInNumber(folded)) {
    return refuse('host_refused', 'An IPv4 address is written as four decimal numbers without leading zeros.')
  }
  if (folded.endsWith('.')) return refuse('host_refused', 'The host ends in a dot; leave it out.')
  if (/[\u2010-\u2015\u2212]/.test(text)) {
    return refuse('host_malformed', 'The host contains a dash that is not a hyphen: write - instead.')
  }
  if (/[^\u0021-\u007e]/.test(text)) {
    return refuse('host_malformed', 'The host contains a non-ASCII character: write the name in punycode (xn--…).')
  }
  if (text.includes('%')) return refuse('host_refused', 'A host must not contain escapes; sockets are not supported.')
  const labels = folded.split('.')
  if (folded.length > 253 || !labels.every(label => LABEL.test(label))) {
    return refuse('host_malformed', 'The host is not a valid name.')
  }
  return { ok: true, kind: 'name', host: folded }
}

/**
 * The "ends in a number" rule of the WHATWG URL standard: parsers that follow it, and `inet_aton`, treat such a host as
 * an IPv4 address. A trailing dot or escaped digits do not hide it.
 */
function endsInNumber(folded: string): boolean {
  const plain = folded.replace(/%([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  const last = plain.replace(/\.$/, '').split('.').at(-1) ?? ''
  return /^(?:[0-9]+|0[xX][0-9a-fA-F]*)$/.test(last)
}
