/**
 * One connection to our own database, watched: every statement has a deadline on our side, after which the connection is
 * thrown away. The server's own deadlines do not reach us when it has vanished without a word.
 *
 * Called by the pool for each connection that it opens.
 */
import { Duplex } from 'node:stream'
import type pg from 'pg'
import type { Meter } from '#server/metrics/meter.ts'
import { codeOf, isConnectionBroken, isContended, OutcomeUnknown } from './availability.ts'
import { observedStatement } from './observed-statement.ts'
import { statementScope } from './statement-scope.ts'

/** How a connection's statements are run. */
export interface Watching {
  /** The name under which a statement is prepared; null where sessions are not ours to keep. */
  readonly nameOf: ((text: string) => string | undefined) | null
  /** The deadline of a statement where its caller has none of its own; null for none. */
  readonly deadlineMs: number | null
  /** Counts statements; left out where nobody reads the counts. */
  readonly meter?: Meter
}

const READ_ONLY = '25006'

/** The listeners of a connection's events. */
export interface Heard {
  /** The server refuses a change since it is read-only, as one that was demoted does. */
  readonly onReadOnly: () => void
  /**
   * Its session counts as lost, and nothing is rolled back in it any more: it must not be used again. An error that says so can
   * also come over a connection that lives, with its transaction left open.
   */
  readonly onBroken: () => void
  /** It has answered a statement. */
  readonly onAnswer: () => void
  /** A statement that began then had no answer within its deadline. */
  readonly onSilence: (sinceMs: number) => void
}

/** From now on the connection's statements are prepared, timed, and repeated once where the server gave one up. */
export function watchConnection(client: pg.PoolClient, watching: Watching & Heard): void {
  const query = client.query
  let isInTransaction = false
  let isLost = false
  const run = async (text: string, values: readonly unknown[]): Promise<unknown> => {
    const name = values.length > 0 ? watching.nameOf?.(text) : undefined
    const asked = name === undefined ? [text, values] : [{ name, text, values }]
    const sinceMs = performance.now()
    const onSilence = () => watching.onSilence(sinceMs)
    const of = { usualMs: watching.deadlineMs, onSilence }
    const send = () => withinDeadline(client, of, async () => Reflect.apply(query, client, asked))
    const result: unknown = await observedStatement(watching.meter, text, send)
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

/** A statement that stands alone and changes something, if it was done: by itself, or by one of our functions. */
function isChange(text: string): boolean {
  return /\b(insert|update|delete)\b|\b(register|record|forget|make|drop)_\w{1,40}\(/i.test(text)
}

/** Runs something on a connection, which is thrown away where it takes longer than the caller's deadline, or the usual one. */
export async function withinDeadline<T>(
  client: pg.ClientBase,
  { usualMs, onSilence }: { usualMs: number | null; onSilence?: () => void },
  run: () => Promise<T>,
): Promise<T> {
  const deadlineMs = statementScope()?.deadlineMs ?? usualMs
  if (deadlineMs === null) return run()
  let isOver = false
  // The socket, not the session: a server that says nothing does not hear a goodbye either. An answer that has come while this
  // process was too busy to read it is read before.
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

/** Throws a connection away: what runs in it fails as a connection that was lost. */
export function destroySocket(client: pg.ClientBase): void {
  socketOf(client)?.destroy()
}

/** The socket of a connection, which the driver keeps to itself; null where it has it elsewhere. */
export function socketOf(client: pg.ClientBase): Duplex | null {
  const stream: unknown = Reflect.get(Object(Reflect.get(client, 'connection')), 'stream')
  return stream instanceof Duplex ? stream : null
}
