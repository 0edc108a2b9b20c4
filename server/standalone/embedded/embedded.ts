/**
 * A real PostgreSQL in a folder, for trying Mooring, small installs and the tests: created at the first start, kept
 * between starts, shared by the processes that use the folder and stopped by the last of them.
 *
 * It listens only on 127.0.0.1 and must never see our environment. A server left behind by a killed process is used
 * again. Called by `main.ts`, `cli.ts` and the tests.
 */
import { access, chmod, mkdir, readFile, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Binaries, linkLibraries, locateBinaries } from '#server/standalone/embedded/binaries.ts'
import { ownCertificate, type TlsPair } from '#server/standalone/embedded/certificate.ts'
import {
  type ClusterPaths,
  clusterPaths,
  ensureCluster,
  giveAway,
  readLog,
  writePrivate,
} from '#server/standalone/embedded/cluster.ts'
import { addHolder, removeHolder, withLock } from '#server/standalone/embedded/lock.ts'
import { rememberPort } from '#server/standalone/embedded/port.ts'
import {
  findRunning,
  type PostmasterStart,
  startPostmaster,
  stopPostmaster,
} from '#server/standalone/embedded/postmaster.ts'
import { chooseIdentity, type Identity, tether } from '#server/standalone/embedded/process.ts'
import { reachableBinaries } from '#server/standalone/embedded/reachable.ts'

/** The folder and settings of the server. All except `dir` and `log` have no effect on a running server. */
export interface EmbeddedOptions {
  /** A folder for the server alone, created if missing, closed to other accounts. */
  readonly dir: string
  /** An enclosing folder that is also ours: PostgreSQL under another account has to pass through it. */
  readonly within?: string
  /** By default PostgreSQL 18 for this platform. */
  readonly binaries?: Binaries
  /** A fixed port; by default a free one below 32768, which is remembered in the folder. */
  readonly port?: number
  /** Settings as in `postgresql.conf`. The process list shows them: nothing secret. */
  readonly settings?: Readonly<Record<string, string>>
  /**
   * Lines of `pg_hba.conf`. `postgres` is always admitted first, from 127.0.0.1 with SCRAM. Default: the same for all
   * roles.
   */
  readonly hba?: string
  /** The size of the write-ahead log's files in MB; by default 16. A new cluster has one or two of them. */
  readonly walSegmentMb?: number
  /** By default TLS is on with a self-signed certificate; false turns it off. */
  readonly tls?: TlsPair | false
  /** Stops the server when this process dies, however it dies (Linux). Only for a server that nobody shares. */
  readonly tethered?: boolean
  /** Receives a sentence for each event. Nothing in it is secret. */
  readonly log?: (line: string) => void
}

/** A running server. */
export interface Embedded {
  /** The connection string of the superuser `postgres`. Secret. */
  readonly url: string
  readonly port: number
  readonly pid: number
  /** True if it was already running. */
  readonly reused: boolean
  /**
   * Starts the server again on the same port after it has ended for any reason, or joins the one that another process
   * has started. Returns its process id. Throws an `Error` with the end of the server's log.
   */
  restart(): Promise<number>
  /** The end of the server's log. Nothing in it is secret. */
  lastWords(): Promise<string>
  /** Stops the server and waits for its end, unless another living process uses it too. A second call does nothing. */
  stop(): Promise<void>
}

/**
 * Starts the server of a folder, or joins the one running there; resolves when it accepts connections.
 *
 * @throws an `Error` with the end of the server's log; no process of Mooring runs then.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const outermost = await mkdir(options.dir, { recursive: true, mode: 0o700 })
  const dir = await realpath(options.dir)
  const ours = options.within ?? outermost
  const made = ours === undefined ? dir : await realpath(ours)
  return withLock(dir, async () => {
    const note = await addHolder(dir)
    try {
      return await startOrJoin({ dir, made, note }, options)
    } catch (error) {
      if (await removeHolder(dir, note)) await stopPostmaster(clusterPaths(dir))
      throw error
    }
  })
}

/** The folder, the outermost folder created for it, and the note that we use it. */
interface Stay {
  readonly dir: string
  readonly made: string
  readonly note: string
}

async function startOrJoin(stay: Stay, options: EmbeddedOptions): Promise<Embedded> {
  const { dir, note } = stay
  const paths = clusterPaths(dir)
  const running = await findRunning(paths)
  const { pid, port } = running ?? (await startPostmaster(await prepare(stay, paths, options)))
  // Also for a running server: the process that started it may have been killed before it saved the port.
  await rememberPort(paths.port, port)
  options.log?.(`The embedded PostgreSQL ${running === null ? 'has started' : 'was running'} on port ${port}.`)
  const password = await readFile(paths.password, 'utf8')
  return {
    url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    port,
    pid,
    reused: running !== null,
    restart: () => restart(stay, options, port),
    lastWords: () => readLog(paths),
    stop: () => leave(dir, note, options),
  }
}

async function restart(stay: Stay, options: EmbeddedOptions, port: number): Promise<number> {
  const paths = clusterPaths(stay.dir)
  return withLock(stay.dir, async () => {
    const running = await findRunning(paths)
    if (running !== null && running.port !== port) throw new Error(`It runs on port ${running.port}, not ${port}.`)
    // Never create a new cluster in place of a missing one: nobody would notice that everything is lost.
    if (running === null) await access(paths.pgdata)
    return (running ?? (await startPostmaster({ ...(await prepare(stay, paths, options)), port }))).pid
  })
}

async function prepare({ dir, made }: Stay, paths: ClusterPaths, options: EmbeddedOptions): Promise<PostmasterStart> {
  const identity = await chooseIdentity(paths.cluster)
  // PostgreSQL under another account has to pass through the folders that we created above its own.
  if (identity.uid !== undefined) for (const at of between(dir, made)) await chmod(at, 0o711)
  const found = options.binaries ?? (await locateBinaries())
  const binaries = await reachableBinaries(found, identity, join(dir, 'programs'))
  const env = await linkLibraries(binaries, join(dir, 'lib'))
  const durable = options.settings?.['fsync'] !== 'off'
  await ensureCluster(dir, { binaries, identity, env, durable, walSegmentMb: options.walSegmentMb ?? 16 })
  await giveAway(paths.cluster, identity)
  await configure(paths, identity, options)
  const prefix = [...identity.prefix, ...(options.tethered === true ? await tether() : [])]
  return { paths, binaries, identity: { ...identity, prefix }, env, settings: settings(options), port: options.port }
}

/** The folder and its parents, up to the outermost. */
function between(dir: string, outermost: string): string[] {
  return dir === outermost || dirname(dir) === dir ? [dir] : [dir, ...between(dirname(dir), outermost)]
}

function settings({ settings: own, tls }: EmbeddedOptions): Record<string, string> {
  return {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    // A statement or a row in the log could contain a password.
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    ssl: tls === false ? 'off' : 'on',
    ...own,
  }
}

async function configure(paths: ClusterPaths, identity: Identity, { hba, tls }: EmbeddedOptions): Promise<void> {
  const rules = `host all postgres 127.0.0.1/32 scram-sha-256\n${hba ?? 'host all all 127.0.0.1/32 scram-sha-256'}\n`
  await writePrivate(join(paths.pgdata, 'pg_hba.conf'), rules, identity)
  if (tls === false) return
  const { cert, key } = tls ?? (await ownCertificate(paths.pgdata, new Date()))
  await writePrivate(join(paths.pgdata, 'server.crt'), cert, identity)
  await writePrivate(join(paths.pgdata, 'server.key'), key, identity)
}

async function leave(dir: string, note: string, { log }: EmbeddedOptions): Promise<void> {
  await withLock(dir, async () => {
    if (!(await removeHolder(dir, note))) return log?.('The embedded PostgreSQL keeps running for another process.')
    await stopPostmaster(clusterPaths(dir))
    log?.('The embedded PostgreSQL has stopped.')
  })
}
