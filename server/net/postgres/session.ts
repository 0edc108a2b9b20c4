/**
 * The operations on an authenticated connection: our own statements, each in a read-only transaction under the server's
 * timeouts and ours, and an orderly close.
 *
 * It must never leave a transaction open between two calls, nor keep rows of a streamed query. Created by
 * `postgres.ts`.
 */
import { once } from 'node:events'
import pg from 'pg'
import { type Deadline, unlessAborted } from '#server/net/socket/deadline.ts'
import { SessionError } from '#server/net/socket/session-error.ts'
import type { FailureCode } from '#shared/faults/failure.ts'
import type { GatedStream } from './gated-stream.ts'
import { type Row, simpleQuery } from './simple-query.ts'
import { sessionError } from './sqlstate.ts'

/** A read-only session. Every function throws only `SessionError`. */
export interface Session {
  /**
   * Runs our statements in one message and one read-only transaction, so that nothing is held between two calls and a
   * transaction pooler works as well as a server. Returns the rows of each statement that has columns.
   */
  query(sql: string): Promise<Row[][]>
  /** As `query`, for one statement whose rows are not kept. Reading pauses while a promise from `onRow` is pending. */
  stream(sql: string, onRow: (row: Row) => void | Promise<void>): Promise<void>
  /** Closes the session within 250 ms, whatever the server does. Never throws. */
  close(): Promise<void>
}

const QUERY_MS = 10_000
const LOCK_MS = 1_000
/** The server's own timeout comes this much earlier, so that none of our statements keeps running after we leave. */
const AHEAD_MS = 200
const CLOSE_MS = 250

/** The reason why a session can no longer be used. */
export interface Breakage {
  /** The real cause, if the driver only says that it cannot continue. */
  behind(error: unknown): unknown
}

/**
 * Records the first error that breaks a session, which becomes the reason why later calls fail, and stops reading
 * immediately: after a wrong signature the same bytes may contain an Ok.
 */
export function watchBreakage(client: pg.Client, stream: GatedStream, unexplained: () => FailureCode): Breakage {
  let first: SessionError | null = null
  const take = (error: unknown) => {
    first ??= sessionError(error, 'query', unexplained())
    stream.destroy(first)
  }
  client.connection.on('error', take)
  // Without a listener this event would end the process.
  client.on('error', take)
  const telling = (error: unknown) => error instanceof SessionError || error instanceof pg.DatabaseError
  return { behind: error => (telling(error) ? error : (first ?? error)) }
}

/** The parts from which a session is made. */
interface OpenSession {
  readonly client: pg.Client
  readonly stream: GatedStream
  readonly deadline: Deadline
  readonly breakage: Breakage
}

/** Creates a session over a client that is logged in. */
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

/** Pauses reading until the promise of a row settles; a rejected one ends the session. */
function hold(stream: GatedStream, pending: void | Promise<void>): void {
  if (!(pending instanceof Promise)) return
  stream.pause()
  pending.then(
    () => stream.resume(),
    () => stream.destroy(new SessionError('connection_lost')),
  )
}

/**
 * Limits are set inside the transaction, since poolers refuse them as startup parameters. The search path comes first:
 * a database's owner can plant look-alike catalogs and operators (CVE-2018-1058).
 */
function inTransaction(sql: string, timeoutMs: number): string {
  return [
    'begin read only',
    'set local search_path = pg_catalog, pg_temp',
    // Each statement runs once: compiling it would take longer than running it, and the catalog's size could trigger
    // compilation.
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
    // It did not close in time, or broke: destroy it either way.
  } finally {
    clearTimeout(timer)
    stream.destroy()
  }
}
