/**
 * A strict parser for connection strings: it accepts a subset of what libpq accepts and never reads it differently.
 *
 * The server, the console and client-side sealing all use this parser. It never echoes its input: a reason names the
 * offending parameter or character, not the text around it.
 */
import type { Advisory } from '#shared/checks/check.ts'
import { type Refusal, refuse } from '#shared/faults/refusal.ts'
import { readParameters } from './connection-parameters.ts'
import { refuseForeign } from './foreign-forms.ts'
import { parseHostPort } from './host.ts'
import { isPlaceholderLogin, isPlaceholderName, isPlaceholderPassword } from './placeholders.ts'
import {
  refuseHostForm,
  refusePath,
  refuseSeparators,
  refuseSeveral,
  refuseWide,
  refuseWithoutLogin,
} from './separators.ts'
import { PLAIN, refuseStray } from './stray-characters.ts'
import type { TlsMode } from './tls-parameters.ts'
import { decodeComponent, MAX_CONNECTION_STRING, refuseRaw, refuseText } from './uri-text.ts'

/** The place and role of a login: all connection parameters that Mooring honours. */
export interface Target {
  /** Lower-case ASCII name, or a canonical IP literal without brackets. */
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password: string
  readonly tlsMode: TlsMode
  readonly channelBinding: 'disable' | 'prefer' | 'require'
  readonly sslNegotiation: 'postgres' | 'direct'
  readonly applicationName: string | null
  readonly connectTimeoutSeconds: number | null
  /** Neon's endpoint id from `options=endpoint=…`, sent as a startup option; null for any host that is not Neon's. */
  readonly neonEndpoint: string | null
}

/** A parsed connection string: target, advisories, and the schema named by its parameters (null if they name none). */
export interface ParsedString {
  readonly ok: true
  readonly target: Target
  readonly advisories: readonly Advisory[]
  readonly schema: string | null
}

/** The parsed string, or a refusal that quotes none of the input. */
export type Parsed = ParsedString | Refusal

const DEFAULT_PORT = 5432
/** NAMEDATALEN − 1: servers before 17 truncate a longer name and would log in to a different database. */
const MAX_DATABASE_BYTES = 63

/**
 * Parses `postgres://user:password@host[:port]/database[?parameters]`, at most 8192 characters.
 *
 * User, password, host and database are required: a driver would fill in missing ones from the environment or from
 * files on the machine that dials. Parameters that name another host, a socket, a file, a service or server settings
 * are refused by name. Never throws. The grammar is that of RFC 3986, the meanings are those of libpq (§33.1.1.2).
 */
export function parseConnectionString(text: string): Parsed {
  const parsed = parseStrictly(text)
  return parsed.ok ? parsed : (refuseSeveral(text) ?? parsed)
}

function parseStrictly(text: string): Parsed {
  const isRead = text.length <= MAX_CONNECTION_STRING
  if (!isRead || !PLAIN.test(text)) {
    const unreadable = (isRead ? refuseStray(text) : null) ?? refuseText(text, MAX_CONNECTION_STRING)
    if (unreadable !== null) return unreadable
  }
  const [scheme] = /^postgres(?:ql)?:\/\//i.exec(text) ?? []
  if (scheme === undefined) return refuseWide(text) ?? refuseForeign(text)
  const rest = text.slice(scheme.length)
  // Split at the last @ in the string. If this is not the @ that ends the login, then something before it is unencoded,
  // and reading the login reports it. Text read as host or parameters can then never be part of a password.
  const at = rest.lastIndexOf('@')
  if (at < 0) return refuseWide(rest) ?? refuseWithoutLogin(rest)
  const login = readLogin(rest.slice(0, at))
  if (!login.ok) return misplacedAt(rest) ?? refuseWide(rest) ?? login
  return readBehindLogin(rest.slice(at + 1), login)
}

/** Reads host, database and parameters. After a refusal, the text is searched again only for a more precise reason. */
function readBehindLogin(behind: string, { user, password }: { user: string; password: string }): Parsed {
  const { authority, path, query } = partsBehindLogin(behind)
  const narrower = (refusal: Refusal) =>
    refuseHostForm(behind) ?? refuseWide(behind) ?? refuseSeparators(path, query) ?? refusePath(path) ?? refusal
  const unfilled = refuseUnfilled(authority, path)
  if (unfilled !== null) return refuseHostForm(behind) ?? unfilled
  const place = parseHostPort(authority, DEFAULT_PORT)
  if (!place.ok) return narrower(place)
  const database = readDatabase(path)
  if (!database.ok) return narrower(database)
  const parameters = readParameters(query, { host: place.host, password })
  if (!parameters.ok) return narrower(parameters)
  const target = { host: place.host, port: place.port, database: database.text, user, password, ...parameters.settings }
  const advisories = [...adviseOnName(path), ...parameters.advisories]
  return { ok: true, target, advisories, schema: parameters.schema }
}

/** Refuses a placeholder in place of the host, the port or the database name. */
function refuseUnfilled(authority: string, path: string): Refusal | null {
  const [host = '', port = ''] = authority.split(':')
  const say = (what: string) => `The ${what} is or contains a placeholder: replace it with the real one.`
  if (isPlaceholderName(host) || /^(?:host|hostname)$/i.test(host)) return refuse('host_missing', say('host'))
  if (isPlaceholderName(port) || /^port$/i.test(port)) return refuse('port_malformed', say('port'))
  return isPlaceholderName(path.slice(1)) ? refuse('database_missing', say('database name')) : null
}

/**
 * Refuses an unencoded @ after a complete login: it belongs to the parameters or the database name, although the parser
 * takes the last @ for the end of the login. This only selects the reason; it does not affect parsing.
 */
function misplacedAt(rest: string): Refusal | null {
  const [, login = '', query = ''] =
    /^([^@/?#]+)@[A-Za-z0-9_.-]+\.[A-Za-z0-9_-]+(?::[0-9]{1,5})?\/[^@/?#]+\?(.*)$/s.exec(rest) ?? []
  if (!readLogin(login).ok || !/^[A-Za-z_]{1,40}=/.test(query) || !query.includes('@')) return null
  return refuse('character_unencoded', 'A parameter contains an unencoded @: encode it as %40.')
}

/**
 * Splits the text after the login into host and port, the path with its slash, and the text after the first question
 * mark.
 */
function partsBehindLogin(text: string): { authority: string; path: string; query: string } {
  const queryAt = text.indexOf('?')
  const place = queryAt < 0 ? text : text.slice(0, queryAt)
  const pathAt = place.search(/[/#]/)
  return {
    authority: pathAt < 0 ? place : place.slice(0, pathAt),
    path: pathAt < 0 ? '' : place.slice(pathAt),
    query: queryAt < 0 ? '' : text.slice(queryAt + 1),
  }
}

/**
 * The canonical text of all honoured parameters, for fingerprints: JSON with a fixed order of keys. Two strings that
 * mean the same login give the same text. The text holds the password: hash or seal it, and never store or log it.
 */
export function canonicalTarget(target: Target, caCertificate: string | null): string {
  return JSON.stringify({
    host: target.host,
    port: target.port,
    database: target.database,
    user: target.user,
    password: target.password,
    tlsMode: target.tlsMode,
    channelBinding: target.channelBinding,
    sslNegotiation: target.sslNegotiation,
    applicationName: target.applicationName,
    connectTimeoutSeconds: target.connectTimeoutSeconds,
    neonEndpoint: target.neonEndpoint,
    caCertificate: caCertificate === null ? null : caCertificate.replaceAll('\r\n', '\n').trim(),
  })
}

const UNFILLED = refuse('credentials_missing', 'The password is a mask or a placeholder: replace it with the real one.')

function readLogin(text: string): { ok: true; user: string; password: string } | Refusal {
  const colon = text.indexOf(':')
  if (colon < 0) {
    return (
      refuseRaw(text, 'user name') ??
      refuse('credentials_missing', 'The password is missing: write user:password before the host.')
    )
  }
  if (isPlaceholderName(text.slice(0, colon))) {
    return refuse('credentials_missing', 'The user name is or contains a placeholder: replace it with the real one.')
  }
  const user = decodeComponent(text.slice(0, colon), 'user name')
  if (!user.ok) return user
  const raw = text.slice(colon + 1)
  if (isPlaceholderPassword(raw)) return UNFILLED
  const password = decodeComponent(raw, 'password')
  if (!password.ok) return password
  if (isPlaceholderPassword(password.text) || isPlaceholderLogin(user.text, password.text)) return UNFILLED
  if (user.text === '') return refuse('credentials_missing', 'The user name is missing.')
  if (password.text === '') return refuse('credentials_missing', 'The password is missing.')
  if (hidesText(user.text)) return refuse('credentials_refused', 'The user name contains an invisible character.')
  return { ok: true, user: user.text, password: password.text }
}

/** A database name may end in punctuation and is accepted, but usually that is a copying mistake. */
function adviseOnName(path: string): Advisory[] {
  const [last] = /[.,;)'!]$/.exec(path) ?? []
  if (last === undefined) return []
  const recommendation = `The database name ends with ${last}: if that was copied by mistake, remove it.`
  return [{ item: 'database', recommendation }]
}

function readDatabase(path: string): { ok: true; text: string } | Refusal {
  const name = decodeComponent(path.startsWith('/') ? path.slice(1) : path, 'database name')
  if (!name.ok) return name
  if (name.text === '') return refuse('database_missing', 'The database name is missing.')
  // libpq's tools read such a database name as a connection string of its own (CVE-2026-86862).
  if (name.text.includes('=') || /^postgres(?:ql)?:\/\//i.test(name.text)) {
    return refuse('database_refused', 'The database name has the form of a connection string.')
  }
  // URL parsers, and drivers that use them, drop such a segment and would connect to a different database.
  if (name.text.split('/').some(part => part === '.' || part === '..')) {
    return refuse('database_refused', 'The database name has a segment that is only . or ..')
  }
  if (new TextEncoder().encode(name.text).length > MAX_DATABASE_BYTES) {
    return refuse('database_refused', `The database name is longer than ${MAX_DATABASE_BYTES} bytes.`)
  }
  return hidesText(name.text) ? refuse('database_refused', 'The database name contains an invisible character.') : name
}

/**
 * Invisible characters (bidirectional controls, joiners, line and paragraph separators) make one name look like
 * another.
 */
function hidesText(text: string): boolean {
  return /[\p{Cf}\p{Zl}\p{Zp}]/u.test(text)
}
