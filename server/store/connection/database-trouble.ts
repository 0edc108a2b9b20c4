/**
 * Turns an error of our own database into one sentence for an operator. It begins with the setting that holds the
 * address, says what is wrong and how to fix it, and never contains a password, a host or a user. The entries and the
 * command line call it.
 */
import { DatabaseUrlError } from '#server/domain/network/database-url.ts'

import { errorCode, errorMessage, innerErrors } from '#shared/base/error-text.ts'
import { NoConnection } from './availability.ts'

/** The setting or option that locates one of our own databases. */
export type DatabaseSetting = 'DATABASE_URL' | 'MOORING_LISTEN_URL' | MoveSetting | `DATABASE_URL or ${MoveSetting}`

type MoveSetting = '--to' | 'MOORING_MOVE_TO'

/** An error of our own database, as one sentence. */
export class DatabaseTrouble extends Error {
  constructor(setting: DatabaseSetting, message: string, cause: unknown) {
    super(`${setting}: ${message}`, { cause })
    this.name = 'DatabaseTrouble'
  }
}

/** Runs work that concerns only our own database. Replaces every error with a sentence that begins with the setting. */
export async function aboutDatabase<T>(setting: DatabaseSetting, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Error && error.message.startsWith(setting)) throw error
    throw databaseTrouble(setting, error) ?? new DatabaseTrouble(setting, errorMessage(error), error)
  }
}

/** The sentence for an error of our own database; null for any other error. */
export function databaseTrouble(setting: DatabaseSetting, error: unknown): DatabaseTrouble | null {
  if (!(error instanceof Error) || error instanceof DatabaseTrouble) return null
  if (error instanceof DatabaseUrlError) {
    const message = error.parameter === null ? `it must be ${error.must}.` : `${error.parameter} must be ${error.must}.`
    return new DatabaseTrouble(setting, message, error)
  }
  const cause = rootOf(error)
  const known = BY_CODE[errorCode(cause) ?? ''] ?? BY_TEXT.find(([pattern]) => pattern.test(cause.message))?.[1]
  const code = errorCode(cause)
  const coded = code === null ? '' : ` (${code})`
  if (known !== undefined && isOfDriver(error, cause))
    return new DatabaseTrouble(setting, `${known.join('; ')}${coded}.`, error)
  if (!(error instanceof NoConnection) && !isOfServer(cause)) return null
  return new DatabaseTrouble(setting, `${errorMessage(cause)}${coded}.`, error)
}

/** A refused connection to a host name with several addresses is an aggregate error. */
function rootOf(error: Error): Error {
  const inner = error instanceof NoConnection ? error.cause : innerErrors(error)[0]
  return inner instanceof Error ? rootOf(inner) : error
}

/** True for an error of a socket or a session; an error of a file has a path. */
function isOfDriver(error: Error, cause: Error): boolean {
  if (error instanceof NoConnection || isOfServer(cause)) return true
  const call: unknown = Reflect.get(cause, 'syscall')
  return call === undefined || call === 'connect' || call === 'getaddrinfo' || call === 'read' || call === 'write'
}

/** True for an error with a SQLSTATE and a PostgreSQL severity. */
function isOfServer(error: Error): boolean {
  return typeof Reflect.get(error, 'severity') === 'string' && /^[0-9A-Z]{5}$/.test(errorCode(error) ?? '')
}

type Known = readonly [wrong: string, remedy: string]

const NAME: Known = ["the host's name cannot be resolved", 'check its spelling, and the DNS of this machine']
const ROUTE: Known = ['there is no route to the host', 'check the host, and the network of this machine']
const SILENT: Known = ['the server does not answer in time', 'check the host, the port and the firewall']
const BROKEN: Known = ['the server closed the connection', "look at the server's log"]
const CLOSING: Known = ['the server is starting up or shutting down', 'try again when it is running']
const NO_TLS: Known = ['the server does not offer TLS', 'enable ssl on the server, or set sslmode=prefer']
const UNTRUSTED: Known = [
  "no trusted authority issued the server's certificate",
  "name the authority's file in sslrootcert",
]
const RIGHTS: Known = [
  'the role lacks a privilege',
  'as the owner of the database run: mooring db grant --web ROLE --worker ROLE --apply',
]

/** Sentences by SQLSTATE or system error code. */
const BY_CODE: Readonly<Record<string, Known>> = {
  ENOTFOUND: NAME,
  EAI_AGAIN: NAME,
  ECONNREFUSED: ['nothing listens at its host and port', 'start PostgreSQL, or correct them'],
  ENOENT: ['there is no socket of a server in its folder', 'start PostgreSQL, or correct the folder'],
  EHOSTUNREACH: ROUTE,
  ENETUNREACH: ROUTE,
  EHOSTDOWN: ROUTE,
  ETIMEDOUT: SILENT,
  ECONNRESET: BROKEN,
  EPIPE: BROKEN,
  '28P01': [
    'the server refuses the user or password',
    'check both; in a URL, characters other than letters and digits are written as %XX',
  ],
  '28000': ['the server rejects this role, database or client address', 'check the user, and pg_hba.conf'],
  '3D000': ['the server has no database with that name', 'create it, or correct the name'],
  '42501': RIGHTS,
  '53100': ["the server's disk is full", 'free some space'],
  '53300': ['the server has no connection left', 'raise max_connections, or lower MOORING_POOL_SIZE'],
  '57P01': CLOSING,
  '57P02': CLOSING,
  '57P03': CLOSING,
  '25006': ['the server accepts no writes', 'name the primary, or all hosts with target_session_attrs=read-write'],
  CERT_HAS_EXPIRED: ["the server's certificate has expired", 'renew it'],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    "the server's certificate is for another name",
    'use a name in it, or sslmode=verify-ca',
  ],
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
}

/** Sentences by the driver's message, since the driver has no codes. */
const BY_TEXT: readonly (readonly [RegExp, Known])[] = [
  [/timeout expired|timeout exceeded|due to connection timeout|within the time/, SILENT],
  [/does not support SSL/, NO_TLS],
  [/^Connection terminated|socket disconnected before secure/, BROKEN],
  [/password must be a/, ['the server asks for a password, and none is given', 'give one, as user:password@host']],
  [
    /is not (?:read-write|primary), as target_session_attrs/,
    ['no host accepts writes', 'name the primary among its hosts'],
  ],
]
