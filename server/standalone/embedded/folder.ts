/**
 * Turns an error caused by the data folder into one sentence, which names `MOORING_DATA_DIR`, its value and the remedy.
 * It recognises the codes and texts of errors of the system, of the embedded PostgreSQL and of its statements.
 *
 * The entries and operators' commands wrap everything that they do in that folder in it.
 */
import { constants } from 'node:fs'
import { access, mkdir, statfs } from 'node:fs/promises'
import { dirname, isAbsolute, relative } from 'node:path'
import { printable } from '#shared/base/printable.ts'
import { Unusable } from './unusable.ts'

const VARIABLE = 'MOORING_DATA_DIR'

/** Runs work in the data folder. Replaces an error that the folder caused with a sentence. */
export function inFolder<T>(dir: string, work: () => Promise<T>): Promise<T> {
  return blaming(dir, work, error => (error instanceof Unusable ? Promise.resolve(error) : troubleOf(error, dir)))
}

/** Runs work in the data folder's database and elsewhere: only the database's errors can be caused by the folder. */
export function inDatabaseOf<T>(dir: string, work: () => Promise<T>): Promise<T> {
  return blaming(dir, work, error => (isOfDatabase(error) ? troubleOf(error, dir) : Promise.resolve(null)))
}

async function blaming<T>(
  dir: string,
  work: () => Promise<T>,
  troubleIn: (error: unknown) => Promise<Trouble | null>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const trouble = await troubleIn(error)
    if (trouble === null) throw error
    const remedy = trouble.remedy.replaceAll('{dir}', () => dir)
    const sentence = `${VARIABLE}=${dir} cannot be used: ${trouble.wrong}; ${remedy}.`
    throw new Error(printable(sentence), { cause: error })
  }
}

/**
 * Creates the folder, accessible only to its owner, if it does not exist. Throws the system error of the path at fault.
 */
export async function makeFolder(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 }).catch(async (error: unknown) => {
    // Below a read-only folder, Node reports that something is missing.
    if (Reflect.get(Object(error), 'code') === 'ENOENT') await access(await nearest(dir), constants.W_OK)
    throw error
  })
  await access(dir, constants.R_OK | constants.W_OK | constants.X_OK)
}

/** The folder itself, or its nearest existing parent. */
async function nearest(dir: string): Promise<string> {
  const isThere = await access(dir).then(
    () => true,
    () => false,
  )
  return isThere || dirname(dir) === dir ? dir : nearest(dirname(dir))
}

interface Trouble {
  readonly wrong: string
  readonly remedy: string
}

const ELSEWHERE = `set ${VARIABLE} to another folder`
const FULL = { wrong: 'its disk is full', remedy: `free some space, or ${ELSEWHERE}` }
const READ_ONLY = {
  wrong: 'its file system is read-only',
  remedy: `mount it writable, or ${ELSEWHERE}`,
}
const NO_FOLDER = { wrong: 'it is a file, or lies below one', remedy: `move the file away, or ${ELSEWHERE}` }
const CLOSED = {
  wrong: `this account (uid ${process.geteuid?.() ?? 0}) may not read and write it`,
  remedy: `run as root: mkdir -p '{dir}' && chown -R ${process.geteuid?.() ?? 0} '{dir}', or ${ELSEWHERE}`,
}
const TOO_LONG = { wrong: 'the path is too long', remedy: `set ${VARIABLE} to a shorter one` }
const CIRCLE = { wrong: 'its symbolic links form a loop', remedy: `fix the links, or ${ELSEWHERE}` }
const NOWHERE = { wrong: 'something in it, or its target, is missing', remedy: `restore it, or ${ELSEWHERE}` }
const BROKEN_DISK = { wrong: 'its disk reports an error', remedy: `repair the disk, or ${ELSEWHERE}` }

/** By system error code, and SQLSTATE. */
const BY_CODE: Readonly<Record<string, Trouble>> = {
  ENOSPC: FULL,
  EDQUOT: FULL,
  '53100': FULL,
  EFBIG: FULL,
  EROFS: READ_ONLY,
  EACCES: CLOSED,
  EPERM: CLOSED,
  EEXIST: NO_FOLDER,
  ENOTDIR: NO_FOLDER,
  EISDIR: { wrong: 'a folder is in the place of one of its files', remedy: `move it away, or ${ELSEWHERE}` },
  ENAMETOOLONG: TOO_LONG,
  '28P01': {
    wrong: 'its database refuses the password stored with it',
    remedy: `restore '{dir}/postgres/cluster/password' from a backup, or ${ELSEWHERE}`,
  },
  ELOOP: CIRCLE,
  ENOENT: NOWHERE,
  EIO: BROKEN_DISK,
  '58030': BROKEN_DISK,
}

/** By the last output of a PostgreSQL program. */
const BY_TEXT: readonly (readonly [RegExp, Trouble])[] = [
  [/No space left on device|Disk quota exceeded|File too large/, FULL],
  [/Read-only file system/, READ_ONLY],
  [/File name too long|path name too long|is too long \(maximum/, TOO_LONG],
  [/Input\/output error/, BROKEN_DISK],
  [/wrong ownership|must be started by the user/, { ...CLOSED, wrong: 'its database belongs to another account' }],
  [
    /has invalid permissions|has group or world access/,
    {
      wrong: 'its database can be read by other accounts',
      remedy: `run: chmod 700 '{dir}/postgres/cluster/data', or ${ELSEWHERE}`,
    },
  ],
  [/Permission denied/, CLOSED],
]

async function troubleOf(error: unknown, dir: string): Promise<Trouble | null> {
  if (!(error instanceof Error)) return null
  const code = String(Reflect.get(error, 'code') ?? '')
  const path: unknown = Reflect.get(error, 'path')
  const known = BY_CODE[code]
  if (known !== undefined && (typeof path !== 'string' || isConcerned(path, dir))) return known
  if (isLost(error)) return (await roomIn(dir)) < SEGMENT ? FULL : null
  return code === '' && PROGRAM_FAILED.test(error.message) ? troubleOfProgram(error.message, dir) : null
}

/**
 * The size of a WAL segment, in bytes. A server without room for the next one ends, and frees the part that it had
 * written.
 */
const SEGMENT = 16 * 1_048_576

/** True if the server ended during a statement, or is not running: there may have been no room for its own message. */
function isLost(error: Error): boolean {
  const code = String(Reflect.get(error, 'code') ?? '')
  return /^(08|57P)...?$|^ECONN/.test(code) || error.message.startsWith('Connection terminated')
}

const SQLSTATE = /^[0-9A-Z]{5}$/

function isOfDatabase(error: unknown): boolean {
  return error instanceof Error && (SQLSTATE.test(String(Reflect.get(error, 'code'))) || isLost(error))
}

async function roomIn(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir)
  return bavail * bsize
}

/** The messages of `embedded/` for a PostgreSQL program that failed, with the end of its output. */
const PROGRAM_FAILED = /^(initdb failed|PostgreSQL did not start): /

async function troubleOfProgram(message: string, dir: string): Promise<Trouble> {
  const known = BY_TEXT.find(([pattern]) => pattern.test(message))?.[1]
  if (known !== undefined) return known
  const said = message.replace(PROGRAM_FAILED, '').split('\n')
  // On a full disk the log has no room for the reason.
  if (said.join('') === '' && (await roomIn(dir)) < NEARLY_NOTHING) return FULL
  const reason = said.findLast(line => /FATAL|PANIC|error:/.test(line)) ?? said.at(-1) ?? ''
  return {
    wrong: `its PostgreSQL does not start (${reason.trim()})`,
    remedy: `fix the reported problem, restore the folder from a backup, or ${ELSEWHERE}`,
  }
}

const NEARLY_NOTHING = 1_048_576

/** True if the path is in the folder, or above it: then the folder could not be created. */
function isConcerned(path: string, dir: string): boolean {
  const isWithin = (inner: string, outer: string) => {
    const way = relative(outer, inner)
    return way === '' || !(way.startsWith('..') || isAbsolute(way))
  }
  return isWithin(path, dir) || isWithin(dir, path)
}
