/**
 * The temporary folder of a throw-away installation: created at its start, removed at its end, or by the next start if
 * a signal prevented that. It must never remove the folder of a living process, nor one of another account.
 */
import { randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { lstat, mkdir, readdir, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { clusterPaths } from '#server/standalone/embedded/cluster.ts'
import { isOccupied } from '#server/standalone/embedded/lock.ts'
import { stopPostmaster } from '#server/standalone/embedded/postmaster.ts'
import { chooseIdentity } from '#server/standalone/embedded/process.ts'

const PREFIX = 'mooring-throwaway-'
/** The file with which a living process claims a folder; `occupyFolder` writes it. */
const OWNER = 'running'
/** An unclaimed folder may belong to a start that has just created it. */
const UNTAKEN_MS = 600_000

/** The folders of the servers in an installation's own folder. */
export const SERVERS = { own: 'postgres', standby: 'standby', template: 'template/postgres' } as const

/** In memory, copying a cluster takes a tenth of the time. */
const IN_MEMORY = '/dev/shm'
/** Room for several installations; a container often has 64 MB there, which is too little for two. */
const ROOM_BYTES = 512 << 20

/** Names a folder for a new installation: in memory if there is room, unless `TMPDIR` names a place. */
export async function newFolder(isToldWhere: boolean): Promise<string> {
  const parent = !isToldWhere && (await isMemoryGood()) ? IN_MEMORY : tmpdir()
  return join(parent, PREFIX + randomUUID().slice(0, 13))
}

async function isMemoryGood(): Promise<boolean> {
  const room = await statfs(IN_MEMORY).catch(() => null)
  if (room === null || room.bavail * room.bsize < ROOM_BYTES) return false
  // Another account may need a copy of the programs in the folder, and in-memory file systems often forbid running
  // programs.
  return (await chooseIdentity('')).uid === undefined
}

/** Creates the folder, closed to other accounts, and removes it with its content when the stack is disposed. */
export async function makeThrowawayFolder(dir: string, cleanup: AsyncDisposableStack): Promise<void> {
  await mkdir(dir, { mode: 0o700 })
  // Synchronously: through the thread pool, these thousand files take twice the time, and nobody else is served any
  // more.
  cleanup.defer(() => rmSync(dir, { recursive: true, force: true }))
}

/** Removes the folders of installations that were killed, and stops the servers that they left running. */
export async function cleanupFolders(): Promise<void> {
  for (const parent of [tmpdir(), IN_MEMORY])
    for (const name of await readdir(parent).catch(() => []))
      if (name.startsWith(PREFIX)) await cleanupFolder(join(parent, name))
}

async function cleanupFolder(dir: string): Promise<void> {
  if (!(await isAbandoned(dir))) return
  for (const server of Object.values(SERVERS)) await stopPostmaster(clusterPaths(join(dir, server)))
  await rm(dir, { recursive: true, force: true })
}

async function isAbandoned(dir: string): Promise<boolean> {
  const stat = await lstat(dir).catch(() => null)
  if (stat === null || !stat.isDirectory() || stat.uid !== process.getuid?.()) return false
  const isTaken = await isOccupied(join(dir, OWNER))
  return isTaken === null ? Date.now() - stat.mtimeMs > UNTAKEN_MS : !isTaken
}
