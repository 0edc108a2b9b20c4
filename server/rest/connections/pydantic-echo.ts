/**
 * The part of a rejected input that a validation error echoes. It never echoes secrets, nor anything that could be part
 * of one: a password in the wrong field must not come back in an answer, which ends up in logs and reports.
 */
import { parseConnectionString } from '#shared/connection-string/connection-string.ts'
import { valueAt } from './pydantic-issue.ts'

/** Fields that are never echoed, whatever their content. */
const SECRET = /connection_string|certificate/

/** A word: it needs no quotes, and is too short for most secrets. */
const WORD = /^[A-Za-z0-9_|.-]{1,40}$/

interface Asked {
  readonly body: unknown
  readonly params: Readonly<Record<string, string>>
}

/**
 * The value at `loc` if it may be shown, else undefined: numbers, booleans and null always; a word if the body contains
 * no connection string, or a parsed one whose user, password and parameters it does not overlap.
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

/** Every confidential part of the body's connection string, in lower case; null if the parts cannot be determined. */
function secretsOf(body: unknown): string[] | null {
  if (typeof body !== 'object' || body === null) return []
  const text: unknown = Reflect.get(body, 'connection_string')
  // It may be a connection string even under another name, or in another form.
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

/** A parsed text contains no undecodable escapes. */
function decoded(text: string): string {
  return decodeURIComponent(text)
}
