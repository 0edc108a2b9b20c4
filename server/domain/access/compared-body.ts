/**
 * The part of a request's body that decides whether a repeat under its idempotency key is the same request: everything but passwords and signing
 * keys. Anyone who knows the idempotency key could otherwise try guesses against the first request, at no cost and without a dial; and
 * whoever reads our tables and holds the pepper, offline. Called where such a key is claimed.
 */
import type { Target } from '#shared/connection-string/connection-string.ts'

const STRINGS: ReadonlySet<string> = new Set(['connectionString', 'connection_string'])
const KEYS: ReadonlySet<string> = new Set(['signingKey'])

/** The body as JSON, without what is secret in it; `target` is what its connection string says, null where it has none. A box that its caller sealed is none: nobody makes the same one again. */
export function comparedBody(body: unknown, target: Target | null): string {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return JSON.stringify(body ?? null)
  const displayed = (name: string, value: unknown): unknown => {
    if (KEYS.has(name)) return typeof value === 'string' ? [...value].slice(-4).join('') : null
    if (!STRINGS.has(name)) return value
    return target === null ? null : { ...target, password: null }
  }
  return JSON.stringify(Object.fromEntries(Object.entries(body).map(([name, value]) => [name, displayed(name, value)])))
}
