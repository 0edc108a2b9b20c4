/**
 * Classifies an IP address: global or special, an embedding of another address, or one that no configuration may open.
 *
 * It judges addresses and knows nothing of names, ports or purposes. `ipaddr.js` reads only canonical literals;
 * anything else that some parser might accept is rejected first. Called by `host-policy.ts`.
 */
import ipaddr from 'ipaddr.js'
import { canonicalLiteral, literalOctets } from '#shared/connection-string/ip-literal.ts'

/** An address of either family: its 4 or 16 octets, and its canonical text. */
export interface Address {
  readonly octets: readonly number[]
  readonly text: string
}

// IANA's special-purpose registries and address space registries, without overlapping entries. "Globally reachable" in
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

// Metadata and credential services of clouds: their answers are worth more than any database. If a cloud reserves a
// whole block around the published addresses for such services, the block is closed. Azure's service has a public
// address.
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

/** The address that a canonical literal denotes; any IPv6 form of RFC 4291 is accepted. `null` for any other text. */
export function readAddress(text: string): Address | null {
  const literal = canonicalLiteral(text)
  if (literal === null) return null
  const parsed = ipaddr.parse(literal)
  // Two parsers must agree on the address before anything relies on it.
  return parsed.toString() === literal ? { octets: parsed.toByteArray(), text: literal } : null
}

/** A network in canonical form, from a CIDR or a single address; null for other text and for bits beyond the prefix. */
export function readNetwork(text: string): string | null {
  const [literal = '', prefix, ...more] = text.split('/')
  const address = readAddress(literal)
  if (address === null || more.length > 0) return null
  const width = address.octets.length * 8
  const bits = prefix === undefined ? width : /^(?:0|[1-9][0-9]{0,2})$/.test(prefix) ? Number(prefix) : width + 1
  const beyond = address.octets.some((octet, at) => (octet & (0xff >> bitsIn(bits, at))) !== 0)
  return bits > width || beyond ? null : `${address.text}/${bits}`
}

/**
 * True if the address is in the network, a canonical CIDR. Never true across families: `::ffff:0:0/96` contains no
 * IPv4.
 */
export function isInNetwork(address: Address, network: string): boolean {
  const slash = network.indexOf('/')
  const base = literalOctets(network.slice(0, slash))
  if (base?.length !== address.octets.length) return false
  const bits = Number(network.slice(slash + 1))
  return base.every((octet, at) => ((octet ^ (address.octets[at] ?? 0)) & (0xff00 >> bitsIn(bits, at)) & 0xff) === 0)
}

/** The number of bits of the octet at that position that a prefix of `bits` bits covers. */
function bitsIn(bits: number, at: number): number {
  return Math.min(8, Math.max(0, bits - at * 8))
}

/** True for globally routable unicast without a special purpose (IANA registries; RFC 6890). */
export function isGlobal(address: Address): boolean {
  const special = isIpv4(address) ? SPECIAL_IPV4 : SPECIAL_IPV6
  if (!isIpv4(address) && !isInNetwork(address, GLOBAL_IPV6)) return false
  return !isNeverDialled(address) && !special.some(block => isInNetwork(address, block))
}

/** True for metadata services, directly or through a translation; no configuration opens them. */
export function isNeverDialled(address: Address): boolean {
  return [address, ...embeddings(address)].some(one => NEVER.some(block => isInNetwork(one, block)))
}

/**
 * The IPv4 address that a mapped, compatible, translated, NAT64, 6to4 or Teredo address stands for; null for others.
 */
export function standsFor(address: Address): Address | null {
  return isInNetwork(address, LOCAL_NAT64) ? null : (embeddings(address)[0] ?? null)
}

const LOCAL_NAT64 = '64:ff9b:1::/48'

// The positions of the four octets. In the local NAT64 block the operator chooses the prefix length, so all of RFC
// 6052's positions are examined (octet 8 is never part of one).
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
  // `::` and `::1` lie in the block of compatible addresses but are not among them.
  if (isIpv4(address) || isInNetwork(address, '::/127')) return []
  const { octets } = address
  // RFC 4380 §4: the client's address is the last four octets, inverted; the server's is not inverted.
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

/**
 * An address in every spelling that leads to it: its own, and the IPv4 address that it stands for. Empty for any other
 * text.
 */
export function addressesMeant(text: string): string[] {
  const address = readAddress(text)
  return address === null ? [] : [address.text, ...embeddings(address).map(one => one.text)]
}
