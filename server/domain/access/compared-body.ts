/**
 * The part of a request's body that decides whether a retry with the same idempotency key is the same request:
 * everything except passwords and signing keys. Otherwise anyone who knows the idempotency key could test guesses
 * against the first request, for free and without a dial; and anyone with our tables and the pepper could do so
 * offline. Called when an idempotency key is claimed.
 */
import type { Target } from '#shared/connection-string/connection-string.ts'

const STRINGS: ReadonlySet<string> = new Set(['connectionString', 'connection_string'])
const KEYS: ReadonlySet<string> = new Set(['signingKey'])

/**
 * The body as JSON, without its secrets; `target` is the parsed connection string, null if there is none. A box sealed
 * by its caller is omitted: no one can produce the same one again.
 */
export function comparedBody(body: unknown, target: Target | null): string {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return JSON.stringify(body ?? null)
  const displayed = (name: string, value: unknown): unknown => {
    if (KEYS.has(name)) return typeof value === 'string' ? [...value].slice(-4).join('') : null
    if (!STRINGS.has(name)) return value
    return target === null ? null : { ...target, password: null }
  }
  return JSON.stringify(Object.fromEntries(Object.entries(body).map(([name, value]) => [name, displayed(name, value)])))
}
