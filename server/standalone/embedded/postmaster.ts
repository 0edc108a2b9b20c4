/**
 * The server process of a cluster: find the one that runs, start one, stop it.
 *
 * `postmaster.pid` says which process it is and how far it got, as `pg_ctl` reads it; a file that a killed server left is
 * removed only when no such process lives. Called by `server/standalone/embedded/embedded.ts` under the lock of the folder.
 */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Binaries } from './binaries.ts'
import { type ClusterPaths, openLog, type PidFile, readLog, readPidFile } from './cluster.ts'
import { choosePort } from './port.ts'
import { gone, type Identity, launch, lookUp } from './process.ts'

// Recovery after a crash replays the log, so that a start can take long; a stop first writes a checkpoint. One that is asked
// for in the midst of a recovery may never come, and the entries are killed 25 s after they were told to stop.
const START_TIMEOUT_MS = 120_000
const STOP_TIMEOUT_MS = 12_000
const POLL_MS = 15
/** The words of `postmaster.pid` for a server that takes connections, and for a standby that does. */
const READY: readonly string[] = ['ready', 'standby']

/** Answers the running server of a cluster once it takes connections; null when none runs. */
export async function findRunning(paths: ClusterPaths): Promise<PidFile | null> {
  const deadline = performance.now() + START_TIMEOUT_MS
  while (performance.now() < deadline) {
    const file = await readPidFile(paths)
    if (file === null) return null
    if (!(await isPostmaster(file.pid, paths))) return removeStale(paths, file)
    if (READY.includes(file.state)) return file
    await wait(POLL_MS)
  }
  throw new Error('The embedded PostgreSQL neither starts nor stops.')
}

async function isPostmaster(pid: number, { pgdata }: ClusterPaths): Promise<boolean> {
  const living = await lookUp(pid)
  // If the system cannot identify a process, PostgreSQL itself judges the file when it starts.
  return living !== null && (living.command === null || living.command.includes(` -D ${pgdata} `))
}

async function removeStale(paths: ClusterPaths, file: PidFile): Promise<null> {
  // A server that is just starting writes its number a moment after it makes the file.
  await wait(POLL_MS * 4)
  const again = await readPidFile(paths)
  if (again !== null && (again.pid === file.pid || Number.isNaN(again.pid)))
    await rm(join(paths.pgdata, 'postmaster.pid'))
  return null
}

/** The parameters of a server's start. */
export interface PostmasterStart {
  readonly paths: ClusterPaths
  readonly binaries: Binaries
  readonly identity: Identity
  readonly env: Readonly<Record<string, string>>
  readonly settings: Readonly<Record<string, string>>
  /** A fixed port; undefined for the remembered or a free one. */
  readonly port: number | undefined
}

/**
 * Starts the server and answers when it takes connections. It tries again where another program was faster at the port,
 * and while the last processes of a killed server still hold its memory.
 *
 * @throws an `Error` with the end of the server's log.
 */
export async function startPostmaster(start: PostmasterStart): Promise<PidFile> {
  const deadline = performance.now() + START_TIMEOUT_MS
  for (;;) {
    const port = start.port ?? (await choosePort(start.paths.port))
    const file = await tryStart(start, port, deadline)
    if (file !== null) return file
    const said = await readLog(start.paths)
    const again = start.port === undefined ? /could not bind|shared memory block/ : /shared memory block/
    if (!again.test(said) || performance.now() > deadline) throw new Error(`PostgreSQL did not start: ${said}`)
    await wait(100)
  }
}

async function tryStart(start: PostmasterStart, port: number, deadline: number): Promise<PidFile | null> {
  const { paths, binaries, identity, env } = start
  const log = await openLog(paths, identity)
  try {
    const args = ['-D', paths.pgdata, '-p', `${port}`, ...settingArguments(start.settings)]
    const child = launch({ identity, program: binaries.postgres, args, env, stderr: log.fd })
    const exited = once(child, 'exit').then(() => null)
    const file = await Promise.race([exited, ready(child, paths, deadline)])
    child.unref()
    return file
  } finally {
    await log.close()
  }
}

async function ready(child: ChildProcess, paths: ClusterPaths, deadline: number): Promise<PidFile | null> {
  while (performance.now() < deadline && child.exitCode === null) {
    const file = await readPidFile(paths)
    if (file !== null && file.pid === child.pid && READY.includes(file.state)) return file
    await wait(POLL_MS)
  }
  child.kill('SIGINT')
  return null
}

function settingArguments(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

/** Stops the server of a cluster, if one runs: sessions are cut off, data is written, the process is waited for. */
export async function stopPostmaster(paths: ClusterPaths): Promise<void> {
  const file = await readPidFile(paths)
  if (file === null || !(await isPostmaster(file.pid, paths))) return
  process.kill(file.pid, 'SIGINT')
  if (await gone(file.pid, STOP_TIMEOUT_MS)) return
  // At once and without a checkpoint; the next start recovers.
  process.kill(file.pid, 'SIGQUIT')
  if (!(await gone(file.pid, STOP_TIMEOUT_MS))) throw new Error('The embedded PostgreSQL does not stop.')
}
