/**
 * Backups of Mooring's own database as an operator has them: a copy of the whole database, or of one table's rows. A
 * database has no connection while it is copied. For the tests of restored backups.
 */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import type { FreshDatabase } from './database.ts'
import { databaseUrl, query, quoted } from './postgres.ts'

/** A copy of the whole database in its current state. The caller drops it. */
export async function cloneDatabase(url: string): Promise<FreshDatabase> {
  const adminUrl = inject('registryUrl')
  const name = `mooring_backup_${randomUUID()}`
  const source = decodeURIComponent(new URL(url).pathname.slice(1))
  await query(adminUrl, `create database ${quoted(name)} template ${quoted(source)} strategy file_copy`)
  return {
    url: databaseUrl(url, name),
    drop: async () => {
      await query(adminUrl, `drop database ${quoted(name)} with (force)`)
    },
  }
}

/** Replaces the rows of the table of credentials, and nothing else, by another database's, past its foreign keys. */
export async function copyCredentials(from: string, to: string): Promise<void> {
  const rows = await query(from, 'select c::text as line from credentials c')
  const target = new pg.Client({ connectionString: to })
  await target.connect()
  try {
    await target.query('set session_replication_role = replica')
    await target.query('delete from credentials')
    for (const { line } of rows)
      await target.query('insert into credentials select (c.one).* from (select $1::credentials as one) c', [line])
  } finally {
    await target.end()
  }
}
