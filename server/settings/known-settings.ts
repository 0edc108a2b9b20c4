/**
 * Every setting that Mooring reads, each with an example, and the detection of variables that look like settings but
 * are none. `config.ts` reads the values; this file knows only names and never holds a value from an environment.
 */

/** Each setting with a valid example, for sentences about an invalid value. */
export const SETTINGS: Readonly<Record<string, string>> = {
  PORT: '3000',
  HOST: '127.0.0.1',
  DATABASE_URL: 'postgres://mooring:PASSWORD@db.internal:5432/mooring',
  DATABASE_URL_FILE: '/run/secrets/database_url',
  MOORING_LISTEN_URL: 'postgres://mooring:PASSWORD@db.internal:5432/mooring',
  MOORING_LISTEN_URL_FILE: '/run/secrets/listen_url',
  MOORING_DATA_DIR: '/var/lib/mooring',
  MOORING_CACHE_DIR: '/var/cache/mooring',
  MOORING_KEYRING: '/etc/mooring/web.json',
  MOORING_KEYRING_COMMAND: 'cat /run/secrets/$1.json',
  MOORING_ALLOWED_NETWORKS: '10.1.0.0/16,fd00::/8',
  MOORING_DNS_SERVERS: '9.9.9.9,[2620:fe::fe]:53',
  MOORING_EGRESS_ADDRESSES: '203.0.113.7,203.0.113.8/29',
  MOORING_POOL_SIZE: '8',
  MOORING_DIAL_PROCESSES: '12',
  MOORING_HEALTH_PORT: '9464',
  MOORING_HEALTH_HOST: '127.0.0.1',
  MOORING_PUBLIC_URL: 'https://mooring.example.com',
  MOORING_CHECK_INTERVAL: '86400',
  MOORING_RATE_LIMITS: 'postgres',
  MOORING_RATE_WINDOW_SECONDS: '10',
  MOORING_RATE_PER_KEY: '2000',
  MOORING_RATE_PER_ORGANIZATION: '5000',
  MOORING_RATE_FAILED_LOGINS: '100',
  MOORING_MAX_DATASOURCES: '10000',
  MOORING_MAX_KEYS: '100',
  MOORING_MAX_CAPABILITIES: '10000',
  MOORING_TRUST_PROXY: '1',
  MOORING_CORS_ORIGINS: 'https://app.example.com',
  MOORING_HEADERS_TIMEOUT_MS: '15000',
  MOORING_REQUEST_TIMEOUT_MS: '60000',
  MOORING_KEEP_ALIVE_TIMEOUT_MS: '65000',
  MOORING_DRAIN_SECONDS: '5',
  MOORING_EXTRA_CA: '/etc/mooring/ca.pem',
  MOORING_EVENT_RETENTION_SECONDS: '2592000',
  MOORING_ROTATION_WINDOW_SECONDS: '86400',
  MOORING_KEEP_VERIFICATIONS_DAYS: '90',
  MOORING_KEEP_CHANGES_DAYS: '7',
  MOORING_KEEP_IDEMPOTENCY_DAYS: '1',
  MOORING_KEEP_LEASES_DAYS: '90',
  MOORING_KEEP_REMOVED_DAYS: '30',
  MOORING_KEEP_REVOKED_DAYS: '400',
  MOORING_KEEP_AUDIT_DAYS: '400',
  MOORING_LOG_LEVEL: 'info',
  MOORING_URL: 'https://mooring.example.com',
  MOORING_API_KEY: 'sk_test_…',
  MOORING_MOVE_TO: 'postgres://mooring:PASSWORD@other.internal:5432/mooring',
  MOORING_MOVE_TO_FILE: '/run/secrets/move_to',
  MOORING_LEASE_KEYS: 'the output of lease-key show',
}

/** A variable that looks like a setting, and the one that was probably meant. */
export interface UnknownSetting {
  readonly name: string
  readonly nearest: string | null
}

/** Variables that Kubernetes sets for a Service named `mooring…`; `…_PORT` is recognised by its value. */
const OF_SERVICES = /_(?:SERVICE_HOST|SERVICE_PORT|PORT_\d{1,5}_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)$/
/** The port of a Service with a name. */
const NAMED_PORT = '_SERVICE_PORT_'
const ADDRESS_OF_SERVICE = /^(?:tcp|udp|sctp):\/\//

/** The variables with our prefix that are not settings, such as a mistyped one. */
export function unknownSettings(env: Readonly<Record<string, string | undefined>>): UnknownSetting[] {
  return Object.keys(env)
    .filter(name => name.startsWith(PREFIX) && !Object.hasOwn(SETTINGS, name))
    .filter(name => !OF_SERVICES.test(name) && !name.includes(NAMED_PORT) && !ADDRESS_OF_SERVICE.test(env[name] ?? ''))
    .map(name => ({ name, nearest: nearestSetting(name) }))
}

const PREFIX = 'MOORING_'
/** At least a third of a name must match. */
const FAR = 2 / 3

/** The setting whose name, without our prefix, needs the fewest edits; null if none is similar. */
function nearestSetting(name: string): string | null {
  const bare = (one: string) => (one.startsWith(PREFIX) ? one.slice(PREFIX.length) : one)
  const measured = Object.keys(SETTINGS).map(one => ({ one, changes: changesBetween(bare(name), bare(one)) }))
  const [best] = measured.toSorted((a, b) => a.changes - b.changes)
  return best !== undefined && best.changes < bare(name).length * FAR ? best.one : null
}

const LONGEST = 60

/** The number of characters to insert, delete or replace (Levenshtein). */
function changesBetween(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (const [i, letter] of [...one.slice(0, LONGEST)].entries()) {
    const next = [i + 1]
    for (const [j, wanted] of [...other].entries())
      next.push(Math.min((next[j] ?? 0) + 1, (row[j + 1] ?? 0) + 1, (row[j] ?? 0) + (letter === wanted ? 0 : 1)))
    row = next
  }
  return row.at(-1) ?? 0
}
