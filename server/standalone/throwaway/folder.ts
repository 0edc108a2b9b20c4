/**
 * The temporary folder of a throw-away installation: made at its start, removed at its end, and by the next start where a
 * signal left no end. It must never remove the folder of a living process, nor one of another account.
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
/** The file by which a living process says that a folder is its own; `occupyFolder` writes it. */
const OWNER = 'running'
/** A folder that nobody has taken yet may belong to a start that has just made it. */
const UNTAKEN_MS = 600_000

/** Folders of the servers that an installation has in its own folder. */
export const SERVERS = { own: 'postgres', standby: 'standby', template: 'template/postgres' } as const

/** In memory: a cluster is copied there in a tenth of the time. */
const IN_MEMORY = '/dev/shm'
/** Room for some installations; a container often has 64 MB there, which is too little for two. */
const ROOM_BYTES = 512 << 20

/** Names a folder for a new installation: in memory where there is room, unless `TMPDIR` says where to be. */
export async function newFolder(isToldWhere: boolean): Promise<string> {
  const parent = !isToldWhere && (await isMemoryGood()) ? IN_MEMORY : tmpdir()
  return join(parent, PREFIX + randomUUID().slice(0, 13))
}

async function isMemoryGood(): Promise<boolean> {
  const room = await statfs(IN_MEMORY).catch(() => null)
  if (room === null || room.bavail * room.bsize < ROOM_BYTES) return false
  // Another account may need a copy of the programs in the folder, and what lies in memory often may not be run.
  return (await chooseIdentity('')).uid === undefined
}

/** Makes the folder, closed to other accounts, and removes it with all in it when the stack ends. */
export async function makeThrowawayFolder(dir: string, cleanup: AsyncDisposableStack): Promise<void> {
  await mkdir(dir, { mode: 0o700 })
  // At once: by the thread pool, these thousand files take twice the time, and nobody else is served any more.
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
