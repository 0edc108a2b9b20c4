/**
 * The login that a dial tried: the fix of a failure depends on it.
 */
import type { Provider } from './provider.ts'

/** Which login was tried, and what of its surroundings a fix depends on. No password. */
export interface TriedLogin {
  /** The role's name inside the database. */
  readonly login: string
  readonly user: string
  readonly database: string
  readonly host: string
  readonly port: number
  readonly provider: Provider
  /** The addresses from which this installation dials, as far as it knows them. */
  readonly egressAddresses: readonly string[]
  /** Whether the password is of ASCII alone. */
  readonly isPasswordAscii: boolean
  /** Whether the server is verified against a CA certificate that a caller named. */
  readonly isCaNamed: boolean
  /** Whether the link was encrypted. */
  readonly isEncrypted: boolean
  /** Whether the host was looked up, so that a refusal is one of its addresses. */
  readonly isResolved: boolean
  /** Whether the host has IPv6 addresses alone. */
  readonly isIpv6Only: boolean
}
