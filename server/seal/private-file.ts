/**
 * Reads a file that holds secrets, and refuses one that another user could have planted or can read: with another
 * owner, behind a link, accessible to others, or in a folder in which others can replace it. As with OpenSSH's
 * `StrictModes`, the parent folders count, too. `keyring-file.ts` calls it; on Windows, which has other permissions,
 * the file is simply read.
 */
import { constants, type Stats } from 'node:fs'
import { lstat, open, realpath, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

const OTHERS = 0o077
const WRITABLE_BY_OTHERS = 0o002
const WRITABLE_BY_GROUP_OR_OTHERS = 0o022
const STICKY = 0o1000

/** The file's text. Throws one sentence with the path and the command to run; null if there is no such file. */
export async function readPrivateFile(path: string, what: string): Promise<string | null> {
  const named = resolve(path)
  const found = await lstat(named).catch(unlessMissing)
  if (found === null) return null
  if (process.platform === 'win32') return readWhole(named)
  if (found.isSymbolicLink()) await refuseLink(named, what)
  await requirePrivateFolder(dirname(named), what)
  // The checked file is the one that is read: a link placed there in the meantime is not followed.
  const file = await open(named, constants.O_RDONLY | constants.O_NOFOLLOW).catch((error: unknown) => {
    if (codeOf(error) !== 'EACCES') throw error
    throw new Error(`${what} ${path} cannot be read by this user (uid ${ownUid()}). Run as its owner.`)
  })
  try {
    requireOwn(await file.stat(), { path, what })
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

/** Throws for a folder in which others could replace a file that is kept there. */
export async function requirePrivateFolder(folder: string, what: string): Promise<void> {
  if (process.platform === 'win32') return
  if ((await lstat(folder)).isSymbolicLink()) await refuseLink(folder, `${what}'s folder`)
  const real = await realpath(folder)
  const own = await stat(real)
  if ((own.mode & WRITABLE_BY_GROUP_OR_OTHERS) !== 0)
    throw new Error(`${what}'s folder ${folder} can be written by others. Run: chmod go-w ${folder}`)
  requireOwner(own, { path: folder, what: `${what}'s folder` })
  for (let above = dirname(real); ; above = dirname(above)) {
    const { mode } = await stat(above)
    // In a sticky folder such as /tmp, only the owner of an entry can move it.
    if ((mode & WRITABLE_BY_OTHERS) !== 0 && (mode & STICKY) === 0)
      throw new Error(`${what} lies under ${above}, which everyone can write to. Run: chmod o-w ${above}`)
    if (above === dirname(above)) return
  }
}

/** A link can be redirected to another file without touching this one. */
async function refuseLink(path: string, what: string): Promise<never> {
  const target = await realpath(path).catch(() => null)
  const remedy =
    target === null ? 'Name the file itself.' : `Name its target, ${target}, or print it with MOORING_KEYRING_COMMAND.`
  throw new Error(`${what} ${path} is a symbolic link. ${remedy}`)
}

function requireOwn(found: Stats, file: { path: string; what: string }): void {
  const { path, what } = file
  if (!found.isFile()) throw new Error(`${what} ${path} is not a file.`)
  if ((found.mode & OTHERS) !== 0) throw new Error(`${what} ${path} can be read by others. Run: chmod 600 ${path}`)
  requireOwner(found, file)
}

/** Root may own it: root can read and write everything anyway. */
function requireOwner(found: Stats, { path, what }: { path: string; what: string }): void {
  if (found.uid === ownUid() || found.uid === 0) return
  throw new Error(
    `${what} ${path} belongs to another user (uid ${found.uid}), and this process runs as uid ${ownUid()}. Run as that ` +
      `user, or: chown ${ownUid()} ${path}`,
  )
}

function ownUid(): number {
  return process.geteuid?.() ?? 0
}

async function readWhole(path: string): Promise<string> {
  const file = await open(path)
  try {
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

function codeOf(error: unknown): unknown {
  return Reflect.get(Object(error), 'code')
}

function unlessMissing(error: unknown): null {
  if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return null
  throw error
}
