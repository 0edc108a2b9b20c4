/**
 * The login that a dial tried, on which the
 * fix of a failure depends.
 */
import type { Provider } from './provider.ts'

/** The tried login and those of its circumstances that a fix depends on, without the password. */
export interface TriedLogin {
  /** The role's name inside the database. */
  readonly login: string
  readonly user: string
  readonly database: string
  readonly host: string
  readonly port: number
  readonly provider: Provider
  /** The configured addresses from which this installation dials. */
  readonly egressAddresses: readonly string[]
  /** True if the password is pure ASCII. */
  readonly isPasswordAscii: boolean
  /** True if the server is verified against a CA certificate supplied by a caller. */
  readonly isCaNamed: boolean
  /** True if the link was encrypted. */
  readonly isEncrypted: boolean
  /** True if the host was looked up, so that a refusal concerns one of its addresses. */
  readonly isResolved: boolean
  /** True if the host has only IPv6 addresses. */
  readonly isIpv6Only: boolean
}
