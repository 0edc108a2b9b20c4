/**
 * Applies `migrations/*.sql` in order, all pending ones in one transaction under an advisory lock.
 *
 * Only `main.ts` and the operator's `migrate` command call this: `web` and `worker` run under roles that own nothing and
 * refuse to start while something is pending. Connect directly, not through a pooler in transaction mode: the lock is
 * one of the session.
 */
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { type MigrationProvider, Migrator } from 'kysely/migration'
import { parseDatabaseUrl } from '#server/domain/database-url.ts'
import type { Db } from './db.ts'
import { openPool } from './pool.ts'

const folder = new URL('../../migrations/', import.meta.url)
const LOCK_WAIT_MS = 60_000
const CONNECT_MS = 10_000

const provider: MigrationProvider = {
  async getMigrations() {
    const files = (await migrationNames()).map(async name => {
      const text = await readFile(new URL(`${name}.sql`, folder), 'utf8')
      return [
        name,
        {
          up: (db: Kysely<unknown>) =>
            sql
              .raw(text)
              .execute(db)
              .then(() => undefined),
        },
      ] as const
    })
    return Object.fromEntries(await Promise.all(files))
  },
}

/** Names of all migrations, in order, without `.sql`. */
export async function migrationNames(): Promise<string[]> {
  const names = (await readdir(fileURLToPath(folder))).filter(name => /^\d{4}_.+\.sql$/.test(name))
  return names.map(name => name.slice(0, -4)).sort()
}

/** Brings the database at `url` up to date and returns the names applied. Several at once: one works, the others wait. */
export async function migrate(url: string): Promise<string[]> {
  const pool = openPool({
    database: parseDatabaseUrl(url),
    size: 2,
    connectMs: CONNECT_MS,
    // A migration may take long; only its wait for others has an end.
    settings: ['set statement_timeout = 0', `set lock_timeout = '${LOCK_WAIT_MS}ms'`],
    nameOf: null,
    deadlineMs: null,
    // The statement that needs a connection which broke says so.
    onError: () => undefined,
  })
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  try {
    const { error, results } = await new Migrator({ db, provider }).migrateToLatest()
    if (error !== undefined) throw error
    return (results ?? []).map(result => result.migrationName)
  } finally {
    await db.destroy()
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
