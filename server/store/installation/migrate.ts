/**
 * Applies `migrations/*.sql` in order under an advisory lock, statement by statement: all pending ones in one transaction, but
 * for a file that asks for one of its own, so that no lock of what goes before is held while it works.
 *
 * Only `main.ts` and the operator's `migrate` command call this: `web` and `worker` run under roles that own nothing and
 * refuse to start while something is pending. Connect directly, not through a pooler in transaction mode: the lock is
 * one of the session.
 */
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { type MigrationProvider, Migrator } from 'kysely/migration'
import { parseDatabaseUrl } from '#server/domain/network/database-url.ts'
import { openPool } from '#server/store/connection/pool.ts'
import type { Db } from '#server/store/tables/tables.ts'
import { statementsOf } from './sql-statements.ts'

const folder = new URL('../../../migrations/', import.meta.url)
/** How long others that migrate are waited for, and how long a lock on a table is tried for. */
const LOCK_WAIT_MS = 60_000
// Whoever comes after one that waits for a table waits behind it: many short tries instead of a long one. Shorter than the
// server's deadlock_timeout, so that it is never a process at work that is given up for a migration.
const TRY_MS = 500
const PAUSE_MS = 250
const CONNECT_MS = 10_000
const LOCK_NOT_AVAILABLE = '55P03'
const ALONE = '-- In a transaction of its own.'
/** Of the session; any number that nothing else of ours takes. */
const MIGRATING = 7_361_004

const read = (name: string) => readFile(new URL(`${name}.sql`, folder), 'utf8')

const provider: MigrationProvider = {
  async getMigrations() {
    const files = (await migrationNames()).map(async name => {
      const statements = statementsOf(await read(name))
      const up = async (db: Kysely<unknown>) => {
        for (const statement of statements) await sql.raw(statement).execute(db)
      }
      return [name, { up }] as const
    })
    return Object.fromEntries(await Promise.all(files))
  },
}

/** Names of all migrations, in order, without `.sql`. */
export async function migrationNames(): Promise<string[]> {
  const names = (await readdir(fileURLToPath(folder))).filter(name => /^\d{4}_.+\.sql$/.test(name))
  return names.map(name => name.slice(0, -4)).sort()
}

/**
 * Brings the database at `url` up to date and returns the names applied. Several at once: one works, the others wait. Throws
 * where a table is locked by others all the time; what was applied before stays, and the next call goes on from there.
 */
export async function migrate(url: string): Promise<string[]> {
  const pool = openPool({
    database: parseDatabaseUrl(url),
    size: 2,
    connectMs: CONNECT_MS,
    // A migration may take long; only its wait for others has an end.
    settings: ['set statement_timeout = 0', `set lock_timeout = '${TRY_MS}ms'`],
    nameOf: null,
    deadlineMs: null,
    // The statement that needs a connection which broke says so.
    onError: () => undefined,
  })
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  try {
    return await db.connection().execute(async session => {
      await sql.raw(`set lock_timeout = '${LOCK_WAIT_MS}ms'`).execute(session)
      await sql`select pg_advisory_lock(${MIGRATING})`.execute(session)
      // Its end is that of the session.
      return applyPending(new Migrator({ db, provider }))
    })
  } finally {
    await db.destroy()
  }
}

async function applyPending(migrator: Migrator): Promise<string[]> {
  const pending = (await migrator.getMigrations()).filter(one => one.executedAt === undefined).map(one => one.name)
  const alone = await Promise.all(pending.map(async name => (await read(name)).startsWith(ALONE)))
  const lasts = pending.filter((_, at) => alone[at] || alone[at + 1] !== false)
  const applied: string[] = []
  for (const last of lasts) applied.push(...(await applyTo(migrator, last)))
  return applied
}

/** Applies what is pending up to `last`, in one transaction, which is tried again while a table is locked. */
async function applyTo(migrator: Migrator, last: string): Promise<string[]> {
  const until = performance.now() + LOCK_WAIT_MS
  for (;;) {
    const { error, results } = await migrator.migrateTo(last)
    if (error === undefined) return (results ?? []).map(result => result.migrationName)
    const isLocked = error instanceof Error && Reflect.get(error, 'code') === LOCK_NOT_AVAILABLE
    if (!isLocked || performance.now() > until) throw error
    await setTimeout(PAUSE_MS)
  }
}

/** Names of the migrations that the database lacks; all of them when it is empty. */
export async function pendingMigrations(db: Db): Promise<string[]> {
  const names = await migrationNames()
  const table = await sql<{ there: boolean }>`select to_regclass('kysely_migration') is not null as there`.execute(db)
  if (table.rows[0]?.there !== true) return names
  const applied = await sql<{ name: string }>`select name from kysely_migration`.execute(db)
  const known = new Set(applied.rows.map(row => row.name))
  return names.filter(name => !known.has(name))
}
