/**
 * Watches one connection to our own database: every statement has a deadline on our side, after which the connection is
 * destroyed. The server's own deadlines do not help if the server has vanished silently.
 *
 * Called by the pool for each connection that it opens.
 */
import { Duplex } from 'node:stream'
import type pg from 'pg'
import { codeOf, isConnectionBroken, isContended, OutcomeUnknown } from './availability.ts'
import { type PreparedNames, preparedReads } from './prepared.ts'
import { LaneQuery, type Running, type Shapes } from './row-reader.ts'
import { type Observer, statementScope } from './statement.ts'

/** How a connection's statements are run. */
export interface Watching {
  /** The name under which a statement is prepared; null if a pooler shares sessions. */
  readonly nameOf: PreparedNames | null
  /** The deadline of a statement whose caller sets none; null for none. */
  readonly deadlineMs: number | null
  readonly observer: Observer
}

const READ_ONLY = '25006'

/** Listeners for a connection's events. */
export interface Heard {
  /** The server rejects writes as read-only, as a demoted primary does. */
  readonly onReadOnly: () => void
  /**
   * The session counts as lost: nothing in it is rolled back, and it must not be reused. Such an error can also arrive
   * on a live connection whose transaction is still open.
   */
  readonly onBroken: () => void
  /** The connection answered a statement. */
  readonly onAnswer: () => void
  /** A statement that began at `sinceMs` had no answer within its deadline. */
  readonly onSilence: (sinceMs: number) => void
}

/**
 * Makes the connection prepare and time its statements, and retry one once if the server aborted it in favour of
 * another.
 */
export function watchConnection(client: pg.PoolClient, watching: Watching & Heard): void {
  const query = client.query
  const ask = askerOf(client, watching.nameOf)
  let isInTransaction = false
  let isLost = false
  const run = async (text: string, values: readonly unknown[]): Promise<unknown> => {
    const sinceMs = performance.now()
    const onSilence = () => watching.onSilence(sinceMs)
    const of = { usualMs: watching.deadlineMs, onSilence }
    const send = () => withinDeadline(client, of, () => ask(text, values))
    const result: unknown = await watching.observer.statement(text, send)
    watching.onAnswer()
    if (text === 'begin' || text.startsWith('start transaction')) isInTransaction = true
    if (text === 'commit' || text === 'rollback') isInTransaction = false
    return result
  }
  Reflect.set(client, 'query', (text: unknown, values: unknown, ...rest: unknown[]) => {
    // A query with its own callback or object is not one of our statements.
    if (typeof text !== 'string' || rest.length > 0 || typeof values === 'function')
      return Reflect.apply(query, client, [text, values, ...rest])
    const given = Array.isArray(values) ? values : []
    // The server rolls a lost session back by itself; an error here would hide the one that lost it.
    if (isLost && text === 'rollback') return Promise.resolve({ command: 'ROLLBACK', rowCount: null, rows: [] })
    return run(text, given)
      .catch((error: unknown) => {
        if (isInTransaction || !isContended(error)) throw error
        return run(text, given)
      })
      .catch((error: unknown) => {
        if (codeOf(error) === READ_ONLY) watching.onReadOnly()
        if (isConnectionBroken(error)) {
          isLost = true
          watching.onBroken()
        }
        const mayBeDone = text === 'commit' || (!isInTransaction && isChange(text))
        throw isConnectionBroken(error) && mayBeDone ? new OutcomeUnknown(error) : error
      })
  })
}

/**
 * Runs statements with the driver, prepared if they have a name. Of a prepared read, the server describes the columns once
 * for each connection. Its result has the driver's form.
 */
function askerOf(client: pg.PoolClient, nameOf: PreparedNames | null) {
  const { query } = client
  const shapes: Shapes = new Map()
  const parserOf: Running['parserOf'] = oid => client.getTypeParser(oid, 'text')
  return async (text: string, values: readonly unknown[]): Promise<unknown> => {
    const name = values.length > 0 ? nameOf?.(text) : undefined
    if (name === undefined) return Reflect.apply(query, client, [text, values])
    if (!preparedReads.has(text)) return Reflect.apply(query, client, [{ name, text, values }])
    const rows = await new Promise<readonly unknown[]>((resolve, reject) => {
      const running = { shapes, parserOf, resolve, reject }
      Reflect.apply(query, client, [new LaneQuery({ name, text }, values, running)])
    })
    return { command: 'SELECT', rowCount: rows.length, rows }
  }
}

/** True for a standalone statement that changes something, directly or through one of our functions. */
function isChange(text: string): boolean {
  return /\b(insert|update|delete)\b|\b(register|stage|record|forget|make|drop)_\w{1,40}\(/i.test(text)
}

/**
 * Runs work on a connection and destroys the connection if the work exceeds the caller's deadline, or the default one.
 */
export async function withinDeadline<T>(
  client: pg.ClientBase,
  { usualMs, onSilence }: { usualMs: number | null; onSilence?: () => void },
  run: () => Promise<T>,
): Promise<T> {
  const deadlineMs = statementScope()?.deadlineMs ?? usualMs
  if (deadlineMs === null) return run()
  let isOver = false
  // Destroys the socket rather than ending the session: a silent server does not read a goodbye either. An answer that
  // arrived while this process was too busy to read it is still read first.
  const end = () => {
    if (isOver) return
    destroySocket(client)
    onSilence?.()
  }
  const timer = setTimeout(() => setImmediate(end), deadlineMs)
  try {
    return await run()
  } finally {
    isOver = true
    clearTimeout(timer)
  }
}

/** Destroys a connection: statements running on it fail with a lost connection. */
export function destroySocket(client: pg.ClientBase): void {
  socketOf(client)?.destroy()
}

/** The socket of a connection, a private field of the driver; null if the driver stores it elsewhere. */
export function socketOf(client: pg.ClientBase): Duplex | null {
  const stream: unknown = Reflect.get(Object(Reflect.get(client, 'connection')), 'stream')
  return stream instanceof Duplex ? stream : null
}
