/**
 * Parses `DATABASE_URL` like libpq's connection URI (PostgreSQL manual, 32.1.1.2 and 32.1.2): several hosts, each with
 * a port, the required kind of session, and TLS in libpq's six modes. The driver's own parser takes one host and
 * interprets `require` differently.
 *
 * It never repeats a value: an error names the parameter and what it must be. Called by `config.ts` at startup, and
 * when a pool is opened. A customer's connection string is parsed elsewhere, by stricter rules.
 */

/** An invalid parameter of `DATABASE_URL`: its name, and what it must be. `null` stands for the URL as a whole. */
export class DatabaseUrlError extends Error {
  readonly parameter: string | null
  readonly must: string

  constructor(parameter: string | null, must: string) {
    super(parameter === null ? `DATABASE_URL must be ${must}.` : `DATABASE_URL: ${parameter} must be ${must}.`)
    this.name = 'DatabaseUrlError'
    this.parameter = parameter
    this.must = must
  }
}

const TLS_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const

/** libpq's `sslmode`. */
export type OwnTlsMode = (typeof TLS_MODES)[number]

/** Sessions that we can write in. libpq knows more, such as `standby`, which are of no use to us. */
const SESSIONS = ['any', 'read-write', 'primary'] as const

/** One place where our database may be. `host` is a name, an address, or the folder of a socket. */
export interface DatabasePlace {
  readonly host: string
  readonly port: number
}

/** Our own database as given in `DATABASE_URL`. Files are named, not read. */
export interface OwnDatabase {
  readonly places: readonly [DatabasePlace, ...DatabasePlace[]]
  /** True if each process shuffles the order of the hosts (`load_balance_hosts=random`). */
  readonly isShuffled: boolean
  readonly database: string
  readonly user: string | null
  readonly password: string | null
  readonly session: (typeof SESSIONS)[number]
  readonly tls: {
    readonly mode: OwnTlsMode
    /** A PEM file of authorities; `system` for the public ones; null if not given. */
    readonly rootCert: string | null
    readonly cert: string | null
    readonly key: string | null
    readonly negotiation: 'postgres' | 'direct'
  }
  readonly applicationName: string | null
  readonly connectTimeoutSeconds: number | null
  /** Session settings from `options`; a pooler rejects them. */
  readonly options: string | null
}

const SHAPE = 'a connection string that begins with postgres:// and names a host and a database'
const DEFAULT_PORT = 5432
const MAX_PLACES = 16

/** Other parameters that libpq accepts and that have no effect here. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  'keepalives',
  'keepalives_idle',
  'keepalives_interval',
  'keepalives_count',
  'tcp_user_timeout',
  'client_encoding',
  'fallback_application_name',
  'gssencmode',
  'sslcompression',
  'sslsni',
  'channel_binding',
  'uselibpqcompat',
])

const KNOWN: ReadonlySet<string> = new Set([
  ...WITHOUT_EFFECT,
  ...['host', 'port', 'dbname', 'user', 'password', 'target_session_attrs', 'load_balance_hosts', 'options'],
  ...['sslmode', 'ssl', 'sslrootcert', 'sslcert', 'sslkey', 'sslnegotiation', 'application_name', 'connect_timeout'],
])

/** Parses `DATABASE_URL`. Throws `DatabaseUrlError`. */
export function parseDatabaseUrl(text: string): OwnDatabase {
  const { authority, path, query } = split(text)
  const parameters = parametersOf(query)
  const at = authority.lastIndexOf('@')
  const [user, password] = loginOf(at < 0 ? '' : authority.slice(0, at))
  const places = placesOf(authority.slice(at + 1), parameters)
  const database = parameters.get('dbname') ?? decoded(null, path)
  if (places === null || database === '') throw new DatabaseUrlError(null, SHAPE)
  return {
    places,
    isShuffled: choice(parameters, 'load_balance_hosts', ['disable', 'random'] as const) === 'random',
    database,
    user: parameters.get('user') ?? user,
    password: parameters.get('password') ?? password,
    session: choice(parameters, 'target_session_attrs', SESSIONS) ?? 'any',
    tls: tlsOf(parameters),
    applicationName: parameters.get('application_name') ?? null,
    connectTimeoutSeconds: seconds(parameters),
    options: parameters.get('options') ?? null,
  }
}

/** Splits manually: a URL of the web platform cannot have several hosts, or a login without a host. */
function split(text: string): { authority: string; path: string; query: string } {
  const scheme = ['postgres://', 'postgresql://'].find(one => text.startsWith(one))
  if (scheme === undefined) throw new DatabaseUrlError(null, SHAPE)
  const rest = text.slice(scheme.length)
  const mark = rest.indexOf('?')
  const beforeQuery = mark < 0 ? rest : rest.slice(0, mark)
  const slash = beforeQuery.indexOf('/')
  return {
    authority: slash < 0 ? beforeQuery : beforeQuery.slice(0, slash),
    path: slash < 0 ? '' : beforeQuery.slice(slash + 1),
    query: mark < 0 ? '' : rest.slice(mark + 1),
  }
}

function decoded(parameter: string | null, text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new DatabaseUrlError(
      parameter,
      parameter === null ? `${SHAPE}, with every % written as %25` : 'percent-encoded',
    )
  }
}

function parametersOf(query: string): Map<string, string> {
  const parameters = new Map<string, string>()
  for (const pair of query.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = decoded(null, equals < 0 ? pair : pair.slice(0, equals))
    if (!KNOWN.has(name)) {
      // The name is the operator's own text, and is repeated only if it looks like a name.
      const displayed = /^[a-z_]{1,40}$/.test(name) ? name : 'a parameter'
      throw new DatabaseUrlError(displayed, 'left out: Mooring does not support it')
    }
    const value = decoded(name, equals < 0 ? '' : pair.slice(equals + 1))
    if (value !== '') parameters.set(name, value)
  }
  return parameters
}

function loginOf(text: string): [user: string | null, password: string | null] {
  const colon = text.indexOf(':')
  const user = decoded(null, colon < 0 ? text : text.slice(0, colon))
  const password = colon < 0 ? '' : decoded(null, text.slice(colon + 1))
  return [user || null, password || null]
}

/** Pairs hosts and ports as libpq does: a single port applies to every host. Null if a host is missing. */
function placesOf(authority: string, parameters: Map<string, string>): [DatabasePlace, ...DatabasePlace[]] | null {
  const named = parameters.get('host')
  const entries = (named ?? authority).split(',').map(entry => hostAndPort(entry, named === undefined))
  const ports = parameters.get('port')?.split(',') ?? []
  if (ports.length > 1 && ports.length !== entries.length)
    throw new DatabaseUrlError('port', 'one port, or as many as there are hosts')
  const places = entries.map(({ host, port }, index) => {
    const given = ports[index] ?? (ports.length === 1 ? ports[0] : undefined)
    return { host, port: portOf(given || port) }
  })
  const [first, ...rest] = places
  if (first === undefined || places.some(({ host }) => host === '')) return null
  if (places.length > MAX_PLACES) throw new DatabaseUrlError('host', `at most ${MAX_PLACES} hosts`)
  return [first, ...rest]
}

/**
 * Parses `host`, `host:port` or `[address]:port`. In the parameter `host`, an entry has no port, and an address no
 * brackets.
 */
function hostAndPort(entry: string, isInAuthority: boolean): { host: string; port: string } {
  if (!isInAuthority) return { host: entry, port: '' }
  const bracketed = /^\[([0-9A-Fa-f:.]+)\](?::(\d*))?$/.exec(entry)
  if (bracketed !== null) return { host: bracketed[1] ?? '', port: bracketed[2] ?? '' }
  const [host = '', port = '', ...more] = entry.split(':')
  if (more.length > 0) throw new DatabaseUrlError('host', 'a name or an address, an IPv6 address in brackets')
  return { host: decoded('host', host), port }
}

function portOf(text: string): number {
  if (text === '') return DEFAULT_PORT
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535)
    throw new DatabaseUrlError('port', 'a whole number from 1 to 65535')
  return port
}

function tlsOf(parameters: Map<string, string>): OwnDatabase['tls'] {
  const isAsked = choice(parameters, 'ssl', ['false', 'true', '0', '1'] as const)
  const named = choice(parameters, 'sslmode', TLS_MODES)
  const rootCert = parameters.get('sslrootcert') ?? null
  // As in libpq: with the public authorities, only verifying the name proves anything.
  const byRoots = rootCert === 'system' ? 'verify-full' : 'prefer'
  const mode = named ?? (isAsked === 'true' || isAsked === '1' ? 'require' : byRoots)
  if (rootCert === 'system' && mode !== 'verify-full')
    throw new DatabaseUrlError('sslmode', 'verify-full if sslrootcert is system')
  const [cert, key] = [parameters.get('sslcert') ?? null, parameters.get('sslkey') ?? null]
  if ((cert === null) !== (key === null)) throw new DatabaseUrlError('sslcert', 'given together with sslkey')
  const negotiation = choice(parameters, 'sslnegotiation', ['postgres', 'direct'] as const) ?? 'postgres'
  if (negotiation === 'direct' && ['disable', 'allow', 'prefer'].includes(mode))
    throw new DatabaseUrlError('sslnegotiation', 'postgres if sslmode is weaker than require')
  return { mode, rootCert, cert, key, negotiation }
}

function choice<const T extends string>(
  parameters: Map<string, string>,
  name: string,
  options: readonly T[],
): T | undefined {
  const value = parameters.get(name)
  const chosen = options.find(option => option === value)
  if (value !== undefined && chosen === undefined) throw new DatabaseUrlError(name, `one of ${options.join(', ')}`)
  return chosen
}

function seconds(parameters: Map<string, string>): number | null {
  const value = parameters.get('connect_timeout')
  if (value === undefined) return null
  if (!/^\d{1,4}$/.test(value)) throw new DatabaseUrlError('connect_timeout', 'a whole number of seconds up to 9999')
  // As in libpq, one second counts as two. There, zero waits forever; we never do.
  const number = Number(value)
  return number === 0 ? null : Math.max(2, number)
}
