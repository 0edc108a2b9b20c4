/**
 * The temporary folder of a throw-away installation: made at its start, removed at its end, and by the next start where a
 * signal left no end. It must never remove the folder of a living process, nor one of another account.
 */
import { randomUUID } from 'node:crypto'
import { lstat, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { clusterPaths } from '#server/standalone/embedded/cluster.ts'
import { isOccupied } from '#server/standalone/embedded/lock.ts'
import { stopPostmaster } from '#server/standalone/embedded/postmaster.ts'

const PREFIX = 'mooring-throwaway-'
/** The file by which a living process says that a folder is its own; `occupyFolder` writes it. */
const OWNER = 'running'
/** A folder that nobody has taken yet may belong to a start that has just made it. */
const UNTAKEN_MS = 600_000

/** Folders of the servers that an installation has in its own folder. */
export const SERVERS = { own: 'postgres', standby: 'standby', template: 'template/postgres' } as const

/** Names a folder for a new installation, below the system's temporary one. */
export function newFolder(temporary: string): string {
  return join(temporary, PREFIX + randomUUID().slice(0, 13))
}

/** Makes the folder, closed to other accounts, and removes it with all in it when the stack ends. */
export async function makeThrowawayFolder(dir: string, cleanup: AsyncDisposableStack): Promise<void> {
  await mkdir(dir, { mode: 0o700 })
  cleanup.defer(() => rm(dir, { recursive: true, force: true }))
}

/** Removes the folders of installations that were killed, and stops the servers that they left running. */
export async function sweepFolders(temporary: string): Promise<void> {
  for (const name of await readdir(temporary)) {
    if (!name.startsWith(PREFIX)) continue
    const dir = join(temporary, name)
    if (!(await isAbandoned(dir))) continue
    for (const server of Object.values(SERVERS)) await stopPostmaster(clusterPaths(join(dir, server)))
    await rm(dir, { recursive: true, force: true })
  }
}

async function isAbandoned(dir: string): Promise<boolean> {
  const stat = await lstat(dir).catch(() => null)
  if (stat === null || !stat.isDirectory() || stat.uid !== process.getuid?.()) return false
  const isTaken = await isOccupied(join(dir, OWNER))
  return isTaken === null ? Date.now() - stat.mtimeMs > UNTAKEN_MS : !isTaken
}
