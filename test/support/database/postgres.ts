/**
 * Real PostgreSQL servers of any supported major version, in temporary folders, for the tests.
 *
 * Each is tethered to the test's process: none is left behind, not even by SIGKILL (on Linux). The product never uses
 * it.
 */
import { rm } from 'node:fs/promises'
import pg from 'pg'
import { type Binaries, locateBinaries } from '#server/standalone/embedded/binaries.ts'
import type { TlsPair } from '#server/standalone/embedded/certificate.ts'
import { startEmbedded } from '#server/standalone/embedded/embedded.ts'
import { makeServerFolder } from './server-folder.ts'

/** Losing a test's data in a power cut costs nothing. */
const FAST = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_wal_size: '256MB' }

/** A major version of PostgreSQL that the tests can start. */
export type Major = 13 | 14 | 15 | 16 | 17 | 18

/** The versions available here: the older ones are packages for Linux on x64 alone. */
export function installedMajors(): readonly Major[] {
  return process.platform === 'linux' && process.arch === 'x64' ? [13, 14, 15, 16, 17, 18] : [18]
}

/** The options of a server. */
export interface ServerOptions {
  /** Default 18. */
  readonly major?: Major
  /** Lines of `pg_hba.conf`, after the one for `postgres`. Default: all roles by SCRAM, with TLS or without. */
  readonly hba?: string
  /** Certificate and key as PEM; without them the server does not offer TLS. */
  readonly tls?: TlsPair | false
  readonly settings?: Readonly<Record<string, string>>
  /** Other programs than those of npm, such as a distribution's. */
  readonly programs?: Binaries
}

/** A running server, on 127.0.0.1 alone. */
export interface TestServer {
  readonly port: number
  readonly host: '127.0.0.1'
  /** Connection string of the superuser to the database `postgres`. */
  readonly adminUrl: string
  /** Runs SQL as the superuser, by default in `postgres`; returns the rows (of the last of several statements). */
  query(sql: string, database?: string): Promise<Record<string, unknown>[]>
  /** Creates a database and returns its connection string for the superuser. */
  createDatabase(name: string, template?: string): Promise<string>
  /** Stops the server with its clients, and starts it on the same port and rows. */
  restart(): Promise<void>
  /** Stops the server and removes its folder. */
  stop(): Promise<void>
}

/** Starts a server and resolves when it accepts connections. */
export async function startServer({ major = 18, tls = false, ...options }: ServerOptions = {}): Promise<TestServer> {
  const dir = await makeServerFolder()
  const ofNpm = major === 18 ? undefined : `postgres-${major}-${process.platform}-${process.arch}`
  const binaries = options.programs ?? (await locateBinaries(ofNpm))
  const settings = { ...FAST, ...options.settings }
  const start = () => startEmbedded({ ...options, tls, dir, binaries, settings, tethered: true })
  let server = await start()
  const { port, url } = server
  return {
    port,
    host: '127.0.0.1',
    adminUrl: url,
    query: (sql, database) => query(databaseUrl(url, database ?? 'postgres'), sql),
    createDatabase: async (name, template = 'template1') => {
      await query(url, `create database ${quoted(name)} template ${quoted(template)}`)
      return databaseUrl(url, name)
    },
    restart: async () => {
      await server.stop()
      server = await start()
      if (server.port !== port) throw new Error('the port was taken meanwhile')
    },
    stop: async () => {
      await server.stop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** Runs SQL over a connection of its own. */
export async function query(connectionString: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    // `pg` returns an array of results for several statements, which its types do not show.
    const result: pg.QueryResult | pg.QueryResult[] = await client.query(sql)
    return (Array.isArray(result) ? result.at(-1) : result)?.rows ?? []
  } finally {
    await client.end()
  }
}

/** The same connection string for another database of the server. */
export function databaseUrl(connectionString: string, database: string): string {
  const url = new URL(connectionString)
  url.pathname = `/${encodeURIComponent(database)}`
  return url.href
}

/** A quoted SQL identifier. */
export function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`
}
