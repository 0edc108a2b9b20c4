/**
 * A database as a previous release left it: the migrations up to a named one, and Kysely's bookkeeping of them.
 * `migrate()` continues from there.
 */
import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { migrationNames } from '#server/store/installation/migrate.ts'
import { statementsOf } from '#server/store/installation/sql-statements.ts'
import { query } from './postgres.ts'

/**
 * Applies one migration as `migrate` does: in a transaction, or statement by statement for an index that is built
 * concurrently.
 */
export async function applyMigration(url: string, name: string): Promise<void> {
  const text = await readFile(new URL(`../../../migrations/${name}.sql`, import.meta.url), 'utf8')
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const isWhole = !text.startsWith('-- Statement by statement')
    if (isWhole) await client.query('begin')
    for (const statement of statementsOf(text)) await client.query(statement)
    if (isWhole) await client.query('commit')
  } finally {
    await client.end()
  }
}

/** Applies the migrations before the one of this name (without its number), and returns their number. */
export async function migrateBefore(url: string, name: string): Promise<number> {
  const names = await migrationNames()
  const count = names.findIndex(one => one.endsWith(`_${name}`))
  const applied = names.slice(0, count)
  for (const one of applied) await applyMigration(url, one)
  await query(
    url,
    `create table kysely_migration (name varchar(255) primary key, timestamp varchar(255) not null);
     create table kysely_migration_lock (id varchar(255) primary key, is_locked integer not null default 0);
     insert into kysely_migration_lock (id) values ('migration_lock');
     insert into kysely_migration (name, timestamp) select unnest('{${applied.join(',')}}'::text[]), now()::text`,
  )
  return count
}
