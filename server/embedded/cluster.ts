/**
 * The files of one embedded PostgreSQL: a cluster made once, its password, port, access rules and log.
 *
 *     <dir>/cluster/{data,password,port,log}     <dir>/{lock,holders,lib}
 *
 * It must never leave half a cluster behind: one is made aside and renamed into place whole. Called by
 * `server/embedded.ts` under the lock of the folder.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, chown, lchown, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Binaries } from './binaries.ts'
import { type Identity, launch, tether } from './process.ts'

/** Paths within a data folder. */
export interface ClusterPaths {
  readonly cluster: string
  readonly pgdata: string
  readonly password: string
  readonly port: string
  readonly log: string
}

/** Names the files of the cluster in `dir`. */
export function clusterPaths(dir: string, name = 'cluster'): ClusterPaths {
  const cluster = join(dir, name)
  const file = (leaf: string): string => join(cluster, leaf)
  return { cluster, pgdata: file('data'), password: file('password'), port: file('port'), log: file('log') }
}

/** What a cluster is made with. */
export interface Making {
  readonly binaries: Binaries
  readonly identity: Identity
  readonly env: Readonly<Record<string, string>>
  /** False only where losing the cluster in a power cut does not matter. */
  readonly durable: boolean
}

/**
 * Makes the cluster if there is none: UTF-8, byte-wise order, SCRAM, a random password for `postgres`.
 *
 * @throws an `Error` with what initdb said; no cluster is left then, and the next start tries again.
 */
export async function ensureCluster(dir: string, making: Making): Promise<void> {
  const paths = clusterPaths(dir)
  if (await exists(paths.cluster)) return
  const name = 'cluster-unfinished'
  const aside = clusterPaths(dir, name)
  // Under the lock nobody else is making one: what is there was left by a process that was killed.
  await rm(aside.cluster, { recursive: true, force: true })
  await mkdir(aside.pgdata, { recursive: true, mode: 0o700 })
  await chmod(aside.cluster, 0o700)
  await writeFile(aside.password, randomBytes(24).toString('base64url'), { mode: 0o600 })
  await giveAway(aside.cluster, making.identity)
  await initdb(aside, making)
  await rename(aside.cluster, paths.cluster)
}

async function initdb(paths: ClusterPaths, { binaries, identity, env, durable }: Making): Promise<void> {
  const log = await openLog(paths, identity)
  try {
    const args = ['-D', paths.pgdata, '-U', 'postgres', '--pwfile', paths.password, '-A', 'scram-sha-256', '-E', 'UTF8']
    // Without these, a missing LANG makes an SQL_ASCII cluster; the builtin provider came with 17.
    args.push('--locale=C', ...(binaries.major >= 17 ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8'] : []))
    if (!durable) args.push('--no-sync')
    // It must not go on writing after we were killed: the next start clears the folder and begins anew.
    const tethered = { ...identity, prefix: [...identity.prefix, ...(await tether())] }
    const child = launch({ identity: tethered, program: binaries.initdb, args, env, stderr: log.fd })
    const [code] = await once(child, 'exit')
    if (code !== 0) throw new Error(`initdb failed: ${await readLog(paths)}`)
  } finally {
    await log.close()
  }
}

/** Opens the server's log anew, for its owner alone. The one before is kept beside it. */
export async function openLog(paths: ClusterPaths, identity: Identity): Promise<Awaited<ReturnType<typeof open>>> {
  await rename(paths.log, `${paths.log}.before`).catch(() => undefined)
  const file = await open(paths.log, 'a', 0o600)
  if (identity.uid !== undefined) await file.chown(identity.uid, identity.gid ?? identity.uid)
  return file
}

/** Answers the end of the log. It holds no statements and no row values: the server is started so. */
export async function readLog(paths: ClusterPaths): Promise<string> {
  return (await readFile(paths.log, 'utf8').catch(() => '')).slice(-2000).trim()
}

/** Writes a file of the data folder for PostgreSQL's eyes alone. */
export async function writePrivate(path: string, text: string, identity: Identity): Promise<void> {
  await writeFile(path, text, { mode: 0o600 })
  await chmod(path, 0o600)
  if (identity.uid !== undefined) await chown(path, identity.uid, identity.gid ?? identity.uid)
}

/** Hands a folder and all in it to the account that PostgreSQL runs as, where that is not our own. */
export async function giveAway(path: string, identity: Identity): Promise<void> {
  if (identity.uid === undefined || (await stat(path)).uid === identity.uid) return
  const gid = identity.gid ?? identity.uid
  const inside = await readdir(path, { recursive: true, withFileTypes: true })
  for (const entry of inside) await lchown(join(entry.parentPath, entry.name), identity.uid, gid)
  await chown(path, identity.uid, gid)
}

/** What `postmaster.pid` tells; `state` is PostgreSQL's own word for it. */
export interface PidFile {
  readonly pid: number
  readonly port: number
  readonly state: string
}

/** Reads `postmaster.pid`, or answers null when there is none or it is not yet written whole. */
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
