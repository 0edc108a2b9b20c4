/**
 * The meaning of an error of our own database for a caller: that it is away for now, or that nobody knows whether a statement was
 * done. Everything else is a bug of Mooring.
 *
 * It reads SQLSTATE and the driver's errors and knows nothing of HTTP. Called by the callers' tier, where an error becomes a
 * fault, and by the transactions, which repeat what the server gave up.
 */

/** Thrown where no connection was had within its time, whatever kept it. */
export class NoConnection extends Error {
  constructor(cause: unknown) {
    super('no connection to our own database within the time', { cause })
    this.name = 'NoConnection'
  }
}

/** Thrown where a connection was lost while something that writes was under way: it may have been done. */
export class OutcomeUnknown extends Error {
  constructor(cause: unknown) {
    super('the connection was lost while a change was under way', { cause })
    this.name = 'OutcomeUnknown'
  }
}

/** Thrown where an organization has as many connections under way as it may, and none came free in time. */
export class OrganizationBusy extends Error {
  constructor() {
    super('the organization has as many statements under way as it may have')
    this.name = 'OrganizationBusy'
  }
}

/**
 * SQLSTATE of a database that is away for now: its connections (08), shut down or starting (57P01 to 57P03), full of
 * connections (53300) or without disk (53100), read-only (25006), and our own deadlines: of a lock (55P03), of a
 * statement (57014), of an idle transaction (25P03, 25P04).
 */
const AWAY: ReadonlySet<string> = new Set([
  ...['57P01', '57P02', '57P03', '53300', '53100', '25006'],
  ...['55P03', '57014', '25P03', '25P04'],
])

/** SQLSTATE of a transaction that the server gave up in favour of another one: it may succeed when it is repeated. */
const CONTENDED: ReadonlySet<string> = new Set(['40001', '40P01'])

/** Codes of the system for a connection that breaks or cannot be made. */
const BROKEN: ReadonlySet<string> = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN'],
  ...['ENOTFOUND', 'EAI_AGAIN', 'ENOENT'],
])

/** SQLSTATE, or the system's code, of an error; empty where it has none. */
export function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
  return typeof code === 'string' ? code : ''
}

/** True where the server gave a transaction up: repeat it once. */
export function isContended(error: unknown): boolean {
  return CONTENDED.has(codeOf(error))
}

/** True where the connection itself broke: the driver has no code for it, only this text. */
export function isConnectionBroken(error: unknown): boolean {
  const code = codeOf(error)
  if (BROKEN.has(code) || code.startsWith('08') || code === '57P01' || code === '57P02') return true
  return (
    error instanceof Error &&
    code === '' &&
    /^(Connection terminated|Client was closed|Client has encountered a connection error)/.test(error.message)
  )
}

/** True where our own database is away for now, and asking again later can help. */
export function isAway(error: unknown): boolean {
  if (error instanceof NoConnection || error instanceof OutcomeUnknown) return true
  const code = codeOf(error)
  return isConnectionBroken(error) || AWAY.has(code) || CONTENDED.has(code)
}
