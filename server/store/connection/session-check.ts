/**
 * Finds out how a way to our own database hands its connections out: for a session, as the server itself does, or for a
 * transaction or a statement, as a pooler may. Handed on, wakes would be heard by nobody, and settings would go to strangers.
 *
 * Asked when a process starts. It leaves nothing in the sessions that it sees: they may be another client's next.
 */
import pg from 'pg'
import { parseDatabaseUrl } from '#server/domain/network/database-url.ts'
import { OwnPlaces } from './own-places.ts'

const CONNECT_MS = 10_000
/** A pooler without a free connection says nothing for minutes. */
const CHECK_MS = 20_000
const ROUNDS = 3

/** For how long a connection stays with a client. */
export type HandedOut = 'session' | 'transaction' | 'statement'

/** Asks it. Throws what keeps it from connecting, and an error where a second connection is not had in time. */
export async function handedOut(url: string): Promise<HandedOut> {
  const places = new OwnPlaces(parseDatabaseUrl(url), Math.random)
  await using cleanup = new AsyncDisposableStack()
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(NO_SECOND)), CHECK_MS)
  cleanup.defer(() => clearTimeout(timer))
  return await Promise.race([look(cleanup, places), late])
}

const NO_SECOND = 'A pooler gave no second connection within 20 s: its pool must hold the connections of every process.'

/**
 * Two clients take turns and tell which of the server's processes answers. In a session each keeps its own; a pooler gives
 * what was given back last (another client's, within a transaction) or longest ago (another one each time).
 */
async function look(cleanup: AsyncDisposableStack, places: OwnPlaces): Promise<HandedOut> {
  const [mine, other] = [await connect(cleanup, places), await connect(cleanup, places)]
  for (let round = 0; round < ROUNDS; round += 1) {
    const pids = [await pidOf(mine), await pidOf(mine)]
    const isOpen = await begin(other)
    if (!isOpen) return 'statement'
    const held = await pidOf(other)
    // In a pool of one connection, the other client would wait for itself.
    const isShared = pids.includes(held)
    if (!isShared) pids.push(await pidOf(mine))
    await other.query('commit')
    if (isShared || new Set(pids).size > 1) return 'transaction'
  }
  return 'session'
}

async function pidOf(client: pg.Client): Promise<unknown> {
  const { rows } = await client.query('select pg_backend_pid() as pid')
  return rows[0]?.pid
}

/** False where the pooler takes no transaction (PgBouncer's `pool_mode = statement` ends the connection then). */
async function begin(client: pg.Client): Promise<boolean> {
  try {
    await client.query('begin')
    return true
  } catch (error) {
    if (error instanceof pg.DatabaseError && /transaction blocks? not allowed/i.test(error.message)) return false
    throw error
  }
}

async function connect(cleanup: AsyncDisposableStack, places: OwnPlaces): Promise<pg.Client> {
  for (let tries = 1; ; tries += 1) {
    const attempt = places.current()
    const client = new pg.Client({ ...places.options(attempt), connectionTimeoutMillis: CONNECT_MS })
    places.tried(client, attempt)
    // A break fails the statement in progress.
    client.on('error', () => undefined)
    try {
      await client.connect()
      cleanup.defer(() => void client.end().catch(() => undefined))
      return client
    } catch (error) {
      places.failed(client)
      if (tries >= places.size) throw error
    }
  }
}
