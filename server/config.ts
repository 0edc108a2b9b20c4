/**
 * Configuration, parsed once at startup from the environment: the only file that reads it. `DATABASE_URL` is the only
 * secret in it; keys come from the file that `MOORING_KEYRING` names.
 */
import { join, resolve } from 'node:path'
import { type FeedSettings, feedSettings } from '#server/domain/feeds/feed-settings.ts'
import { parseNetworks } from '#server/domain/network/host-policy.ts'
import { type Retention, retentionSettings } from '#server/domain/tasks/retention-settings.ts'
import { wrongForm, wrongList } from '#server/settings/wrong-value.ts'
import { parseHost, parseHostPort } from '#shared/connection-string/host.ts'
import { ConfigError, choice, httpUrl, integer, items, raw, read } from './env.ts'
import { ownUrl } from './own-url.ts'

/** The settings of an installation. Times are in milliseconds. */
export interface Config {
  readonly port: number
  readonly host: string
  /** The port for probes and metrics, separate from callers: null for the tier's default port, `off` for none. */
  readonly healthPort: number | 'off' | null
  /** The address of that port; loopback by default. */
  readonly healthHost: string
  /** Null for local mode, with an embedded PostgreSQL under `localDir`. */
  readonly databaseUrl: string | null
  /** The URL for `LISTEN`, which bypasses a pooler in transaction mode; null if `databaseUrl` keeps sessions. */
  readonly listenUrl: string | null
  readonly localDir: string
  /** A keyring file (`web`, `worker`) or the folder of both (`main`, operator commands). */
  readonly keyring: string
  /** A command that prints the keyring of the role in its `$1`, instead of a file; null without one. */
  readonly keyringCommand: string | null
  readonly openNetworks: readonly string[]
  /** True if loopback was opened by default because nothing was configured. */
  readonly openNetworksByDefault: boolean
  readonly dnsServers: readonly string[]
  /** The addresses or networks from which customers are dialled, for their firewalls; empty if not configured. */
  readonly egressAddresses: readonly string[]
  readonly poolSize: number
  /** The maximum number of a worker's dialling processes, and so of concurrent dials. They are started on demand. */
  readonly dialProcesses: number
  /** How long after a check an active datasource is due for the next one; an organization may override it. */
  readonly checkIntervalMs: number
  /** Whether calls are counted in memory, which suits a single web process, or in PostgreSQL, for several. */
  readonly rateLimits: RateLimits
  /** The quotas of each organization. */
  readonly quotas: { readonly datasources: number; readonly keys: number; readonly capabilities: number }
  /** The number of proxies in front, or their networks; they are trusted to report the caller's address. */
  readonly trustProxy: number | readonly string[]
  /** Origins whose pages may call from a browser; none by default. */
  readonly corsOrigins: readonly string[]
  /** How long a client may take with its headers, with its whole request, and between two requests. */
  readonly patience: {
    readonly headersTimeoutMs: number
    readonly requestTimeoutMs: number
    readonly keepAliveTimeoutMs: number
  }
  /** How long a web process keeps serving after the signal to stop; null if not configured. */
  readonly drainMs: number | null
  /** The callers' URL of this installation, for links in errors; without a trailing slash. */
  readonly publicUrl: string
  readonly feeds: FeedSettings
  readonly retention: Retention
  readonly logLevel: string
}

/** Calls that one key, and one organization, may make per window, and failed logins from one address per minute. */
export interface RateLimits {
  readonly store: 'memory' | 'postgres'
  readonly windowSeconds: number
  readonly perKey: number
  readonly perOrganization: number
  readonly failedLogins: number
}

/** From a tenth of a second to an hour. */
const MOMENTS = { min: 100, max: 3_600_000 }

const LOOPBACK = ['127.0.0.0/8', '::1/128']

const FOLDER = 'the path of a folder'
const ADDRESS = 'an address of this machine, or a name that resolves to one'

/** Parses the environment. Throws `ConfigError`; the value itself is never in the message. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const databaseUrl = ownUrl(env, 'DATABASE_URL')
  const localDir = resolve(read(env, 'MOORING_DATA_DIR', FOLDER) ?? '.data')
  const isGiven = env['MOORING_ALLOWED_NETWORKS'] !== undefined
  const local = databaseUrl === null && !isGiven
  const opened = networks(env, 'MOORING_ALLOWED_NETWORKS', 'a comma-separated list of CIDRs')
  const port = integer(env, { variable: 'PORT', fallback: 3000, min: 0, max: 65_535 })
  return {
    port,
    host: read(env, 'HOST', ADDRESS) ?? (databaseUrl === null ? '127.0.0.1' : '0.0.0.0'),
    ...health(env),
    databaseUrl,
    listenUrl: ownUrl(env, 'MOORING_LISTEN_URL'),
    localDir,
    keyringCommand: keyringCommand(env),
    keyring: resolve(
      read(env, 'MOORING_KEYRING', 'the path of a keyring file, or of the folder of both') ?? join(localDir, 'keyring'),
    ),
    openNetworks: local ? LOOPBACK : opened,
    openNetworksByDefault: local,
    ...addresses(env),
    checkIntervalMs:
      1000 * integer(env, { variable: 'MOORING_CHECK_INTERVAL', fallback: 86_400, min: 60, max: 2_592_000 }),
    poolSize: integer(env, { variable: 'MOORING_POOL_SIZE', fallback: 8, min: 1, max: 100 }),
    dialProcesses: integer(env, { variable: 'MOORING_DIAL_PROCESSES', fallback: 12, min: 2, max: 64 }),
    rateLimits: rateLimits(env),
    quotas: quotas(env),
    trustProxy: trustProxy(env),
    corsOrigins: origins(env),
    patience: patience(env),
    drainMs: drainMs(env),
    publicUrl: publicUrl(env, port),
    feeds: feedSettings({
      integer: ask => integer(env, ask),
      text: variable => read(env, variable, 'the path of a PEM file'),
    }),
    retention: retentionSettings({ integer: ask => integer(env, ask) }),
    logLevel: choice(env, 'MOORING_LOG_LEVEL', ['info', 'trace', 'debug', 'warn', 'error', 'silent']),
  }
}

function health(env: NodeJS.ProcessEnv): Pick<Config, 'healthPort' | 'healthHost'> {
  const variable = 'MOORING_HEALTH_PORT'
  const value = raw(env, variable)
  const isWord = value === null || value === 'off'
  return {
    healthPort: isWord ? value : integer(env, { variable, fallback: 0, min: 0, max: 65_535, or: 'off' }),
    healthHost: read(env, 'MOORING_HEALTH_HOST', ADDRESS) ?? '127.0.0.1',
  }
}

/** A command has quotes, comments and blanks of its own. */
function keyringCommand(env: NodeJS.ProcessEnv): string | null {
  const command = raw(env, 'MOORING_KEYRING_COMMAND')
  if (command === null || command.trim() !== '') return command
  throw new ConfigError('MOORING_KEYRING_COMMAND', "a command that prints a role's keyring", wrongForm(command))
}

/** The environment of this process. */
export function environment(): NodeJS.ProcessEnv {
  return process.env
}

/**
 * Folders for data that can be recreated, the best one first. `temporary` is the system's, which other accounts share.
 */
export function cacheFolders(env: NodeJS.ProcessEnv, temporary: string): string[] {
  const given = read(env, 'MOORING_CACHE_DIR', FOLDER)
  if (given !== null) return [resolve(given)]
  const home = raw(env, 'HOME')
  const cache = raw(env, 'XDG_CACHE_HOME') ?? (home === null ? null : join(home, '.cache'))
  const shared = join(temporary, `mooring-cache-${process.getuid?.() ?? 0}`)
  return [...(cache === null ? [] : [join(cache, 'mooring')]), shared]
}

function patience(env: NodeJS.ProcessEnv): Config['patience'] {
  return {
    headersTimeoutMs: integer(env, { variable: 'MOORING_HEADERS_TIMEOUT_MS', fallback: 15_000, ...MOMENTS }),
    requestTimeoutMs: integer(env, { variable: 'MOORING_REQUEST_TIMEOUT_MS', fallback: 60_000, ...MOMENTS }),
    keepAliveTimeoutMs: integer(env, { variable: 'MOORING_KEEP_ALIVE_TIMEOUT_MS', fallback: 65_000, ...MOMENTS }),
  }
}

function drainMs(env: NodeJS.ProcessEnv): number | null {
  if (raw(env, 'MOORING_DRAIN_SECONDS') === null) return null
  return 1000 * integer(env, { variable: 'MOORING_DRAIN_SECONDS', fallback: 0, min: 0, max: 300 })
}

const MANY = { min: 1, max: 1_000_000_000 }

function rateLimits(env: NodeJS.ProcessEnv): RateLimits {
  return {
    store: choice(env, 'MOORING_RATE_LIMITS', ['memory', 'postgres']),
    windowSeconds: integer(env, { variable: 'MOORING_RATE_WINDOW_SECONDS', fallback: 10, min: 1, max: 3_600 }),
    perKey: integer(env, { variable: 'MOORING_RATE_PER_KEY', fallback: 2_000, ...MANY }),
    perOrganization: integer(env, { variable: 'MOORING_RATE_PER_ORGANIZATION', fallback: 5_000, ...MANY }),
    failedLogins: integer(env, { variable: 'MOORING_RATE_FAILED_LOGINS', fallback: 100, ...MANY }),
  }
}

function quotas(env: NodeJS.ProcessEnv): Config['quotas'] {
  return {
    datasources: integer(env, { variable: 'MOORING_MAX_DATASOURCES', fallback: 10_000, ...MANY }),
    keys: integer(env, { variable: 'MOORING_MAX_KEYS', fallback: 100, ...MANY }),
    capabilities: integer(env, { variable: 'MOORING_MAX_CAPABILITIES', fallback: 10_000, ...MANY }),
  }
}

/** Never "all": any caller could then choose the address that is counted and recorded. */
function trustProxy(env: NodeJS.ProcessEnv): number | readonly string[] {
  const value = raw(env, 'MOORING_TRUST_PROXY') ?? ''
  if (/^([1-9]|10)$/.test(value)) return Number(value)
  return networks(env, 'MOORING_TRUST_PROXY', 'a number of proxies from 1 to 10, or a comma-separated list of CIDRs')
}

/** A list of networks; empty if not set. Throws `ConfigError`. */
function networks(env: NodeJS.ProcessEnv, variable: string, must: string): readonly string[] {
  const value = raw(env, variable) ?? ''
  const wrong = wrongList(value, item => item !== '' && parseNetworks(item).ok)
  const read = parseNetworks(value)
  if (wrong !== null || !read.ok) throw new ConfigError(variable, must, wrong ?? 'its value is none')
  return read.networks
}

/** The name servers that resolve names, and the addresses from which customers are dialled. */
function addresses(env: NodeJS.ProcessEnv): Pick<Config, 'dnsServers' | 'egressAddresses'> {
  const isServer = (server: string) =>
    [parseHost(server), parseHostPort(server, 53)].some(read => read.ok && read.kind === 'address')
  const dnsServers = { must: 'a comma-separated list of ip or ip:port, IPv6 in brackets', isItem: isServer }
  const egress = networks(env, 'MOORING_EGRESS_ADDRESSES', 'a comma-separated list of addresses or CIDRs')
  return {
    dnsServers: items(env, 'MOORING_DNS_SERVERS', dnsServers),
    // Shown to customers unchanged, so a single address has no prefix.
    egressAddresses: egress.map(network => network.replace(network.includes(':') ? /\/128$/ : /\/32$/, '')),
  }
}

function origins(env: NodeJS.ProcessEnv): string[] {
  return items(env, 'MOORING_CORS_ORIGINS', {
    must: 'a comma-separated list of origins, each scheme, host and port without a path',
    isItem: origin => URL.canParse(origin) && new URL(origin).origin === origin,
  })
}

function publicUrl(env: NodeJS.ProcessEnv, port: number): string {
  return httpUrl(env, 'MOORING_PUBLIC_URL') ?? `http://localhost:${port}`
}

/** The settings of a caller's command: the installation and the key. Throws `ConfigError`. */
export function readCaller(env: NodeJS.ProcessEnv): { url: string; key: string } {
  const must = 'an API key or capability of the installation'
  const key = read(env, 'MOORING_API_KEY', must)
  if (key === null) throw new ConfigError('MOORING_API_KEY', must)
  return { url: httpUrl(env, 'MOORING_URL') ?? 'http://localhost:3000', key }
}

/** The database of the installation that an organization moves to; null if not set. Throws `ConfigError`. */
export function readMoveTarget(env: NodeJS.ProcessEnv): string | null {
  return ownUrl(env, 'MOORING_MOVE_TO')
}
