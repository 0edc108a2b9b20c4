/**
 * Applies `migrations/*.sql` in order under an advisory lock, statement by statement: all pending ones in one
 * transaction, except a file that asks for its own, so that it holds no locks of earlier files, and a file that asks
 * for none, because it builds indexes concurrently or changes many rows batch by batch.
 *
 * Only `main.ts` and the operator's `migrate` command call this: `web` and `worker` run under roles that own nothing
 * and refuse to start while a migration is pending. Connect directly, not through a pooler in transaction mode: the
 * lock belongs to the session.
 */
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { type MigrationProvider, Migrator } from 'kysely/migration'
import { parseDatabaseUrl } from '#server/domain/network/database-url.ts'
import { openPool } from '#server/store/connection/pool.ts'
import { Observer } from '#server/store/connection/statement.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { statementsOf } from './sql-statements.ts'

const folder = new URL('../../../migrations/', import.meta.url)
/** How long to wait for another migrating process, and how long to try for a lock on a table. */
const LOCK_WAIT_MS = 60_000
// A statement that waits for a table lock makes all later ones queue behind it, so many short tries replace a long one.
// Each is shorter than the server's deadlock_timeout, so that PostgreSQL never cancels a working process in favour of a
// migration.
const TRY_MS = 500
const PAUSE_MS = 250
const CONNECT_MS = 10_000
const LOCK_NOT_AVAILABLE = '55P03'
const DEADLOCK = '40P01'
const ALONE = '-- In a transaction of its own.'
const EACH = '-- Statement by statement, outside of a transaction: each may be done again.'
/** Building an index concurrently waits for every older transaction, and nobody waits for it. */
const CONCURRENTLY_MS = 600_000
/** The session's advisory lock: an arbitrary key that nothing else in Mooring uses. */
const MIGRATING = 7_361_004

const read = (name: string) => readFile(new URL(`${name}.sql`, folder), 'utf8')
const isAlone = (text: string) => text.startsWith(ALONE) || text.startsWith(EACH)

const provider: MigrationProvider = {
  async getMigrations() {
    const files = (await migrationNames()).map(async name => {
      const text = await read(name)
      const statements = statementsOf(text)
      const run = text.startsWith(EACH) ? patiently : briefly
      const up = async (db: Kysely<unknown>) => {
        for (const statement of statements) await run(db, statement)
      }
      return [name, { up }] as const
    })
    return Object.fromEntries(await Promise.all(files))
  },
}

async function briefly(db: Kysely<unknown>, statement: string): Promise<void> {
  await sql.raw(statement).execute(db)
}

/** Runs statements that are their own transactions; retries one whose lock is not available. */
async function patiently(db: Kysely<unknown>, statement: string): Promise<void> {
  if (!/\bindex concurrently\b/i.test(statement)) return untilUnlocked(() => briefly(db, statement))
  await sql.raw(`set lock_timeout = '${CONCURRENTLY_MS}ms'`).execute(db)
  await briefly(db, statement)
  await sql.raw(`set lock_timeout = '${TRY_MS}ms'`).execute(db)
}

/** Retries for a minute while others hold the required locks. */
async function untilUnlocked<T>(work: () => Promise<T>): Promise<T> {
  const until = performance.now() + LOCK_WAIT_MS
  for (;;) {
    try {
      return await work()
    } catch (error) {
      const code = error instanceof Error ? Reflect.get(error, 'code') : null
      if ((code !== LOCK_NOT_AVAILABLE && code !== DEADLOCK) || performance.now() > until) throw error
    }
    await setTimeout(PAUSE_MS)
  }
}

/** The names of all migrations, in order, without `.sql`. */
export async function migrationNames(): Promise<string[]> {
  const names = (await readdir(fileURLToPath(folder))).filter(name => /^\d{4}_.+\.sql$/.test(name))
  return names.map(name => name.slice(0, -4)).sort()
}

/**
 * Migrates the database at `url` and returns the names of the applied migrations. Of concurrent calls, one works while
 * the others wait. Throws if others keep a table locked; migrations applied by then stay, and the next call continues
 * from there.
 */
export async function migrate(url: string): Promise<string[]> {
  const { pool } = openPool({
    database: parseDatabaseUrl(url),
    size: 2,
    lanes: 0,
    connectMs: CONNECT_MS,
    // A migration may take long; only its waits for others are limited.
    settings: ['set statement_timeout = 0', `set lock_timeout = '${TRY_MS}ms'`],
    nameOf: null,
    deadlineMs: null,
    observer: new Observer(undefined),
    // The statement that needs a broken connection reports the error.
    onError: () => undefined,
  })
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  try {
    return await db.connection().execute(async session => {
      await lockSession(session)
      // The connection ends with the session.
      return applyPending(new Migrator({ db, provider }))
    })
  } finally {
    await db.destroy()
  }
}

/**
 * Waits until no other process migrates. It polls: a waiting statement would hold a snapshot, and another process
 * building an index concurrently would wait for that snapshot.
 */
async function lockSession(session: Kysely<unknown>): Promise<void> {
  const until = performance.now() + LOCK_WAIT_MS
  for (;;) {
    const { rows } = await sql<{ taken: boolean }>`select pg_try_advisory_lock(${MIGRATING}) as taken`.execute(session)
    if (rows[0]?.taken === true) return
    if (performance.now() > until) throw new Error('another process has been migrating this database for a minute')
    await setTimeout(PAUSE_MS)
  }
}

async function applyPending(migrator: Migrator): Promise<string[]> {
  const pending = (await migrator.getMigrations()).filter(one => one.executedAt === undefined).map(one => one.name)
  const texts = await Promise.all(pending.map(read))
  const isLast = (at: number) => isAlone(texts[at] ?? '') || at + 1 === texts.length || isAlone(texts[at + 1] ?? '')
  const applied: string[] = []
  for (const [at, last] of pending.entries()) {
    if (!isLast(at)) continue
    const disableTransactions = texts[at]?.startsWith(EACH) === true
    applied.push(...(await untilUnlocked(() => applyTo(migrator, last, disableTransactions))))
  }
  return applied
}

/** Applies the pending migrations up to `last`, in one transaction or in none. */
async function applyTo(migrator: Migrator, last: string, disableTransactions: boolean): Promise<string[]> {
  const { error, results } = await migrator.migrateTo(last, { disableTransactions })
  if (error !== undefined) throw error
  return (results ?? []).map(result => result.migrationName)
}

/** The names of the migrations that the database lacks; all of them if it is empty. */
export async function pendingMigrations(db: Db): Promise<string[]> {
  const names = await migrationNames()
  const known = await appliedMigrations(db)
  return names.filter(name => !known.has(name))
}

/** True if the database has a migration that this release does not know. */
export async function isOfLaterRelease(db: Db): Promise<boolean> {
  const names = new Set(await migrationNames())
  return [...(await appliedMigrations(db))].some(name => !names.has(name))
}

async function appliedMigrations(db: Db): Promise<Set<string>> {
  const table = await sql<{ there: boolean }>`select to_regclass('kysely_migration') is not null as there`.execute(db)
  if (table.rows[0]?.there !== true) return new Set()
  const applied = await sql<{ name: string }>`select name from kysely_migration`.execute(db)
  return new Set(applied.rows.map(row => row.name))
}
