/**
 * The folder of a test's PostgreSQL server: in memory if there is plenty of room, because each database is a copy of
 * some five hundred files; otherwise in the system's temporary folder.
 *
 * It must never fill the memory: folders whose process was killed are removed by the next one. Called by `postgres.ts`.
 */
import { mkdtemp, readdir, rm, stat, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chooseIdentity } from '#server/standalone/embedded/process.ts'

const IN_MEMORY = '/dev/shm'
/** Room for all servers of a whole run, several times over. */
const ROOM_BYTES = 6 * 2 ** 30
const PREFIX = 'mooring-postgres-'

let cleaned: Promise<void> | null = null

/** Creates an empty folder, which the caller removes. */
export async function makeServerFolder(): Promise<string> {
  if (!(await isMemoryGood())) return mkdtemp(join(tmpdir(), PREFIX))
  cleaned ??= removeAbandoned()
  await cleaned
  return mkdtemp(join(IN_MEMORY, `${PREFIX}${process.pid}-`))
}

async function isMemoryGood(): Promise<boolean> {
  const room = await statfs(IN_MEMORY).catch(() => null)
  if (room === null || room.bavail * room.bsize < ROOM_BYTES) return false
  // Another account may need a copy of the programs in the folder, and in-memory file systems often forbid running
  // programs.
  return (await chooseIdentity('')).uid === undefined
}

async function removeAbandoned(): Promise<void> {
  for (const name of await readdir(IN_MEMORY)) {
    const [, pid] = /^mooring-postgres-(\d+)-/.exec(name) ?? []
    if (pid === undefined || (await exists(`/proc/${pid}`))) continue
    await rm(join(IN_MEMORY, name), { recursive: true, force: true })
  }
}

async function exists(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null)
  return found !== null
}
