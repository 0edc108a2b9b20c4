/**
 * The caller's address, as it is recorded and counted. Behind a proxy it comes from a header, so it is arbitrary text
 * until it is parsed here.
 */
import { type Address, isInNetwork, readAddress } from './address.ts'

const MAPPED = '::ffff:0:0/96'

/** The first text that is an address, in canonical form, as IPv4 if it is mapped into IPv6; null if none is. */
export function clientAddress(...texts: (string | undefined)[]): string | null {
  for (const text of texts) {
    // A link-local address includes the name of the interface, which is ours and not the caller's.
    const address = text === undefined ? null : readAddress(text.split('%', 1)[0] ?? '')
    if (address !== null) return isMapped(address) ? address.octets.slice(12).join('.') : address.text
  }
  return null
}

function isMapped(address: Address): boolean {
  return address.octets.length === 16 && isInNetwork(address, MAPPED)
}

/**
 * The key under which failed logins from an address are counted: an IPv6 customer has at least a /64 (RFC 6177), so
 * counting single addresses would be ineffective.
 */
export function networkOf(address: string | null): string {
  const octets = address === null ? undefined : readAddress(address)?.octets
  if (octets?.length !== 16) return address ?? 'unknown'
  return Buffer.from(octets.slice(0, 8)).toString('hex')
}
