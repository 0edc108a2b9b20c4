/**
 * The parts of a typed connection string without its password. The server and the sealing use the same parser, so the
 * console always agrees with them. No field of a reading is secret.
 */
import { parseConnectionString } from '#shared/connection-string/connection-string.ts'
import type { TlsMode } from '#shared/connection-string/tls-parameters.ts'
import type { RefusalCode } from '#shared/faults/refusal.ts'
import { encoded } from './percent-encoding.ts'

/** Nothing typed yet, a mistake, or the place that the string leads to. */
export type StringReading =
  | { readonly state: 'empty' }
  | { readonly state: 'wrong'; readonly code: RefusalCode; readonly message: string; readonly canEncode: boolean }
  | {
      readonly state: 'read'
      readonly host: string
      readonly port: number
      readonly database: string
      readonly user: string
      readonly tlsMode: TlsMode
      readonly schema: string | null
      readonly suspicions: readonly string[]
    }

/** Parses a typed string. */
export function readingOf(text: string): StringReading {
  if (text === '') return { state: 'empty' }
  const parsed = parseConnectionString(text)
  if (!parsed.ok)
    return { state: 'wrong', code: parsed.code, message: parsed.message, canEncode: encoded(text) !== null }
  const { host, port, database, user, tlsMode } = parsed.target
  const suspicions = [...parsed.advisories.map(({ recommendation }) => recommendation), ...suspicionsOf(parsed.target)]
  return { state: 'read', host, port, database, user, tlsMode, schema: parsed.schema, suspicions }
}

/** Returns warnings about properties that are valid but that the check is likely to refuse. */
function suspicionsOf({ host, user }: { host: string; user: string }): string[] {
  const found: string[] = []
  if (/^(localhost|127\.|::1|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/.test(host))
    found.push('The host is in a private network or on this machine: an installation elsewhere cannot reach it.')
  if (/^(postgres|root|admin|rdsadmin|supabase_admin|cloudsqladmin)$/.test(user))
    found.push(`${user} is usually an administrator. The check refuses roles that bypass row security.`)
  return found
}
