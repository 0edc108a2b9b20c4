/**
 * The part of a refused input that a validation error echoes. Secrets never are, and neither is anything that could be a piece
 * of one: a password that got into the wrong field must not come back in an answer, which ends up in logs and reports.
 */
import { parseConnectionString } from '#shared/connection-string/connection-string.ts'
import { valueAt } from './pydantic-issue.ts'

/** Fields that never are echoed, whatever stands in them. */
const SECRET = /connection_string|certificate/

/** A word: nothing that needs to be quoted, and too short for most of what is secret. */
const WORD = /^[A-Za-z0-9_|.-]{1,40}$/

interface Asked {
  readonly body: unknown
  readonly params: Readonly<Record<string, string>>
}

/**
 * The value at `loc` where it may be shown, else undefined: numbers, booleans and null always; a word where no connection
 * string is in the body, or where one is that was parsed, and shares nothing with its user, password and parameters.
 */
export function echoOf(loc: readonly (string | number)[], { body, params }: Asked): unknown {
  const [place, ...path] = loc
  if (path.length === 0 || SECRET.test(String(path[0]))) return undefined
  const value = place === 'path' ? params[String(path[0])] : place === 'body' ? valueAt(body, path) : undefined
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value
  if (typeof value !== 'string' || !WORD.test(value)) return undefined
  const secrets = secretsOf(body)
  const word = value.toLowerCase()
  return secrets?.every(secret => !secret.includes(word) && !word.includes(secret)) === true ? value : undefined
}

/** Every piece of the body's connection string that is nobody's to see, in lower case; null where it cannot be told apart. */
function secretsOf(body: unknown): string[] | null {
  if (typeof body !== 'object' || body === null) return []
  const text: unknown = Reflect.get(body, 'connection_string')
  // Under another name, or in another form, it is a connection string all the same.
  if (text === undefined) return Object.values(body).some(looksSecret) ? null : []
  const parsed = typeof text === 'string' ? parseConnectionString(text) : { ok: false as const }
  if (typeof text !== 'string' || !parsed.ok) return null
  const { user, password } = parsed.target
  const login = text.slice(text.indexOf('://') + 3, text.lastIndexOf('@'))
  const query = text.slice(text.lastIndexOf('@')).split('?')[1] ?? ''
  const values = query.split('&').flatMap(pair => pair.slice(pair.indexOf('=') + 1))
  const written = [...login.split(':'), ...values]
  return [user, password, ...written, ...written.map(decoded)]
    .filter(piece => piece !== '')
    .map(one => one.toLowerCase())
}

function looksSecret(value: unknown): boolean {
  return typeof value === 'string' && /:\/\/|=/.test(value)
}

/** Text that was parsed holds no escape that cannot be read. */
function decoded(text: string): string {
  return decodeURIComponent(text)
}
