/**
 * A migrated database for each test file, cloned from a template that the first file creates.
 *
 * Cloning costs a fraction of migrating, and no file sees another's rows.
 */
import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import { databaseUrl, query, quoted } from './postgres.ts'

const TEMPLATE = 'mooring_template'
// An arbitrary number: with it, files that start at once wait for the one that migrates.
const TEMPLATE_LOCK = 20_261

/** A test file's own database. */
export interface FreshDatabase {
  /** Connection string of the superuser, who may act as the registry's owner. */
  readonly url: string
  drop(): Promise<void>
}

/** Creates a database as it is after its migrations, without rows. */
export async function freshDatabase(): Promise<FreshDatabase> {
  const adminUrl = inject('registryUrl')
  await ensureTemplate(adminUrl)
  const name = `mooring_${randomUUID()}`
  await query(adminUrl, `create database ${quoted(name)} template ${TEMPLATE} strategy file_copy`)
  return {
    url: databaseUrl(adminUrl, name),
    drop: async () => {
      await query(adminUrl, `drop database ${quoted(name)} with (force)`)
    },
  }
}

async function ensureTemplate(adminUrl: string): Promise<void> {
  const admin = new pg.Client({ connectionString: adminUrl })
  await admin.connect()
  try {
    // Held by this session; closing the connection releases it in any case.
    await admin.query('select pg_advisory_lock($1)', [TEMPLATE_LOCK])
    const found = await admin.query('select datname from pg_database where datname = $1', [TEMPLATE])
    if (found.rowCount !== 0) return
    const draft = `${TEMPLATE}_draft`
    await admin.query(`drop database if exists ${draft}`)
    await admin.query(`create database ${draft}`)
    const { migrate } = await import('#server/store/installation/migrate.ts')
    await migrate(databaseUrl(adminUrl, draft))
    await admin.query(`alter database ${draft} rename to ${TEMPLATE}`)
  } finally {
    await admin.end()
  }
}
