/**
 * The connection to our own PostgreSQL, and transactions on it.
 *
 * Nothing outside `store`
 * imports `kysely` or `pg` for our own database; the rest passes a `Db` or `Tx` on without looking inside.
 */
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { parseDatabaseUrl } from '#server/domain/network/database-url.ts'
import type { Meter } from '#server/metrics/meter.ts'
import { isContended } from '#server/store/connection/availability.ts'
import { CLIENT_DEADLINE_MS, deadlineSettings } from '#server/store/connection/deadlines.ts'
import { openPool } from '#server/store/connection/pool.ts'
import { createStatementNames } from '#server/store/connection/prepared.ts'
import { useLanes } from '#server/store/connection/prepared-read.ts'
import { collectChanges, writeCollected } from '#server/store/database/changes.ts'
import { requireWriter } from '#server/store/fence/organization-writer.ts'
import type { Db, Tables, Tx } from '#server/store/tables/tables.ts'

const INT8 = 20

/** Parsers of our pools: `bigint` counters come as numbers (they stay far below 2^53). */
export const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') => {
    if (oid === INT8) return Number
    return format === 'binary' ? pg.types.getTypeParser(oid, 'binary') : pg.types.getTypeParser(oid)
  },
}

/** How our own database is opened. */
export interface DbOptions {
  /** As `DATABASE_URL` spells it. */
  readonly url: string
  readonly size: number
  /** Connections beside the pool for prepared reads; none where it is left out, and where sessions are not kept. */
  readonly lanes?: number
  /** How long a caller waits for a connection; two seconds unless it is said. */
  readonly connectMs?: number
  /** False behind a pooler that hands sessions on: nothing is prepared under a name, and nothing is set for a session. */
  readonly keepsSessions?: boolean
  /** True for a role whose deadlines nobody has set, such as the owner's: each connection sets them. */
  readonly setsDeadlines?: boolean
  /** Hears of connections that break. */
  readonly onError: (error: Error) => void
  /** Counts statements and waits; left out where nobody reads the counts. */
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
    ...(options.meter === undefined ? {} : { meter: options.meter }),
  })
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  if (lanes !== null) useLanes(db, lanes)
  return db
}

/** Whether it is a transaction: then what is done last in it is its caller's. */
export function isTransaction(db: Db): db is Tx {
  return db.isTransaction
}

/**
 * Runs `work` in one transaction, the one that `db` is in if it is; an exception rolls everything back. One that the server
 * gave up in favour of another (a deadlock, a serialization failure) is run once more from its beginning. The changes that `work` appends
 * are written last, right before the commit. Throws `OrganizationMoving` where the call writes for an organization that moves.
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
