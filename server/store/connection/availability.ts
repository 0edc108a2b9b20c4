/**
 * Classifies an error of our own database for a caller: the database is temporarily unavailable, or the outcome of a
 * statement is unknown. Any other error is a bug in Mooring.
 *
 * It reads SQLSTATEs and driver errors and knows nothing of HTTP. The API calls it to turn an error into a fault, and
 * transactions call it to retry after a serialization failure or a deadlock.
 */

/** Thrown if no connection was obtained in time, for whatever reason. */
export class NoConnection extends Error {
  constructor(cause: unknown) {
    super('no connection to our own database within the time', { cause })
    this.name = 'NoConnection'
  }
}

/** Thrown if a connection was lost during a write: the write may have been committed. */
export class OutcomeUnknown extends Error {
  constructor(cause: unknown) {
    super('the connection was lost while a change was under way', { cause })
    this.name = 'OutcomeUnknown'
  }
}

/** Thrown if an organization uses all the connections it may have, and none became free in time. */
export class OrganizationBusy extends Error {
  constructor() {
    super('the organization has reached its limit of concurrent statements')
    this.name = 'OrganizationBusy'
  }
}

/**
 * SQLSTATEs of a temporarily unavailable database: connection errors (08), shutdown or startup (57P01 to 57P03), too
 * many connections (53300), disk full (53100), read-only (25006), and our own deadlines: of a lock (55P03), of a
 * statement (57014), of an idle transaction (25P03, 25P04).
 */
const AWAY: ReadonlySet<string> = new Set([
  ...['57P01', '57P02', '57P03', '53300', '53100', '25006'],
  ...['55P03', '57014', '25P03', '25P04'],
])

/** SQLSTATEs of a transaction that the server aborted in favour of another one: a retry may succeed. */
const CONTENDED: ReadonlySet<string> = new Set(['40001', '40P01'])

/** System error codes of a connection that breaks or cannot be opened. */
const BROKEN: ReadonlySet<string> = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN'],
  ...['ENOTFOUND', 'EAI_AGAIN', 'ENOENT'],
])

/** The SQLSTATE or system error code of an error; empty if it has none. */
export function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
  return typeof code === 'string' ? code : ''
}

/** True if the server aborted the transaction in favour of another one: retry it once. */
export function isContended(error: unknown): boolean {
  return CONTENDED.has(codeOf(error))
}

/** True if the connection itself broke: the driver has no code for this, only a text. */
export function isConnectionBroken(error: unknown): boolean {
  const code = codeOf(error)
  if (BROKEN.has(code) || code.startsWith('08') || code === '57P01' || code === '57P02') return true
  return (
    error instanceof Error &&
    code === '' &&
    /^(Connection terminated|Client was closed|Client has encountered a connection error)/.test(error.message)
  )
}

/** True if our own database is temporarily unavailable and a later retry can succeed. */
export function isAway(error: unknown): boolean {
  if (error instanceof NoConnection || error instanceof OutcomeUnknown) return true
  const code = codeOf(error)
  return isConnectionBroken(error) || AWAY.has(code) || CONTENDED.has(code)
}
