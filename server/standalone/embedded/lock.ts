/**
 * The locks of a data folder: files that name the process which may start and stop its server, and the processes that
 * use it.
 *
 * A command alongside a running server, two concurrent starts and a process killed with SIGKILL must all end with one
 * server, and with none when its last user has exited. Called only by `server/standalone/embedded/embedded.ts`.
 */
import { randomUUID } from 'node:crypto'
import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { lookUp } from './process.ts'
import { Unusable } from './unusable.ts'

const LOCK_TIMEOUT_MS = 60_000
/** If several processes break a dead process's file at once, one gets it; the others find it taken. */
const TRIES = 3

/**
 * Runs `work` while no other process starts or stops the server of this folder. A dead process's lock does not count.
 */
export async function withLock<T>(dir: string, work: () => Promise<T>): Promise<T> {
  const lock = join(dir, 'lock')
  await acquire(lock)
  try {
    return await work()
  } finally {
    await rm(lock, { force: true })
  }
}

async function acquire(lock: string): Promise<void> {
  const deadline = performance.now() + LOCK_TIMEOUT_MS
  // Linked into place, so that a lock never exists without its owner's name in it.
  const draft = `${lock}-${randomUUID()}`
  try {
    await writeFile(draft, await ownMark(), { mode: 0o600 })
    while (performance.now() < deadline) {
      if (await linkNew(draft, lock)) return
      await breakIfDead(lock)
      await wait(20)
    }
  } finally {
    await rm(draft, { force: true })
  }
  const remedy = `if none is starting or stopping, remove ${lock}`
  throw new Unusable('another process has been starting or stopping its database for a minute', remedy)
}

/** Links `from` to `to`; returns false if `to` already exists. */
async function linkNew(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

async function breakIfDead(lock: string): Promise<void> {
  const mark = await readFile(lock, 'utf8').catch(() => null)
  if (mark === null || (await isAlive(mark))) return
  // Renamed before it is removed, so that of two processes that found it dead only one breaks it.
  const aside = `${lock}-${randomUUID()}`
  await rename(lock, aside).catch(() => undefined)
  const broken = await readFile(aside, 'utf8').catch(() => null)
  // Another process broke it first, and this is its new lock: put it back.
  if (broken !== null && broken !== mark) await rename(aside, lock)
  await rm(aside, { force: true })
}

/**
 * Takes a file for this process during its lifetime; a dead process's claim does not count. Returns a function that
 * releases it or, if a living process has it, that process's id.
 */
export async function occupy(file: string): Promise<{ free: () => Promise<void> } | { pid: number }> {
  const draft = `${file}-${randomUUID()}`
  try {
    await writeFile(draft, await ownMark(), { mode: 0o600 })
    for (let tries = 0; tries < TRIES; tries += 1) {
      if (await linkNew(draft, file)) return { free: () => rm(file, { force: true }) }
      await breakIfDead(file)
    }
  } finally {
    await rm(draft, { force: true })
  }
  return { pid: Number((await readFile(file, 'utf8').catch(() => '')).split(' ')[0]) }
}

/** True if a living process has taken a file through `occupy`; null if nobody has. */
export async function isOccupied(file: string): Promise<boolean | null> {
  const mark = await readFile(file, 'utf8').catch(() => null)
  return mark === null ? null : isAlive(mark)
}

/** Notes that this process uses the server; returns the note, to be passed to `release`. Call it under the lock. */
export async function addHolder(dir: string): Promise<string> {
  const holders = join(dir, 'holders')
  await mkdir(holders, { recursive: true, mode: 0o700 })
  const note = join(holders, randomUUID())
  await writeFile(note, await ownMark(), { mode: 0o600 })
  return note
}

/** Removes the note; returns true if no living process holds another one. Call it under the lock. */
export async function removeHolder(dir: string, note: string): Promise<boolean> {
  const holders = join(dir, 'holders')
  await rm(note, { force: true })
  for (const name of await readdir(holders).catch(() => [])) {
    const other = join(holders, name)
    if (await isAlive(await readFile(other, 'utf8').catch(() => ''))) return false
    await rm(other, { force: true })
  }
  return true
}

async function ownMark(): Promise<string> {
  return `${process.pid} ${(await lookUp(process.pid))?.started ?? ''}`
}

async function isAlive(mark: string): Promise<boolean> {
  const [pid, started] = mark.split(' ')
  return (await lookUp(Number(pid)))?.started === started
}
