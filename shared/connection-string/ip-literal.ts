/**
 * The only accepted notation of an IP address: four plain decimal octets, or RFC 5952.
 *
 * Every other notation of an IPv4 address (octal, hexadecimal, short, a single number) means different things to
 * different parsers, so it does not count as an address. This file does not decide whether an address may be dialled.
 */

const IPV4 = /^(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!$)|$)){4}$/

/** True for four decimal octets without leading zeros (RFC 6943 §3.1.1, the strict form). */
export function isIpv4(text: string): boolean {
  return IPV4.test(text)
}

/**
 * Returns an IPv6 address, given in any form of RFC 4291 §2.2, in the hexadecimal form of RFC 5952; null for any other
 * text.
 */
export function canonicalIpv6(text: string): string | null {
  const groups = ipv6Groups(text)
  return groups === null ? null : formatGroups(groups)
}

/** Returns the canonical form of an IPv4 or IPv6 literal, without brackets; null for any other text. */
export function canonicalLiteral(text: string): string | null {
  return isIpv4(text) ? text : canonicalIpv6(text)
}

/** Returns the 4 or 16 octets of an IPv4 or IPv6 literal; null for any other text. */
export function literalOctets(text: string): number[] | null {
  if (isIpv4(text)) return text.split('.').map(Number)
  return ipv6Groups(text)?.flatMap(group => [group >> 8, group & 0xff]) ?? null
}

function ipv6Groups(text: string): number[] | null {
  const halves = text.toLowerCase().split('::')
  if (halves.length > 2) return null
  const [head, tail] = halves.map((half, at) => groupsOf(half, at === halves.length - 1))
  if (head === undefined || head === null || tail === null) return null
  if (tail === undefined) return head.length === 8 ? head : null
  const zeros = 8 - head.length - tail.length
  return zeros < 1 ? null : [...head, ...Array<number>(zeros).fill(0), ...tail]
}

function groupsOf(half: string, mayEndInIpv4: boolean): number[] | null {
  if (half === '') return []
  const groups: number[] = []
  const parts = half.split(':')
  for (const [at, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16))
    else if (mayEndInIpv4 && at === parts.length - 1 && isIpv4(part)) groups.push(...ipv4Groups(part))
    else return null
  }
  return groups.length > 8 ? null : groups
}

function ipv4Groups(text: string): [number, number] {
  const [a = 0, b = 0, c = 0, d = 0] = text.split('.').map(Number)
  return [a * 256 + b, c * 256 + d]
}

/**
 * RFC 5952 §4: the longest run of two or more zero groups becomes `::`, the first one if several are equally long; no
 * leading zeros.
 */
function formatGroups(groups: readonly number[]): string {
  let from = 0
  let length = 1
  for (let at = 0; at < 8; at += 1) {
    let end = at
    while (end < 8 && groups[end] === 0) end += 1
    if (end - at > length) {
      from = at
      length = end - at
    }
  }
  const hex = groups.map(group => group.toString(16))
  if (length === 1) return hex.join(':')
  return `${hex.slice(0, from).join(':')}::${hex.slice(from + length).join(':')}`
}
