/**
 * The operations on an authenticated connection: our own statements, each in a read-only transaction under the
 * server's own timeouts and ours, and a goodbye.
 *
 * It must never leave a transaction open between two calls, nor keep rows that were to be streamed. Made by `postgres.ts`.
 */
import { once } from 'node:events'
import pg from 'pg'
import { type Deadline, unlessAborted } from '#server/net/socket/deadline.ts'
import { SessionError } from '#server/net/socket/session-error.ts'
import type { FailureCode } from '#shared/faults/failure.ts'
import type { GatedStream } from './gated-stream.ts'
import { type Row, simpleQuery } from './simple-query.ts'
import { sessionError } from './sqlstate.ts'

/** A session in which nothing can be written. Every function throws `SessionError` alone. */
export interface Session {
  /**
   * Runs our statements in one message and one read-only transaction of their own, so that nothing is held between
   * two calls and a transaction pooler is as good as a server. Gives the rows of each statement that has columns.
   */
  query(sql: string): Promise<Row[][]>
  /** As `query`, for one statement whose rows are not kept. While `onRow` has a promise pending, nothing more is read. */
  stream(sql: string, onRow: (row: Row) => void | Promise<void>): Promise<void>
  /** Says goodbye, and is done within 250 ms, whatever the server does. Never throws. */
  close(): Promise<void>
}

const QUERY_MS = 10_000
const LOCK_MS = 1_000
/** How much sooner the server's own timeout comes, so that none of our statements runs on after we leave. */
const AHEAD_MS = 200
const CLOSE_MS = 250

/** Why a session can go on no longer. */
export interface Breakage {
  /** The real cause, if the driver says only that it cannot continue. */
  behind(error: unknown): unknown
}

/**
 * Takes the first thing that breaks a session, which is the reason why whatever is called next fails, and stops reading
 * there and then: behind a wrong signature the same bytes may say Ok.
 */
export function watchBreakage(client: pg.Client, stream: GatedStream, unexplained: () => FailureCode): Breakage {
  let first: SessionError | null = null
  const take = (error: unknown) => {
    first ??= sessionError(error, 'query', unexplained())
    stream.destroy(first)
  }
  client.connection.on('error', take)
  // Without a listener of its own this event would end the process.
  client.on('error', take)
  const telling = (error: unknown) => error instanceof SessionError || error instanceof pg.DatabaseError
  return { behind: error => (telling(error) ? error : (first ?? error)) }
}

/** The parts of a session. */
interface OpenSession {
  readonly client: pg.Client
  readonly stream: GatedStream
  readonly deadline: Deadline
  readonly breakage: Breakage
}

/** A session over a client that is logged in. */
export function createSession({ client, stream, deadline, breakage }: OpenSession): Session {
  const run = (sql: string, sink: { onResult(): void; onRow(row: Row): void }) => {
    const timeoutMs = Math.min(QUERY_MS, deadline.remainingMs())
    deadline.phase('query_timeout', timeoutMs)
    const done = new Promise<void>((resolve, reject) => {
      client.query(
        simpleQuery(inTransaction(sql, Math.max(1, timeoutMs - AHEAD_MS)), {
          ...sink,
          onEnd: resolve,
          onError: reject,
        }),
      )
    })
    return unlessAborted(deadline.signal, done).catch(error => {
      throw sessionError(breakage.behind(error), 'query', 'connection_lost')
    })
  }
  return {
    async query(sql) {
      const results: Row[][] = []
      await run(sql, { onResult: () => results.push([]), onRow: row => results.at(-1)?.push(row) })
      return results
    },
    stream: (sql, onRow) => run(sql, { onResult: () => {}, onRow: row => hold(stream, onRow(row)) }),
    close: () => close(client, stream),
  }
}

/** Reads nothing more until the promise of a row is settled; a rejected one ends the session. */
function hold(stream: GatedStream, pending: void | Promise<void>): void {
  if (!(pending instanceof Promise)) return
  stream.pause()
  pending.then(
    () => stream.resume(),
    () => stream.destroy(new SessionError('connection_lost')),
  )
}

/**
 * Limits are set inside, since poolers refuse them as startup parameters, and first of all the search path: a database's
 * owner can plant look-alike catalogs and operators (CVE-2018-1058).
 */
function inTransaction(sql: string, timeoutMs: number): string {
  return [
    'begin read only',
    'set local search_path = pg_catalog, pg_temp',
    // Each statement is run once: to compile it takes longer than to run it, and is chosen by the size of the catalog.
    'set local jit = off',
    `set local statement_timeout = ${timeoutMs}`,
    `set local lock_timeout = ${LOCK_MS}`,
    `set local idle_in_transaction_session_timeout = ${QUERY_MS}`,
    sql.trim().replace(/;$/, ''),
    'commit',
  ].join(';\n')
}

async function close(client: pg.Client, stream: GatedStream): Promise<void> {
  const timeout = new AbortController()
  const timer = setTimeout(() => timeout.abort(), CLOSE_MS)
  try {
    if (!stream.destroyed) {
      const closed = once(stream, 'close', { signal: timeout.signal })
      client.end(() => {})
      await closed
    }
  } catch {
    // It was not closed in time, or broke: it is destroyed all the same.
  } finally {
    clearTimeout(timer)
    stream.destroy()
  }
}
