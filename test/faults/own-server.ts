/**
 * An installation's own PostgreSQL for a fault: stopped, killed, frozen, started again on the same port and rows. Its
 * acknowledged writes are in the system's cache, so that a kill loses nothing; only a power cut would.
 */
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Binaries } from '#server/standalone/embedded/binaries.ts'
import { type Embedded, startEmbedded } from '#server/standalone/embedded/embedded.ts'
import { choosePort } from '#server/standalone/embedded/port.ts'
import { gone } from '#server/standalone/embedded/process.ts'
import { databaseUrl } from '#test/support/database/postgres.ts'

const KILLED_MS = 10_000
/** The system's cache survives every fault here. */
const SETTINGS = { fsync: 'off', max_connections: '100', max_wal_size: '64MB', min_wal_size: '32MB' }

/** A server and its operations. */
export interface OwnServer {
  readonly port: number
  /** The folder with all of its files. */
  readonly dir: string
  /** Connection string of the superuser. */
  url(database?: string): string
  /** Starts the server again after `stop` or `kill`. */
  start(): Promise<void>
  /** As an operator stops it: every client is disconnected. */
  stop(): Promise<void>
  /** SIGKILL, every process of it. */
  kill(): Promise<void>
  /** SIGSTOP, and SIGCONT: connections stay, and nothing answers. */
  freeze(): Promise<void>
  thaw(): Promise<void>
  /** Copies a stopped server's rows into a folder of another one. */
  copyTo(dir: string): Promise<void>
  /** Kills every process and removes the folder, unless the caller gave it. */
  remove(): Promise<void>
}

/** The options of a server. */
export interface OwnServerOptions {
  readonly settings?: Readonly<Record<string, string>>
  /** Lines of `pg_hba.conf` behind the usual one. */
  readonly hba?: string
  readonly programs?: Binaries | undefined
  /** An existing folder, on a small disk or with rows of another server; its owner removes it. */
  readonly dir?: string
}

/** Starts a server. The caller removes it. */
export async function startOwnServer(options: OwnServerOptions = {}): Promise<OwnServer> {
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'mooring-faults-')))
  const port = await choosePort(join(dir, 'port'))
  const launch = () =>
    startEmbedded({
      dir,
      port,
      tls: false,
      tethered: true,
      settings: { ...SETTINGS, ...options.settings },
      hba: `host all all 127.0.0.1/32 scram-sha-256\n${options.hba ?? ''}`,
      ...(options.programs === undefined ? {} : { binaries: options.programs }),
    })
  let running: Embedded = await launch()
  const signal = async (name: NodeJS.Signals) => {
    for (const pid of [running.pid, ...(await childrenOf(running.pid))]) send(pid, name)
  }
  const kill = async () => {
    await signal('SIGKILL')
    await gone(running.pid, KILLED_MS)
  }
  return {
    port,
    dir,
    url: (database = 'mooring') => databaseUrl(running.url, database),
    start: async () => {
      running = await launch()
    },
    stop: () => running.stop(),
    kill,
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    copyTo: to => cp(join(dir, 'cluster'), join(to, 'cluster'), { recursive: true }),
    remove: async () => {
      await kill()
      if (options.dir === undefined) await rm(dir, { recursive: true, force: true })
    },
  }
}

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return text.split(' ').map(Number).filter(Boolean)
}

/** A signal to a process that has ended is no error. */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    return
  }
}
