/**
 * A pool of connections to our own database, of which any may break without ending the process. What a restart of the server
 * does to us is a statement that fails.
 */
import pg from 'pg'

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
