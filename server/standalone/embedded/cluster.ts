/**
 * The files of one embedded PostgreSQL: a cluster created once, its password, port, access rules and log.
 *
 *     <dir>/cluster/{data,password,port,log}     <dir>/{lock,holders,lib}
 *
 * It must never leave a partial cluster behind: one is created aside and renamed into place. Called by
 * `server/standalone/embedded/embedded.ts` under the lock of the folder.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, chown, lchown, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Binaries } from './binaries.ts'
import { type Identity, launch, tether } from './process.ts'
import { Unusable } from './unusable.ts'

/** Paths within a data folder. */
export interface ClusterPaths {
  readonly cluster: string
  readonly pgdata: string
  readonly password: string
  readonly port: string
  readonly log: string
}

/** The paths of the cluster's files in `dir`. */
export function clusterPaths(dir: string, name = 'cluster'): ClusterPaths {
  const cluster = join(dir, name)
  const file = (leaf: string): string => join(cluster, leaf)
  return { cluster, pgdata: file('data'), password: file('password'), port: file('port'), log: file('log') }
}

/** How much of a program's output is examined. */
const END_OF_LOG = 2000

/** PostgreSQL supports paths of at most 1,023 bytes, and does not always report a longer one. */
const LONGEST_PATH = 900

/** The parameters of a new cluster. */
export interface NewCluster {
  readonly binaries: Binaries
  readonly identity: Identity
  readonly env: Readonly<Record<string, string>>
  /** False only if losing the cluster in a power cut does not matter. */
  readonly durable: boolean
  readonly walSegmentMb: number
}

/**
 * Creates the cluster if there is none: UTF-8, byte-wise order, SCRAM, a random password for `postgres`.
 *
 * @throws an `Error` with initdb's output; no cluster is left then, and the next start tries again.
 */
export async function ensureCluster(dir: string, making: NewCluster): Promise<void> {
  const paths = clusterPaths(dir)
  if (Buffer.byteLength(paths.pgdata) > LONGEST_PATH)
    throw new Unusable('the path is too long for PostgreSQL', 'set MOORING_DATA_DIR to a shorter one')
  if (await exists(paths.cluster)) return requireWhole(paths, making.binaries.major)
  const name = 'cluster-unfinished'
  const aside = clusterPaths(dir, name)
  // Under the lock nobody else is creating one: a killed process left this behind.
  await rm(aside.cluster, { recursive: true, force: true })
  await mkdir(aside.pgdata, { recursive: true, mode: 0o700 })
  await chmod(aside.cluster, 0o700)
  await writeFile(aside.password, randomBytes(24).toString('base64url'), { mode: 0o600 })
  await giveAway(aside.cluster, making.identity)
  await initdb(aside, making)
  await rename(aside.cluster, paths.cluster)
}

/**
 * Rejects a folder that is not a cluster created here, or that has another major version: PostgreSQL cannot read its
 * files.
 */
async function requireWhole({ cluster, pgdata, password }: ClusterPaths, major: number): Promise<void> {
  const version = await readFile(join(pgdata, 'PG_VERSION'), 'utf8').catch(unlessMissing)
  const remedy = `set MOORING_DATA_DIR to another folder, or restore ${cluster} from a backup`
  if (version === null || (await readFile(password, 'utf8').catch(unlessMissing)) === null)
    throw new Unusable(`${cluster} is not a database that Mooring created, or is damaged`, remedy)
  if (Number.parseInt(version, 10) === major) return
  const made = `the release that created it, with PostgreSQL ${version.trim()}`
  throw new Unusable(
    `its database is from PostgreSQL ${version.trim()}, and this release runs ${major}`,
    `start ${made}, and move the data with pg_dump, or set MOORING_DATA_DIR to another folder`,
  )
}

/** Null for a missing file. */
function unlessMissing(error: unknown): null {
  if (/^(ENOENT|ENOTDIR)$/.test(String(Reflect.get(Object(error), 'code')))) return null
  throw error
}

async function initdb(
  paths: ClusterPaths,
  { binaries, identity, env, durable, walSegmentMb }: NewCluster,
): Promise<void> {
  const args = ['-D', paths.pgdata, '-U', 'postgres', '--pwfile', paths.password, '-A', 'scram-sha-256', '-E', 'UTF8']
  // Without these, a missing LANG creates an SQL_ASCII cluster; the builtin provider exists since 17.
  args.push('--locale=C', ...(binaries.major >= 17 ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8'] : []))
  if (!durable) args.push('--no-sync')
  args.push('--wal-segsize', String(walSegmentMb))
  // It must not keep writing after we are killed: the next start clears the folder and starts over.
  const tethered = { ...identity, prefix: [...identity.prefix, ...(await tether())] }
  // Read here rather than written to a file: on a full disk a file would stay empty.
  const child = launch({ identity: tethered, program: binaries.initdb, args, env, stderr: 'pipe' })
  let said = ''
  child.stderr?.on('data', chunk => {
    said = `${said}${chunk}`.slice(-END_OF_LOG)
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`initdb failed: ${said.trim()}`)
}

/** Opens a new server log, readable only by its owner. The previous one is kept next to it. */
export async function openLog(paths: ClusterPaths, identity: Identity): Promise<Awaited<ReturnType<typeof open>>> {
  await rename(paths.log, `${paths.log}.before`).catch(() => undefined)
  const file = await open(paths.log, 'a', 0o600)
  if (identity.uid !== undefined) await file.chown(identity.uid, identity.gid ?? identity.uid)
  return file
}

/** Returns the end of the log. It contains no statements and no row values, because of the server's settings. */
export async function readLog(paths: ClusterPaths): Promise<string> {
  return (await readFile(paths.log, 'utf8').catch(() => '')).slice(-END_OF_LOG).trim()
}

/** Writes a file in the data folder atomically, readable only by PostgreSQL. */
export async function writePrivate(path: string, text: string, identity: Identity): Promise<void> {
  const draft = `${path}.draft`
  await rm(draft, { force: true })
  await writeFile(draft, text, { mode: 0o600 })
  if (identity.uid !== undefined) await chown(draft, identity.uid, identity.gid ?? identity.uid)
  await rename(draft, path)
}

/** Gives a folder and its content to the account that PostgreSQL runs as, if that is not our own. */
export async function giveAway(path: string, identity: Identity): Promise<void> {
  if (identity.uid === undefined || (await stat(path)).uid === identity.uid) return
  const gid = identity.gid ?? identity.uid
  const inside = await readdir(path, { recursive: true, withFileTypes: true })
  for (const entry of inside) await lchown(join(entry.parentPath, entry.name), identity.uid, gid)
  await chown(path, identity.uid, gid)
}

/** The content of `postmaster.pid`; `state` is PostgreSQL's own word. */
export interface PidFile {
  readonly pid: number
  readonly port: number
  readonly state: string
}

/** Reads `postmaster.pid`; null if it does not exist or is not yet complete. */
export async function readPidFile({ pgdata }: ClusterPaths): Promise<PidFile | null> {
  const text = await readFile(join(pgdata, 'postmaster.pid'), 'utf8').catch(() => null)
  if (text === null) return null
  const lines = text.split('\n')
  return { pid: Number(lines[0]), port: Number(lines[3]), state: lines[7]?.trim() ?? '' }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
