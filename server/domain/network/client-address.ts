/**
 * The address of whoever calls, as it is recorded and counted. Behind a proxy it comes from a header, so it is any text
 * until it is read here.
 */
import { type Address, isInNetwork, readAddress } from './address.ts'

const MAPPED = '::ffff:0:0/96'

/** The one spelling of the first text that is an address, IPv4 where it is IPv4 mapped into IPv6; null when none is. */
export function clientAddress(...texts: (string | undefined)[]): string | null {
  for (const text of texts) {
    // A link-local address comes with the name of the interface, which is ours and not the caller's.
    const address = text === undefined ? null : readAddress(text.split('%', 1)[0] ?? '')
    if (address !== null) return isMapped(address) ? address.octets.slice(12).join('.') : address.text
  }
  return null
}

function isMapped(address: Address): boolean {
  return address.octets.length === 16 && isInNetwork(address, MAPPED)
}

/**
 * The key under which failed logins from an address are counted: an IPv6 customer has a /64 at least (RFC 6177), so that counting
 * single addresses would count nothing.
 */
export function networkOf(address: string | null): string {
  const octets = address === null ? undefined : readAddress(address)?.octets
  if (octets?.length !== 16) return address ?? 'unknown'
  return Buffer.from(octets.slice(0, 8)).toString('hex')
}
