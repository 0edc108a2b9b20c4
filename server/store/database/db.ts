/**
 * Opens pools on our own PostgreSQL and runs transactions on them.
 *
 * Nothing outside `store` imports `kysely` or `pg` for our own database; other layers pass a `Db` or `Tx` on without
 * looking inside.
 */
import { Kysely, PostgresDialect } from 'kysely'
import { parseDatabaseUrl } from '#server/domain/network/database-url.ts'
import type { Meter } from '#server/metrics/meter.ts'
import { isContended } from '#server/store/connection/availability.ts'
import { CLIENT_DEADLINE_MS, deadlineSettings } from '#server/store/connection/deadlines.ts'
import { openPool } from '#server/store/connection/pool.ts'
import { createStatementNames } from '#server/store/connection/prepared.ts'
import { useLanes } from '#server/store/connection/prepared-read.ts'
import { types } from '#server/store/connection/row-reader.ts'
import { Observer } from '#server/store/connection/statement.ts'
import { collectChanges, writeCollected } from '#server/store/database/changes.ts'
import { requireWriter } from '#server/store/fence/organization-writer.ts'
import type { Db, Tables, Tx } from '#server/store/tables/tables.ts'

/** Options for opening our own database. */
export interface DbOptions {
  /** The connection string, in the form of `DATABASE_URL`. */
  readonly url: string
  readonly size: number
  /** The number of extra connections for prepared reads; none by default, and none if sessions are not kept. */
  readonly lanes?: number
  /** How long a caller waits for a connection; two seconds by default. */
  readonly connectMs?: number
  /** False behind a pooler that shares sessions: nothing is then prepared under a name or set for a session. */
  readonly keepsSessions?: boolean
  /** True for a role without deadlines of its own, such as the owner: each connection then sets them. */
  readonly setsDeadlines?: boolean
  /** Called with the error when a connection breaks. */
  readonly onError: (error: Error) => void
  /** Counts statements and waits; omit it if nothing reads the counts. */
  readonly meter?: Meter
}

const CONNECT_MS = 2_000

/** Opens a pool on our own database. Throws `DatabaseUrlError`. */
export function openDb(options: DbOptions): Db {
  const { url, size, connectMs = CONNECT_MS, keepsSessions = true, setsDeadlines = false, onError } = options
  const { pool, lanes } = openPool({
    database: parseDatabaseUrl(url),
    size,
    lanes: keepsSessions ? (options.lanes ?? 0) : 0,
    connectMs,
    settings:
      setsDeadlines && keepsSessions ? deadlineSettings().map(([name, value]) => `set ${name} = '${value}'`) : [],
    types,
    nameOf: keepsSessions ? createStatementNames() : null,
    deadlineMs: CLIENT_DEADLINE_MS,
    onError,
    observer: new Observer(options.meter),
  })
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  if (lanes !== null) useLanes(db, lanes)
  return db
}

/** True for a transaction, whose last statement its caller decides on. */
export function isTransaction(db: Db): db is Tx {
  return db.isTransaction
}

/**
 * Runs `work` in one transaction, or in the one that `db` already is; an exception rolls everything back. Retries once,
 * from the beginning, if the server aborts the transaction for a deadlock or a serialization failure. Writes the
 * changes that `work` appended last, just before the commit. Throws `OrganizationMoving` if the call writes for an
 * organization that is moving.
 */
export async function transaction<T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> {
  if (isTransaction(db)) return work(db)
  const whole = async (tx: Tx) => {
    await requireWriter(tx)
    collectChanges(tx)
    const done = await work(tx)
    await writeCollected(tx)
    return done
  }
  try {
    return await db.transaction().execute(whole)
  } catch (error) {
    if (!isContended(error)) throw error
    return db.transaction().execute(whole)
  }
}
