/**
 * Text → target, by a strict parser of our own rules: a subset of what libpq accepts and never in disagreement with it.
 *
 * The server, the console and client-side sealing all use this one. It never echoes its input: a reason names the
 * offending parameter or character, not what stood around it.
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
import { refuseStray } from './stray-characters.ts'
import type { TlsMode } from './tls-parameters.ts'
import { decodeComponent, MAX_CONNECTION_STRING, refuseRaw, refuseText } from './uri-text.ts'

/** The place and role of a login: every honoured connection parameter. */
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
  /** Neon's endpoint id from `options=endpoint=…`, sent as the startup option; null for every host but Neon's. */
  readonly neonEndpoint: string | null
}

/** A parsed connection string: a target, advice, and the schema that its parameters name (null where none do). */
export interface ParsedString {
  readonly ok: true
  readonly target: Target
  readonly advisories: readonly Advisory[]
  readonly schema: string | null
}

/** The parsed string, or a refusal that quotes nothing of the input. */
export type Parsed = ParsedString | Refusal

const DEFAULT_PORT = 5432
/** NAMEDATALEN − 1: servers before 17 cut a longer name short, and would log in to another database. */
const MAX_DATABASE_BYTES = 63

/**
 * Parses `postgres://user:password@host[:port]/database[?parameters]`, at most 8192 characters.
 *
 * User, password, host and database have to be there: what is missing a driver would fill in from the environment or
 * the files of the machine that dials. Everything that names another host, a socket, a file, a service or settings of
 * the server is refused by name. Never throws. The grammar is RFC 3986's, the meanings are libpq's (§33.1.1.2).
 */
export function parseConnectionString(text: string): Parsed {
  const parsed = parseStrictly(text)
  return parsed.ok ? parsed : (refuseSeveral(text) ?? parsed)
}

function parseStrictly(text: string): Parsed {
  const isRead = text.length <= MAX_CONNECTION_STRING
  const unreadable = (isRead ? refuseStray(text) : null) ?? refuseText(text, MAX_CONNECTION_STRING)
  if (unreadable !== null) return unreadable
  const [scheme] = /^postgres(?:ql)?:\/\//i.exec(text) ?? []
  if (scheme === undefined) return refuseWide(text) ?? refuseForeign(text)
  const rest = text.slice(scheme.length)
  // The last @, wherever it is: when it is not the one that ends the login, then something before it stands unencoded,
  // and reading the login finds out what. Whatever is read as host or parameter can then be no piece of a password.
  const at = rest.lastIndexOf('@')
  if (at < 0) return refuseWide(rest) ?? refuseWithoutLogin(rest)
  const login = readLogin(rest.slice(0, at))
  if (!login.ok) return misplacedAt(rest) ?? refuseWide(rest) ?? login
  return readBehindLogin(rest.slice(at + 1), login)
}

/** Host, database and parameters. Only the reason of a refusal is looked for once more: what can be read is taken as it stands. */
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

/** Placeholders where the host, the port or the database belongs. */
function refuseUnfilled(authority: string, path: string): Refusal | null {
  const [host = '', port = ''] = authority.split(':')
  const say = (what: string) => `The ${what} is a placeholder, or holds one: put the real one there.`
  if (isPlaceholderName(host) || /^(?:host|hostname)$/i.test(host)) return refuse('host_missing', say('host'))
  if (isPlaceholderName(port) || /^port$/i.test(port)) return refuse('port_malformed', say('port'))
  return isPlaceholderName(path.slice(1)) ? refuse('database_missing', say('database name')) : null
}

/**
 * An @ behind the place of a login that is complete: it belongs to the parameters or the database name, though the last one of all
 * is taken for the end of the login. Only the reason is chosen so; nothing is read by it.
 */
function misplacedAt(rest: string): Refusal | null {
  const [, login = '', query = ''] =
    /^([^@/?#]+)@[A-Za-z0-9_.-]+\.[A-Za-z0-9_-]+(?::[0-9]{1,5})?\/[^@/?#]+\?(.*)$/s.exec(rest) ?? []
  if (!readLogin(login).ok || !/^[A-Za-z_]{1,40}=/.test(query) || !query.includes('@')) return null
  return refuse('character_unencoded', 'A parameter holds @ as it is: encode @ as %40.')
}

/** Host and port, the path with its slash, and what stands behind the first question mark. Each is found by one look. */
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
 * The canonical text of everything that is honoured, for fingerprints: JSON with a fixed order of keys. Two strings that
 * mean the same login give the same text. It holds the password: it is hashed or sealed, never stored or logged.
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

const UNFILLED = refuse('credentials_missing', 'The password is a mask or a placeholder: put the real one there.')

function readLogin(text: string): { ok: true; user: string; password: string } | Refusal {
  const colon = text.indexOf(':')
  if (colon < 0) {
    return (
      refuseRaw(text, 'user name') ??
      refuse('credentials_missing', 'The password is missing: write user:password before the host.')
    )
  }
  if (isPlaceholderName(text.slice(0, colon))) {
    return refuse('credentials_missing', 'The user name is a placeholder, or holds one: put the real one there.')
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
  if (hidesText(user.text)) return refuse('credentials_refused', 'The user name holds an invisible character.')
  return { ok: true, user: user.text, password: password.text }
}

/** A name may end so, and is taken; it hardly ever does. */
function adviseOnName(path: string): Advisory[] {
  const [last] = /[.,;)'!]$/.exec(path) ?? []
  if (last === undefined) return []
  const recommendation = `The database name ends with ${last}: where that came along when it was copied, remove it.`
  return [{ item: 'database', recommendation }]
}

function readDatabase(path: string): { ok: true; text: string } | Refusal {
  const name = decodeComponent(path.startsWith('/') ? path.slice(1) : path, 'database name')
  if (!name.ok) return name
  if (name.text === '') return refuse('database_missing', 'The database name is missing.')
  // libpq's tools read a database name of such a form as a whole connection string of its own (CVE-2026-86862).
  if (name.text.includes('=') || /^postgres(?:ql)?:\/\//i.test(name.text)) {
    return refuse('database_refused', 'The database name has the form of a connection string.')
  }
  // URL parsers, and drivers with them, leave such a part out: another database would be meant.
  if (name.text.split('/').some(part => part === '.' || part === '..')) {
    return refuse('database_refused', 'The database name has a part that is . or .. alone.')
  }
  if (new TextEncoder().encode(name.text).length > MAX_DATABASE_BYTES) {
    return refuse('database_refused', `The database name is longer than ${MAX_DATABASE_BYTES} bytes.`)
  }
  return hidesText(name.text) ? refuse('database_refused', 'The database name holds an invisible character.') : name
}

/** Invisible characters let one name be shown as another: directions, joiners, line and paragraph separators. */
function hidesText(text: string): boolean {
  return /[\p{Cf}\p{Zl}\p{Zp}]/u.test(text)
}
