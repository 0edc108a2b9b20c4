/**
 * Captures the statements that the store runs, as the driver receives them, so that a limit can run exactly the same
 * ones.
 */
import pg from 'pg'
import { openDb } from '#server/store/database/db.ts'
import type { Db } from '#server/store/tables/tables.ts'
import type { Statement } from './site.ts'

/** Returns the last statement of some work on a database. */
export async function statementOf(url: string, work: (db: Db) => Promise<unknown>): Promise<Statement> {
  const prototype = pg.Client.prototype
  const query: unknown = Reflect.get(prototype, 'query')
  const seen: Statement[] = []
  Reflect.set(prototype, 'query', function noting(this: pg.Client, ...args: unknown[]): unknown {
    const [first, values] = args
    const { text, values: own } = typeof first === 'string' ? { text: first, values } : Object(first)
    if (typeof text === 'string') seen.push({ text, values: own ?? [] })
    return Reflect.apply(query as () => unknown, this, args)
  })
  const db = openDb({ url, size: 1, onError: () => undefined })
  try {
    await work(db)
  } finally {
    await db.destroy()
    Reflect.set(prototype, 'query', query)
  }
  const last = seen.at(-1)
  if (last === undefined) throw new Error('nothing was asked')
  return last
}
