/**
 * Names that are no host of the public internet. Special names are never looked up: a resolver inside a network answers
 * for that network. Names of private networks lead to a database only from machines of that network; people paste them by
 * mistake, so a refusal distinguishes them. Called by `host-policy.ts`, which has a separate rule for `localhost`.
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

/** Zones that a private network's own resolver serves; none is publicly delegated to anyone outside it. */
const PRIVATE_ZONES: ReadonlySet<string> = new Set([
  'cluster',
  'consul',
  'corp',
  'docker',
  'domain',
  'flycast',
  'home',
  'internal',
  'intranet',
  'k8s',
  'kube',
  'lan',
  'local',
  'localdomain',
  'nomad',
  'pod',
  'priv',
  'private',
  'svc',
  'vpc',
  'workgroup',
])

/** Names in public zones that resolve to addresses of a private network. */
const PRIVATE_NAMES: readonly RegExp[] = [
  /^private-[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:ondigitalocean\.com|akamaidb\.net|vultrdb\.com|upclouddatabases\.com)$/,
  /^(?:private|privatelink)-[a-z0-9-]+(?:\.[a-z0-9-]+)*\.aivencloud\.com$/,
  /\.private\.postgres\.database\.(?:azure\.com|chinacloudapi\.cn|usgovcloudapi\.net)$/,
  /\.vpce\.amazonaws\.com(?:\.cn)?$/,
  /\.(?:sql-psa|sql-psc|alloydb-psc)\.goog$/,
  /\.private\.databases\.appdomain\.cloud$/,
  /\.private-connect\.psdb\.cloud$/,
  /\.ts\.net$/,
  /^internal-[a-z0-9-]+\.[a-z0-9-]+\.elb\.amazonaws\.com$/,
]

/**
 * True for a private network's name, in lower case and without a trailing dot. A single label is one: `dpg-abc-a`,
 * `db`.
 */
export function isPrivateName(name: string): boolean {
  const labels = name.split('.')
  if (labels.length < 2) return name !== 'localhost'
  // Azure's private endpoints have a zone of their own below that of the service, in each of its clouds.
  if (labels.includes('privatelink') && /\.(?:azure\.com|chinacloudapi\.cn|usgovcloudapi\.net)$/.test(name)) return true
  return PRIVATE_ZONES.has(labels.at(-1) ?? '') || PRIVATE_NAMES.some(pattern => pattern.test(name))
}
