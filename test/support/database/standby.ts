/**
 * A real standby of a running test server, by streaming replication, copied while the server runs, as pg_basebackup
 * would do it. The primary's `pg_hba.conf` needs `host replication postgres 127.0.0.1/32 scram-sha-256`. PostgreSQL 15
 * and later.
 */
import { appendFile, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import pg from 'pg'
import { startEmbedded } from '#server/standalone/embedded/embedded.ts'
import { databaseUrl, query, type TestServer } from './postgres.ts'

/** The line of `pg_hba.conf` that the primary needs. */
export const REPLICATION_HBA = 'host replication postgres 127.0.0.1/32 scram-sha-256'

/** A running standby. `isHot` is false if it accepts no connections. */
export interface Standby {
  readonly port: number
  /** Runs SQL as the superuser. */
  query(sql: string, database?: string): Promise<Record<string, unknown>[]>
  stop(): Promise<void>
}

/** Files that a server writes for itself; the WAL comes from the primary. */
const LEFT_OUT = new Set(['postmaster.pid', 'postmaster.opts', 'log', 'log.before', 'port', 'pg_wal', 'pgsql_tmp'])

/** Starts a standby, and resolves when it has everything that the primary had. */
export async function startStandby(
  primary: TestServer,
  { isHot = true, hba }: { readonly isHot?: boolean; readonly hba?: string } = {},
): Promise<Standby> {
  const dir = await mkdtemp(join(tmpdir(), 'mooring-standby-'))
  const pgdata = join(dir, 'cluster', 'data')
  await copyRunning(primary, join(dir, 'cluster'))
  const { port, username, password } = new URL(primary.adminUrl)
  const source = `host=127.0.0.1 port=${port} user=${username} password=${password}`
  await writeFile(join(pgdata, 'standby.signal'), '', { mode: 0o600 })
  await appendFile(join(pgdata, 'postgresql.auto.conf'), `primary_conninfo = '${source}'\n`)
  const settings = { fsync: 'off', hot_standby: isHot ? 'on' : 'off' }
  const server = await startEmbedded({ dir, settings, tethered: true, ...(hba === undefined ? {} : { hba }) })
  return {
    port: server.port,
    query: (sql, database = 'postgres') => query(databaseUrl(server.url, database), sql),
    async stop() {
      await server.stop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/**
 * Copies the cluster of a running server between the beginning and the end of a backup; streaming provides the rest.
 */
async function copyRunning(primary: TestServer, cluster: string): Promise<void> {
  const client = new pg.Client({ connectionString: primary.adminUrl })
  await client.connect()
  try {
    const { rows } = await client.query<{ data_directory: string }>('show data_directory')
    await client.query("select pg_backup_start('standby', true)")
    const from = dirname(rows[0]?.data_directory ?? '')
    await cp(from, cluster, { recursive: true, filter: path => !LEFT_OUT.has(basename(path)) })
    await mkdir(join(cluster, 'data', 'pg_wal'), { mode: 0o700 })
    const ended = await client.query<{ labelfile: string }>('select labelfile from pg_backup_stop(false)')
    await writeFile(join(cluster, 'data', 'backup_label'), ended.rows[0]?.labelfile ?? '')
  } finally {
    await client.end()
  }
}
