/**
 * Decides whether a host, address and port may be dialled. Default deny: only globally routable unicast passes, and
 * networks that the installation has opened. It performs no look-ups.
 *
 * The web process passes submitted text to `judgeHost` and `judgeTarget`; the dialler passes resolved addresses to
 * `judgeAddresses`, since only those count. Anything not understood is refused.
 */

import type { Target } from '#shared/connection-string/connection-string.ts'
import type { EndpointUrl } from '#shared/connection-string/endpoint-url.ts'
import { parseHost } from '#shared/connection-string/host.ts'
import { type Address, isGlobal, isInNetwork, isNeverDialled, readAddress, readNetwork, standsFor } from './address.ts'
import { isPrivateName, isSpecialName } from './host-names.ts'

/** A place of our own: a configured host, and a port. With a `database`, only that database is ours. */
export interface OwnPlace {
  readonly host: string
  readonly port: number
  readonly database: string | null
}

/** The networks that the installation has opened: canonical CIDRs from `parseNetworks`. Empty opens none. */
export interface HostPolicy {
  readonly openNetworks: readonly string[]
  /** Never dialled for a customer, opened or not; judged when names are resolved. */
  readonly ownPlaces?: readonly OwnPlace[]
  /**
   * The addresses from which this installation dials, according to its operator; customers open their firewalls for
   * them.
   */
  readonly egressAddresses?: readonly string[]
}

/** The purpose of a dial, which decides the allowed ports. */
export type Purpose = 'postgres' | 'https'

/** A host in canonical form, a port and a purpose. */
export interface Endpoint {
  readonly host: string
  readonly port: number
  readonly purpose: Purpose
}

/** More addresses than any database has; a longer answer is a scan. */
export const MAX_ADDRESSES = 16

// Services that usually need no authentication, or speak another protocol: no PostgreSQL startup packet may reach them.
const OTHER_PROTOCOLS = [2375, 2376, 2379, 2380, 3306, 6379, 8500, 9200, 9300, 10250, 11211, 27017]

/** The reason why a place is not dialled. `host_private` is a name known to lead into a private network. */
export type PlaceRefusal = 'host_refused' | 'host_private' | 'port_refused'

/** The judgement of a host before any look-up. A literal address is decided here, a name must be resolved. */
type HostVerdict =
  | { readonly verdict: 'refuse'; readonly code: PlaceRefusal }
  | { readonly verdict: 'address'; readonly address: string; readonly open: boolean }
  | { readonly verdict: 'resolve'; readonly name: string }

/** The judgement of a look-up. `addresses` are canonical, in the resolver's order, without duplicates. */
type AddressesVerdict =
  | { readonly verdict: 'pass'; readonly addresses: string[]; readonly open: boolean }
  | { readonly verdict: 'refuse'; readonly code: PlaceRefusal | 'addresses_too_many' }

/**
 * Parses `MOORING_ALLOWED_NETWORKS`: CIDRs separated by commas; a single address stands for itself. Empty text opens
 * nothing. A network with bits beyond its prefix is rejected, since it is ambiguous.
 */
export function parseNetworks(text: string): { ok: true; networks: string[] } | { ok: false; message: string } {
  const items = text.trim() === '' ? [] : text.split(',').map(item => item.trim())
  const networks = items.map(readNetwork)
  const wrong = items.find((_, at) => networks[at] === null)
  if (wrong !== undefined) return { ok: false, message: `"${wrong}" is not a network, such as 10.0.0.0/8 or fd00::/8` }
  return { ok: true, networks: networks.filter(network => network !== null) }
}

/** Judges a host before any look-up. Literal addresses are decided here; special names are refused without one. */
export function judgeHost(endpoint: Endpoint, policy: HostPolicy): HostVerdict {
  const host = parseHost(endpoint.host)
  if (!host.ok || !isPort(endpoint.port)) return { verdict: 'refuse', code: host.ok ? 'port_refused' : 'host_refused' }
  if (host.kind === 'address') {
    const decision = judgeAddresses([host.host], endpoint, policy)
    if (decision.verdict === 'pass') return { verdict: 'address', address: host.host, open: decision.open }
    return { verdict: 'refuse', code: decision.code === 'port_refused' ? 'port_refused' : 'host_refused' }
  }
  const nothingOpen = policy.openNetworks.length === 0
  if (isLocalhost(host.host) ? nothingOpen : isSpecialName(host.host))
    return { verdict: 'refuse', code: refusalOf(host.host) }
  // The name may lead into an opened network: its addresses decide. Loopback alone does not count.
  if (policy.openNetworks.every(isLoopback) && isPrivateName(host.host))
    return { verdict: 'refuse', code: 'host_private' }
  if (nothingOpen && !isPublicPort(endpoint)) return { verdict: 'refuse', code: 'port_refused' }
  return { verdict: 'resolve', name: host.host }
}

/**
 * Judges every address of an answer: a single refused one refuses all, because an attacker chooses the order. `open` is
 * true if all are in opened networks; `localhost` passes only then. An empty or unreadable answer is refused.
 */
export function judgeAddresses(addresses: readonly string[], endpoint: Endpoint, policy: HostPolicy): AddressesVerdict {
  if (addresses.length > MAX_ADDRESSES) return { verdict: 'refuse', code: 'addresses_too_many' }
  const read = addresses.map(readAddress).filter(address => address !== null)
  const places = read.map(address => placeOf(address, policy.openNetworks))
  if (read.length === 0 || read.length < addresses.length || places.includes('refused')) {
    return { verdict: 'refuse', code: refusalOf(endpoint.host) }
  }
  const open = places.every(place => place === 'open')
  if (isLocalhost(endpoint.host) && !open) return { verdict: 'refuse', code: 'host_refused' }
  if (!isPort(endpoint.port) || !(open || isPublicPort(endpoint))) return { verdict: 'refuse', code: 'port_refused' }
  return { verdict: 'pass', addresses: [...new Set(read.map(address => address.text))], open }
}

/**
 * The refusal of a whole target before any look-up; null if there is none so far. TLS may be omitted only in an opened
 * network, which for a name is known once it is resolved.
 */
export function judgeTarget(target: Target, policy: HostPolicy): PlaceRefusal | 'tls_required' | null {
  return judgePlace({ host: target.host, port: target.port, purpose: 'postgres' }, policy, target.tlsMode !== 'disable')
}

/** As `judgeTarget`, for an endpoint's URL: `http:` is `tls_required` outside opened networks. */
export function judgeUrl(url: EndpointUrl, policy: HostPolicy): PlaceRefusal | 'tls_required' | null {
  return judgePlace({ host: url.host, port: url.port, purpose: 'https' }, policy, url.secure)
}

function judgePlace(endpoint: Endpoint, policy: HostPolicy, encrypted: boolean) {
  const decision = judgeHost(endpoint, policy)
  if (decision.verdict === 'refuse') return decision.code
  const mayBeOpen = decision.verdict === 'address' ? decision.open : policy.openNetworks.length > 0
  return encrypted || mayBeOpen ? null : 'tls_required'
}

/** The judgement of an address. In an opened network, an address that embeds an IPv4 address is judged as that one. */
function placeOf(address: Address, openNetworks: readonly string[]): 'refused' | 'public' | 'open' {
  if (isNeverDialled(address)) return 'refused'
  if (openNetworks.some(network => isInNetwork(address, network))) {
    const meant = standsFor(address)
    return meant === null ? 'open' : placeOf(meant, openNetworks)
  }
  return isGlobal(address) ? 'public' : 'refused'
}

function refusalOf(host: string): 'host_refused' | 'host_private' {
  return readAddress(host) === null && isPrivateName(host.toLowerCase()) ? 'host_private' : 'host_refused'
}

function isLoopback(network: string): boolean {
  return network.startsWith('127.') || network === '::1/128'
}

function isLocalhost(name: string): boolean {
  return name.toLowerCase() === 'localhost'
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535
}

function isPublicPort({ port, purpose }: Endpoint): boolean {
  if (purpose === 'https') return port === 443 || port === 8443
  return port === 443 || (port > 1023 && !OTHER_PROTOCOLS.includes(port))
}
