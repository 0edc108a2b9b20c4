/**
 * Fixes for reaching a server: a firewall, the lines of `pg_hba.conf`, and IPv6. Each names the addresses from which
 * this installation dials, if its operator has configured them. Called by the other files of this folder.
 */
import type { Provider } from '#server/domain/checks/provider.ts'
import type { TriedLogin } from '#server/domain/checks/tried-login.ts'
import { isPrintable } from '#shared/base/printable.ts'

/** The place at each provider of the list of addresses that may connect. */
const FIREWALLS: Readonly<Record<Exclude<Provider, 'plain'>, string>> = {
  azure: "add a firewall rule under Networking of the server in Azure's portal",
  rds: 'add an inbound rule for the port to the security group of the database, and let it be publicly accessible',
  cloudsql: 'add an authorized network under Connections, Networking of the instance in Google Cloud',
  supabase: 'add them under Network Restrictions in the database settings of the Supabase project',
  neon: 'add them under IP Allow in the settings of the Neon project',
}

/** Further places, by host. */
const FIREWALLS_BY_HOST: readonly (readonly [RegExp, string])[] = [
  [/\.ondigitalocean\.com$/, 'add them under Trusted sources of the DigitalOcean database'],
  [/\.aivencloud\.com$/, 'add them under Allowed IP addresses of the Aiven service'],
  [/\.render\.com$/, 'add them under Access Control of the Render database'],
  [/\.timescale(db)?\.(com|cloud)$/, 'add them under IP Allow List of the service'],
  [/\.postgresbridge\.com$/, 'add them under Networking, Firewall rules of the Crunchy Bridge cluster'],
  [/\.(scw|scaleway)\.(cloud|com)$/, 'add them under Allowed IP addresses of the Scaleway database'],
  [/\.ovh\.(net|com)$/, 'add them under Authorised IPs of the OVHcloud service'],
  [/\.psdb\.cloud$/, 'add them under IP restrictions of the PlanetScale database'],
  [/\.aliyuncs\.com$/, 'add them to the IP address whitelist of the Alibaba Cloud instance'],
]

const CHECKED = 'Check the host and port, and that the firewall allows this installation'

/** The fix if nobody answers, or the network refuses the connection. */
export function firewallFix(tried: TriedLogin): string {
  const place = placeOf(tried)
  const isTold = place !== null || tried.egressAddresses.length > 0
  const whom = place === null ? `open it for ${ours(tried)}` : `${place}: ${ours(tried)}`
  // For a name without IPv4, a firewall is not the most likely reason.
  return `${isTold ? `${CHECKED}: ${whom}` : CHECKED}.${tried.isIpv6Only ? ` ${ipv6Fix(tried)}` : ''}`
}

/** The fix if the server refuses this role, database and address. */
export function loginAddressFix(tried: TriedLogin): string {
  return whereHbaIs(tried) ? hbaFix(tried) : providerFirewallFix(tried)
}

function providerFirewallFix(tried: TriedLogin): string {
  return `The provider's firewall refuses this installation: ${placeOf(tried) ?? 'add them'}: ${ours(tried)}.`
}

/** True if the customer has a `pg_hba.conf` that they can edit. */
export function whereHbaIs(tried: TriedLogin): boolean {
  return placeOf(tried) === null
}

/**
 * Lines for the top of `pg_hba.conf` that admit this role to this database from here with SCRAM and change nothing for
 * others.
 */
export function hbaFix({ database, login, egressAddresses, isEncrypted }: TriedLogin): string {
  const addresses = egressAddresses.length === 0 ? ['<the address of this installation>'] : egressAddresses
  const kind = isEncrypted ? 'hostssl' : 'host'
  // There, a name that begins with a slash is a regular expression, even if quoted.
  const isWritable = [database, login].every(name => isPrintable(name) && !name.startsWith('/'))
  if (!isWritable) return 'A line of pg_hba.conf cannot hold the name of this database or role: use other names.'
  const entries = [database, login].map(name => `"${name.replaceAll('"', '""')}"`).join(' ')
  return [
    'Put this above the other lines of pg_hba.conf, and reload it as a superuser:',
    ...addresses.map(address => `${kind} ${entries} ${asNetwork(address)} scram-sha-256`),
    'select pg_catalog.pg_reload_conf();',
  ].join('\n')
}

/** A name with only IPv6 addresses, if this installation has no IPv6. */
export function ipv6Fix({ host, provider }: TriedLogin): string {
  if (host.includes(':'))
    return 'This is an IPv6 address: if this installation has no IPv6, give a name or an IPv4 address.'
  const instead =
    provider === 'supabase'
      ? 'Use the session pooler of Supabase (host …pooler.supabase.com, user role.project-ref), which has IPv4, or the IPv4 add-on.'
      : 'Give the server an IPv4 address, or use the IPv4 host or pooler that the provider offers.'
  return `The name has IPv6 addresses only (AAAA), and this installation has no IPv6. ${instead}`
}

function placeOf({ host, provider }: TriedLogin): string | null {
  if (provider !== 'plain') return FIREWALLS[provider]
  return FIREWALLS_BY_HOST.find(([pattern]) => pattern.test(host.toLowerCase()))?.[1] ?? null
}

function ours({ egressAddresses }: TriedLogin): string {
  return egressAddresses.length === 0 ? 'the addresses of this installation' : egressAddresses.join(', ')
}

function asNetwork(address: string): string {
  if (address.includes('/') || address.startsWith('<')) return address
  return `${address}/${address.includes(':') ? 128 : 32}`
}
