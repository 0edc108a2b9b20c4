/**
 * Templates of throw-away installations: a cluster that was created and migrated once, stored in a cache folder under a
 * hash of its sources, and copied for each start. No server may ever run in it, and nobody may see it incomplete.
 * Called by `throwaway.ts`.
 */
import { createHash, randomUUID } from 'node:crypto'
import { constants, copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { access, lstat, mkdir, readdir, rename, rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { withLock } from '#server/standalone/embedded/lock.ts'

/** Incremented when the same sources produce a different template. */
const FORMAT = 1
const PREFIX = 'template-'
/** A template that nobody used for this long, such as another release's, is removed. */
const UNUSED_MS = 14 * 24 * 3600 * 1000
/** Files that a server writes for itself; a copy creates its own. */
const OF_A_SERVER = new Set(['postmaster.pid', 'postmaster.opts', 'log', 'log.before', 'port'])

/** The template to create, its sources, and its folder. */
export interface Templates {
  /** Folders for the cache, the best one first: the first writable one is used. */
  readonly folders: readonly string[]
  /** Texts and files from which a template is created: its name is their hash. */
  readonly texts: readonly string[]
  readonly files: readonly URL[]
  /** Creates a template in a folder outside the cache, and leaves nothing running there. */
  make(): Promise<string>
}

/**
 * Returns the folder of the template, creating it first if necessary. Of several concurrent processes only one creates
 * it.
 */
export async function ensureTemplate(templates: Templates): Promise<string> {
  const cache = await cacheFolder(templates.folders)
  const name = PREFIX + hashOf(templates)
  const at = join(cache, name)
  if (!(await isThere(at)))
    await withLock(cache, async () => {
      if (await isThere(at)) return
      await clear(cache)
      const made = await templates.make()
      const draft = join(cache, `draft-${randomUUID()}`)
      copyFolder(made, draft)
      await rename(draft, at)
    })
  const now = new Date()
  await utimes(at, now, now)
  return at
}

function hashOf({ texts, files }: Templates): string {
  const hash = createHash('sha256')
  for (const text of [String(FORMAT), ...texts, ...files.map(file => readFileSync(file, 'utf8'))])
    hash.update(`${Buffer.byteLength(text)} ${text}`)
  return hash.digest('hex').slice(0, 24)
}

/** The first folder that can be created and written, and that only this account can access: its content is executed. */
async function cacheFolder(folders: readonly string[]): Promise<string> {
  for (const folder of folders) {
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await access(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    } catch {
      continue
    }
    const { uid, mode } = await lstat(folder)
    if (uid === process.getuid?.() && (mode & 0o022) === 0) return folder
  }
  throw new Error(`No folder for templates is writable by this account alone: ${folders.join(', ')}.`)
}

/** Removes incomplete templates of killed processes, and templates that nobody uses. Call it under the lock. */
async function clear(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    const path = join(cache, name)
    const isOld = async () => Date.now() - (await lstat(path)).mtimeMs > UNUSED_MS
    if (name.startsWith('draft-') || (name.startsWith(PREFIX) && (await isOld())))
      await rm(path, { recursive: true, force: true })
  }
}

/**
 * Copies a folder that no server uses, accessible only to this account. Files share their blocks with the template's if
 * the file system supports that. Synchronous: through the thread pool, these thousand files take twice the time.
 */
export function copyFolder(from: string, to: string): void {
  mkdirSync(to, { recursive: true, mode: 0o700 })
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) copyFolder(source, target)
    else if (entry.isFile() && !OF_A_SERVER.has(entry.name))
      copyFileSync(source, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
  }
}

function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}
