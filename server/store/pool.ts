/**
 * A pool of connections to our own database, of which any may break without ending the process. What a restart of the server
 * does to us is a statement that fails.
 */
import type { PostgresPool } from 'kysely'
import pg from 'pg'

const END_MS = 1_000

/**
 * Opens a pool. `onError` hears of every connection that breaks, in use or not: the driver emits it on the connection, and
 * without a listener Node ends the process, in the middle of somebody else's request. The statement under way fails by itself.
 */
export function openPool(options: pg.PoolConfig, onError: (error: Error) => void): pg.Pool {
  const pool = new pg.Pool(options)
  pool.on('connect', client => client.on('error', onError))
  // Emitted for idle connections alone, after the connection's own.
  pool.on('error', () => undefined)
  return pool
}

/**
 * The pool as Kysely takes it, whose end is that of its connections, within a second: the driver's own comes before they are
 * gone, and a server or database that is stopped or dropped next would break them.
 */
export function untilGone(pool: pg.Pool): PostgresPool {
  return {
    options: pool.options,
    connect: () => pool.connect(),
    async end() {
      const { promise: gone, resolve } = Promise.withResolvers<void>()
      let left = pool.totalCount
      pool.on('remove', () => --left === 0 && resolve())
      await pool.end()
      if (left <= 0) return
      const timer = setTimeout(resolve, END_MS)
      await gone
      clearTimeout(timer)
    },
  }
}
