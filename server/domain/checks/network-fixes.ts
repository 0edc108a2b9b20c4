/**
 * Fixes about reaching a server: a firewall, the lines of `pg_hba.conf`, and IPv6. Each names the addresses from which this
 * installation dials, where its operator has given them. Called by `dial-fixes.ts`.
 */
import { quoteName } from '#shared/base/sql-text.ts'
import type { Provider } from './provider.ts'
import type { TriedLogin } from './tried-login.ts'

/** Where each provider keeps the list of addresses that may connect. */
const FIREWALLS: Readonly<Record<Exclude<Provider, 'plain'>, string>> = {
  azure: "add a firewall rule under Networking of the server in Azure's portal",
  rds: 'add an inbound rule for the port to the security group of the database, and let it be publicly accessible',
  cloudsql: 'add an authorized network under Connections, Networking of the instance in Google Cloud',
  supabase: 'add them under Network Restrictions in the database settings of the Supabase project',
  neon: 'add them under IP Allow in the settings of the Neon project',
}

/** Others, by host. */
const FIREWALLS_BY_HOST: readonly (readonly [RegExp, string])[] = [
  [/\.ondigitalocean\.com$/, 'add them under Trusted sources of the DigitalOcean database'],
  [/\.aivencloud\.com$/, 'add them under Allowed IP addresses of the Aiven service'],
  [/\.render\.com$/, 'add them under Access Control of the Render database'],
  [/\.timescale(db)?\.(com|cloud)$/, 'add them under IP Allow List of the service'],
]

/** The fix where nobody answers, or the network refuses the connection. */
export function firewallFix(tried: TriedLogin): string {
  const place = placeOf(tried)
  const checked = 'Check that the host and port are right and that the firewall lets this installation in'
  if (place !== null) return `${checked}: ${place}: ${ours(tried)}.`
  return tried.egressAddresses.length === 0 ? `${checked}.` : `${checked}: open it for ${ours(tried)}.`
}

/** The fix where the server refuses this role, database and address. */
export function loginAddressFix(tried: TriedLogin, { code }: { readonly code: string }): string {
  const place = placeOf(tried)
  if (place !== null) return `The provider's firewall refuses this installation: ${place}: ${ours(tried)}.`
  const { database, login, egressAddresses } = tried
  const entries = [database, login].map(name => `"${name}"`).join(' ')
  const isWritable = [database, login].every(name => /^[\x20-\x7e]*$/.test(name) && !name.includes('"'))
  const addresses = egressAddresses.length === 0 ? ['<the address of this installation>'] : egressAddresses
  return [
    'Put this above the other lines of pg_hba.conf, and reload it:',
    ...(isWritable ? addresses.map(address => `hostssl ${entries} ${asNetwork(address)} scram-sha-256`) : []),
    'select pg_catalog.pg_reload_conf();',
    ...(code === 'login_refused' ? [`alter role ${quoteName(login)} login;`] : []),
  ].join('\n')
}

/** A name that has IPv6 addresses only, where this installation has no IPv6. */
export function ipv6Fix({ provider }: TriedLogin): string {
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
