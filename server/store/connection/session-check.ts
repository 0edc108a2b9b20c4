/**
 * Detects how connections to our own database are assigned: per session, as the server itself does, or per transaction
 * or statement, as a pooler may. In the latter cases notifications would be lost, and settings would apply to
 * strangers.
 *
 * Runs when a process starts. It leaves nothing in the sessions that it uses: another client may get them next.
 */
import pg from 'pg'
import { parseDatabaseUrl } from '#server/domain/network/database-url.ts'
import { OwnPlaces } from './database-addresses.ts'

const CONNECT_MS = 10_000
/** A pooler without a free connection may stay silent for minutes. */
const CHECK_MS = 20_000
const ROUNDS = 3
/** A session's own connection answers far sooner. */
const SOON_MS = 1_000

/** The unit for which a client keeps a server connection. */
export type HandedOut = 'session' | 'transaction' | 'statement'

/** Detects the unit. Throws if it cannot connect, or if it gets no second connection in time. */
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
 * Two clients alternate and compare the server processes that answer. With sessions, each keeps its own; a pooler hands
 * out the connection that was released last (another client's, within a transaction) or longest ago (a different one
 * each time).
 */
async function look(cleanup: AsyncDisposableStack, places: OwnPlaces): Promise<HandedOut> {
  const [mine, other] = [await connect(cleanup, places), await connect(cleanup, places)]
  let waits = 0
  for (let round = 0; round < ROUNDS + waits; round += 1) {
    const pids = [await pidOf(mine), await pidOf(mine)]
    const isOpen = await begin(other)
    if (!isOpen) return 'statement'
    const held = await pidOf(other)
    // In a pool of one connection, the other client would wait for itself.
    const isShared = pids.includes(held)
    const answer = isShared ? null : pidOf(mine)
    // Awaited below, unless the commit fails before.
    answer?.catch(() => undefined)
    const isAnswered = answer === null || (await isSettledSoon(answer))
    await other.query('commit')
    if (answer !== null) pids.push(await answer)
    // Once, the server itself may be slow.
    if (!isAnswered) waits += 1
    if (isShared || waits > 1 || new Set(pids).size > 1) return 'transaction'
  }
  return 'session'
}

/**
 * Whether an answer arrives while the transaction is open. With sessions it does. Processes that start together
 * through a small pool may hold all its connections in such transactions, and would wait for each other for ever.
 */
async function isSettledSoon(answer: Promise<unknown>): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<false>()
  const timer = setTimeout(() => resolve(false), SOON_MS)
  try {
    return await Promise.race([answer.then(() => true), promise])
  } finally {
    clearTimeout(timer)
  }
}

async function pidOf(client: pg.Client): Promise<unknown> {
  const { rows } = await client.query('select pg_backend_pid() as pid')
  return rows[0]?.pid
}

/** False if the pooler rejects transactions (PgBouncer's `pool_mode = statement` then closes the connection). */
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
