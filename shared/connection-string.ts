/**
 * Text → target, by a strict parser of our own rules: a subset of what libpq accepts and never in disagreement with it.
 *
 * The server, the console and client-side sealing all use this one. It never echoes its input: a reason names the
 * offending parameter or character, not what stood around it.
 */
import type { Advisory } from './check.ts'

/** libpq's sslmode. A string without one is dialled as `require`. */
export type TlsMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full'

/** Where and as whom to log in: every honoured connection parameter. */
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
  /** Neon's endpoint id from `options=endpoint=…`, sent as the startup option; null elsewhere. */
  readonly neonEndpoint: string | null
}

/** What a parse gives: a target with advisories, or a reason that quotes nothing of the input. */
export type Parsed =
  | { readonly ok: true; readonly target: Target; readonly advisories: readonly Advisory[] }
  | { readonly ok: false; readonly code: string; readonly message: string }
