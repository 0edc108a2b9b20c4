/**
 * The kind of an IP address: global or special, an embedding of another, one that no configuration may open.
 *
 * It judges numbers and knows nothing of names, ports or purposes. `ipaddr.js` reads canonical literals only; whatever
 * else some parser would understand is refused before. Called by `host-policy.ts`.
 */
import ipaddr from 'ipaddr.js'
import { canonicalLiteral, literalOctets } from '#shared/connection-string/ip-literal.ts'

/** An address of either family: its 4 or 16 octets, and its one spelling. */
export interface Address {
  readonly octets: readonly number[]
  readonly text: string
}

// IANA's special-purpose registries and address space registries, overlapping entries left out. "Globally reachable" in
// the registry is not enough: anycast services and AS112 are nobody's database.
const SPECIAL_IPV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
] as const

const GLOBAL_IPV6 = '2000::/3'
const SPECIAL_IPV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3ffe::/16', '3fff::/20'] as const

// Metadata and credential services of clouds: what they hand out is worth more than any database. Around the published
// numbers the whole block is closed where the cloud keeps it for such services. Azure's is on a public address.
const NEVER = [
  '168.63.129.16/32',
  '169.254.0.23/32',
  '169.254.42.42/32',
  '169.254.169.0/24',
  '169.254.170.0/24',
  '100.100.100.200/32',
  '192.0.0.192/32',
  'fd00:c1::a9fe:a9fe/128',
  'fd00:42::42/128',
  'fd00:ec2::/32',
  'fd20:ce::/32',
  'fe80::a9fe:a9fe/128',
] as const

/** The address that a canonical literal names; IPv6 in any form of RFC 4291 is one. `null` for any other text. */
export function readAddress(text: string): Address | null {
  const literal = canonicalLiteral(text)
  if (literal === null) return null
  const parsed = ipaddr.parse(literal)
  // Two parsers have to agree on what was read, or nobody may rely on it.
  return parsed.toString() === literal ? { octets: parsed.toByteArray(), text: literal } : null
}

/** A network in its one spelling, from a CIDR or a lone address; null for other text and for bits beyond the prefix. */
export function readNetwork(text: string): string | null {
  const [literal = '', prefix, ...more] = text.split('/')
  const address = readAddress(literal)
  if (address === null || more.length > 0) return null
  const width = address.octets.length * 8
  const bits = prefix === undefined ? width : /^(?:0|[1-9][0-9]{0,2})$/.test(prefix) ? Number(prefix) : width + 1
  const beyond = address.octets.some((octet, at) => (octet & (0xff >> bitsIn(bits, at))) !== 0)
  return bits > width || beyond ? null : `${address.text}/${bits}`
}

/** True when the address is in the network, a canonical CIDR. Never true across families: `::ffff:0:0/96` holds no IPv4. */
export function isInNetwork(address: Address, network: string): boolean {
  const slash = network.indexOf('/')
  const base = literalOctets(network.slice(0, slash))
  if (base?.length !== address.octets.length) return false
  const bits = Number(network.slice(slash + 1))
  return base.every((octet, at) => ((octet ^ (address.octets[at] ?? 0)) & (0xff00 >> bitsIn(bits, at)) & 0xff) === 0)
}

/** How many bits of the octet at that place a prefix of so many bits covers. */
function bitsIn(bits: number, at: number): number {
  return Math.min(8, Math.max(0, bits - at * 8))
}

/** True for globally routable unicast that is set aside for nothing (IANA registries; RFC 6890). */
export function isGlobal(address: Address): boolean {
  const special = isIpv4(address) ? SPECIAL_IPV4 : SPECIAL_IPV6
  if (!isIpv4(address) && !isInNetwork(address, GLOBAL_IPV6)) return false
  return !isNeverDialled(address) && !special.some(block => isInNetwork(address, block))
}

/** True for metadata services, in themselves or through a translation; no configuration opens them. */
export function isNeverDialled(address: Address): boolean {
  return [address, ...embeddings(address)].some(one => NEVER.some(block => isInNetwork(one, block)))
}

/** The IPv4 address that a mapped, compatible, translated, NAT64, 6to4 or Teredo address stands for; null for others. */
export function standsFor(address: Address): Address | null {
  return isInNetwork(address, LOCAL_NAT64) ? null : (embeddings(address)[0] ?? null)
}

const LOCAL_NAT64 = '64:ff9b:1::/48'

// The position of the four octets. In the local NAT64 block the length of the prefix is the operator's choice, so that each
// of RFC 6052's places is looked at (octet 8 is never a part of it).
const EMBEDDINGS: readonly { readonly block: string; readonly at: readonly (readonly number[])[] }[] = [
  { block: '::ffff:0:0/96', at: [[12, 13, 14, 15]] },
  { block: '::ffff:0:0:0/96', at: [[12, 13, 14, 15]] },
  { block: '::/96', at: [[12, 13, 14, 15]] },
  { block: '64:ff9b::/96', at: [[12, 13, 14, 15]] },
  { block: '2002::/16', at: [[2, 3, 4, 5]] },
  {
    block: LOCAL_NAT64,
    at: [
      [12, 13, 14, 15],
      [6, 7, 9, 10],
      [7, 9, 10, 11],
      [9, 10, 11, 12],
    ],
  },
]
const TEREDO = '2001::/32'

function embeddings(address: Address): Address[] {
  // `::` and `::1` lie in the block of compatible addresses and are none.
  if (isIpv4(address) || isInNetwork(address, '::/127')) return []
  const { octets } = address
  // RFC 4380 §4: the client's address is the last four octets, inverted; the server's is in the clear.
  if (isInNetwork(address, TEREDO)) return [ipv4(octets.slice(12).map(octet => octet ^ 0xff)), ipv4(octets.slice(4, 8))]
  return EMBEDDINGS.filter(({ block }) => isInNetwork(address, block)).flatMap(({ at }) =>
    at.map(places => ipv4(places.map(place => octets[place] ?? 0))),
  )
}

function isIpv4(address: Address): boolean {
  return address.octets.length === 4
}

function ipv4(octets: readonly number[]): Address {
  return { octets, text: octets.join('.') }
}

/** An address in every spelling that leads to it: its own, and the IPv4 one that it stands for. None for text that is none. */
export function addressesMeant(text: string): string[] {
  const address = readAddress(text)
  return address === null ? [] : [address.text, ...embeddings(address).map(one => one.text)]
}
