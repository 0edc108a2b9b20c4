/**
 * The two keys of a first start, which are shown once. They are created when everything else is running, printed, and
 * only then marked as shown: if a start ends before that, the next one shows new keys and revokes those that nobody
 * saw.
 *
 * A note in the data folder says that keys must be shown. It contains ids of keys, never a key. Called by
 * `standalone.ts`.
 */
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import * as apiKeys from '#server/store/access/api-keys.ts'
import type { Db } from '#server/store/tables/tables.ts'
import type { Mode } from '#shared/base/wire.ts'

/** The keys of a first start. Secret. */
export interface FirstKeys {
  readonly testKey: string
  readonly liveKey: string
}

const Note = z.object({ keys: z.array(z.uuid()) })

const noteIn = (dir: string): string => join(dir, 'first-start.json')

/** Notes that keys must be shown, before an organization exists that they could belong to. */
export function noteFirstStart(dir: string): Promise<void> {
  return write(dir, [])
}

/** The ids of keys that earlier starts created and may not have shown; null if nothing needs to be shown. */
export async function unshownKeys(dir: string): Promise<readonly string[] | null> {
  const text = await readFile(noteIn(dir), 'utf8').catch((error: unknown) => {
    if (Reflect.get(Object(error), 'code') === 'ENOENT') return null
    throw error
  })
  if (text === null) return null
  const read = Note.safeParse(parsed(text))
  // An unreadable note means the same as an empty one: keys must be shown.
  return read.success ? read.data.keys : []
}

/** The operator's commands that create and revoke keys of the organization. */
export interface KeyMaker {
  /** Creates a key and returns it; calls `begins` with its id before it exists. */
  create(mode: Mode, begins: (id: string) => Promise<void>): Promise<string>
  revoke(id: string): Promise<unknown>
}

/**
 * Creates the keys to show. Revokes earlier keys that were never used, because no start has shown them. A used key was
 * seen: its start ended after printing it and before marking it as shown.
 */
export async function makeFirstKeys(
  maker: KeyMaker,
  { dir, unshown, db, organizationId }: { dir: string; unshown: readonly string[]; db: Db; organizationId: string },
): Promise<FirstKeys> {
  const ids = [...unshown]
  // Noted before it exists: without a note, nobody would know that a key was never shown.
  const make = (mode: Mode) =>
    maker.create(mode, id => {
      ids.push(id)
      return write(dir, ids)
    })
  const keys = { testKey: await make('test'), liveKey: await make('live') }
  const rows = await apiKeys.list(db, organizationId)
  const unused = rows.filter(row => unshown.includes(row.id) && row.last_used_at === null && row.revoked_at === null)
  for (const { id } of unused) await maker.revoke(id)
  return keys
}

/** Notes that the keys were shown. */
export async function noteShown(dir: string): Promise<void> {
  await rm(noteIn(dir), { force: true })
}

/** Writes the note atomically, in place of the previous one. */
async function write(dir: string, keys: readonly string[]): Promise<void> {
  const draft = `${noteIn(dir)}.draft`
  await writeFile(draft, JSON.stringify({ keys }), { mode: 0o600, flush: true })
  await rename(draft, noteIn(dir))
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
