/**
 * The server process of a cluster: finds the running one, starts one, stops it.
 *
 * `postmaster.pid` tells which process it is and how far it has come, as `pg_ctl` reads it; a file left by a killed
 * server is removed only if no such process lives. Called by `server/standalone/embedded/embedded.ts` under the lock of
 * the folder.
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

// Crash recovery replays the log, so a start can take long; a stop first writes a checkpoint. A stop requested during
// recovery may never complete, and the entries are killed 25 s after the signal to stop.
const START_TIMEOUT_MS = 120_000
const STOP_TIMEOUT_MS = 12_000
const POLL_MS = 15
/** The states in `postmaster.pid` of a server that accepts connections, and of a standby that does. */
const READY: readonly string[] = ['ready', 'standby']

/** Returns the running server of a cluster once it accepts connections; null if none is running. */
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
  // If the system cannot identify a process, PostgreSQL itself evaluates the file when it starts.
  return living !== null && (living.command === null || living.command.includes(` -D ${pgdata} `))
}

async function removeStale(paths: ClusterPaths, file: PidFile): Promise<null> {
  // A server that is just starting writes its process id a moment after it creates the file.
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
 * Starts the server and resolves when it accepts connections. Retries if another program took the port first, and while
 * the last processes of a killed server still hold its memory.
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

/** Stops the server of a cluster, if one is running: terminates sessions, writes data, and waits for the process. */
export async function stopPostmaster(paths: ClusterPaths): Promise<void> {
  const file = await readPidFile(paths)
  if (file === null || !(await isPostmaster(file.pid, paths))) return
  process.kill(file.pid, 'SIGINT')
  if (await gone(file.pid, STOP_TIMEOUT_MS)) return
  // Immediately and without a checkpoint; the next start recovers.
  process.kill(file.pid, 'SIGQUIT')
  if (!(await gone(file.pid, STOP_TIMEOUT_MS))) throw new Error('The embedded PostgreSQL does not stop.')
}
