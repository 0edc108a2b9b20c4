/**
 * Prepares the parametrized statements of a pool's clients: ours are few and run over and over, and reading and planning one
 * costs the server more than running it. Called where the pool is opened.
 *
 * It must never name a statement after its values, nor prepare without bound. Statements belong to a session, as our wakes
 * (`listen`) do: a pooler between us and our own database has to pool sessions.
 */
import type pg from 'pg'

/** So many are prepared in each connection at most; what is written beyond them is planned each time. */
export const MAX_PREPARED = 500

/** From now on each new connection of the pool prepares a statement at its first use. */
export function prepareStatements(pool: pg.Pool): void {
  const names = new Map<string, string>()
  const nameOf = (text: string): string | undefined => {
    const known = names.get(text)
    if (known !== undefined || names.size >= MAX_PREPARED) return known
    const name = `mooring_${names.size}`
    names.set(text, name)
    return name
  }
  pool.on('connect', client => {
    const query = client.query
    Reflect.set(client, 'query', (text: unknown, values: unknown, ...rest: unknown[]) => {
      const isOurs = typeof text === 'string' && Array.isArray(values) && values.length > 0
      const named = isOurs ? { name: nameOf(text), text, values } : text
      return Reflect.apply(query, client, isOurs ? [named, ...rest] : [named, values, ...rest])
    })
  })
}
