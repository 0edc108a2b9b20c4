/**
 * Names that lead to a database only from machines in its own network: those that platforms assign in addition to the
 * external ones, and those of local resolvers. People paste them by mistake, so a refusal distinguishes them. Called by
 * `host-policy.ts`.
 */

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
