/**
 * Makes PostgreSQL's programs reachable for the account that they run as: another account cannot read below root's
 * home, which is closed to others by default. In that case they are copied next to the cluster. Called by
 * `embedded.ts`.
 */
import { chmod, cp, readdir, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Binaries } from './binaries.ts'
import type { Identity } from './process.ts'

const READ = 0o4
const ENTER = 0o1

/** Returns the programs, or a copy of them below `spare`. Call it under the lock of the folder. */
export async function reachableBinaries(binaries: Binaries, identity: Identity, spare: string): Promise<Binaries> {
  if (identity.uid === undefined || (await canReach(binaries.postgres, identity))) return binaries
  const root = join(spare, binaries.version)
  const program = (path: string) => join(root, path.slice(binaries.root.length))
  const copied = { ...binaries, root, initdb: program(binaries.initdb), postgres: program(binaries.postgres) }
  if (await isThere(root)) return copied
  const draft = join(spare, 'unfinished')
  await rm(draft, { recursive: true, force: true })
  const native = join(draft, 'native')
  await cp(join(binaries.root, 'native'), native, { recursive: true, verbatimSymlinks: true })
  await open(draft)
  await rename(draft, root)
  return copied
}

/** True if the account may read a file and enter every folder on the way to it. */
async function canReach(path: string, identity: Identity): Promise<boolean> {
  const real = await realpath(path)
  const rights = await Promise.all([
    may(real, READ | ENTER, identity),
    ...foldersOf(real).map(folder => may(folder, ENTER, identity)),
  ])
  return !rights.includes(false)
}

function foldersOf(path: string): string[] {
  const folder = dirname(path)
  return folder === path ? [] : [folder, ...foldersOf(folder)]
}

async function may(path: string, right: number, { uid, gid }: Identity): Promise<boolean> {
  const found = await stat(path)
  const shift = found.uid === uid ? 6 : found.gid === gid ? 3 : 0
  return ((found.mode >> shift) & right) === right
}

/** Lets every account read a folder and its content, and run what its owner may run. */
async function open(folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await open(path)
    else if (entry.isFile()) await chmod(path, ((await stat(path)).mode & 0o100) === 0 ? 0o644 : 0o755)
  }
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
