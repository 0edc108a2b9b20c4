/**
 * Names that mean something other than a host on the public internet. They are never looked up: a resolver inside a
 * network answers for that network. Called by `host-policy.ts`, which has a separate rule for `localhost`.
 */

// RFC 6761, 6762, 7686, 8375, 9476, ICANN's `.internal` and its collision list, and zones that local resolvers commonly
// serve.
const SPECIAL_ZONES = [
  'alt',
  'arpa',
  'cluster',
  'consul',
  'corp',
  'docker',
  'domain',
  'example',
  'home',
  'internal',
  'intranet',
  'invalid',
  'k8s',
  'kube',
  'lan',
  'local',
  'localdomain',
  'localhost',
  'mail',
  'nomad',
  'onion',
  'pod',
  'private',
  'svc',
  'test',
  'workgroup',
] as const

// Metadata services with a name in a public zone.
const METADATA_NAMES = [
  'metadata.goog',
  'metadata.tencentyun.com',
  'metadata.packet.net',
  'metadata.platformequinix.com',
] as const

/**
 * True for a name, in lower case and without a trailing dot, that must not be looked up. All single labels are special.
 */
export function isSpecialName(name: string): boolean {
  const labels = name.split('.')
  if (labels.length < 2) return true
  const zone = labels.at(-1)
  return SPECIAL_ZONES.some(special => special === zone) || METADATA_NAMES.some(known => isAtOrUnder(name, known))
}

function isAtOrUnder(name: string, zone: string): boolean {
  return name === zone || name.endsWith(`.${zone}`)
}
