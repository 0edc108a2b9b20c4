/**
 * The two keys of a first start, which are shown once. They are made when everything else is up, printed, and only then
 * counted as shown: whatever ends a start before that, the next one shows keys again and revokes those that nobody saw.
 *
 * A note in the data folder says that keys are to be shown. It holds ids of keys, never a key. Called by `standalone.ts`.
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

/** Notes that keys are to be shown; before there is an organization that they could belong to. */
export function noteFirstStart(dir: string): Promise<void> {
  return write(dir, [])
}

/** The ids of keys that earlier starts made and may not have shown; null when nothing is to be shown. */
export async function unshownKeys(dir: string): Promise<readonly string[] | null> {
  const text = await readFile(noteIn(dir), 'utf8').catch((error: unknown) => {
    if (Reflect.get(Object(error), 'code') === 'ENOENT') return null
    throw error
  })
  if (text === null) return null
  const read = Note.safeParse(parsed(text))
  // One that cannot be read says as much as an empty one: that keys are to be shown.
  return read.success ? read.data.keys : []
}

/** The operator's commands that make and revoke keys of the organization. */
export interface KeyMaker {
  /** Makes a key and answers it; `begins` is told its id before it is there. */
  create(mode: Mode, begins: (id: string) => Promise<void>): Promise<string>
  revoke(id: string): Promise<unknown>
}

/**
 * Makes the keys to be shown. Of earlier ones the unused are revoked: no start has shown them. One that was used was seen,
 * by a start that ended after it had printed and before it could say so.
 */
export async function makeFirstKeys(
  maker: KeyMaker,
  of: { dir: string; unshown: readonly string[]; db: Db; organizationId: string },
): Promise<FirstKeys> {
  const { dir, unshown, db, organizationId } = of
  const ids = [...unshown]
  // Noted before it is there: of a key without a note nobody would know that it was never shown.
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

/** Writes the note whole, in the place of the one before. */
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
