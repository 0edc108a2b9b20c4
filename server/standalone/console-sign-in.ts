/**
 * Codes with which the console signs in on the machine of a local installation. Its data folder contains the hash of
 * the current code, never the code, and the ids of keys that the console created. A new code replaces the previous one.
 *
 * The greeting and `mooring console` create codes; `local.signIn` redeems them, in the one process that serves from the
 * folder.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { LocalConsole } from '#server/domain/access/local-console.ts'

const LIVES_MS = 5 * 60_000
/** The number of key ids that are kept: their keys expire after twelve hours. */
const MAX_OWN = 200

const Code = z.object({ hash: z.string(), expiresAt: z.number() })
const Own = z.array(z.uuid())

const codeIn = (dir: string): string => join(dir, 'console-code.json')
const ownIn = (dir: string): string => join(dir, 'console-keys.json')

/** Creates a random 128-bit code, valid once and for five minutes. It invalidates the previous code. */
export async function makeConsoleCode(dir: string, now: Date): Promise<string> {
  const code = randomBytes(16).toString('base64url')
  await write(codeIn(dir), { hash: hashOf(code).toString('hex'), expiresAt: now.getTime() + LIVES_MS })
  return code
}

/** The address that signs in to the console: the code is in the fragment, which no browser sends. Contains a secret. */
export function consoleAddress(url: string, code: string): string {
  return `${url}/#code=${code}`
}

/** Creates a code and its address. Throws a sentence if the folder belongs to no installation. */
export async function newConsoleAddress(
  { localDir, publicUrl }: { readonly localDir: string; readonly publicUrl: string },
  now: Date,
): Promise<string> {
  const code = await makeConsoleCode(localDir, now).catch((error: unknown) => unlessGone(error, null))
  if (code === null) throw new Error(`There is no local installation in ${localDir}: npm start creates one.`)
  return consoleAddress(publicUrl, code)
}

/** The sign-in for a data folder. */
export function localConsole({
  dir,
  organizationId,
  clock,
}: {
  dir: string
  organizationId: string
  clock: () => Date
}): LocalConsole {
  return {
    organizationId,
    async redeem(code) {
      const kept = Code.safeParse(await read(codeIn(dir)))
      const isRight = timingSafeEqual(hashOf(code), kept.success ? Buffer.from(kept.data.hash, 'hex') : hashOf(''))
      if (!kept.success || !isRight) return false
      // Of two callers that present it at once, only one deletes the file; `rm` would not distinguish them.
      const isFirst = await unlink(codeIn(dir)).then(
        () => true,
        (error: unknown) => unlessGone(error, false),
      )
      return isFirst && clock().getTime() < kept.data.expiresAt
    },
    async note(keyId) {
      const kept = await ownKeys(dir)
      await write(ownIn(dir), [...kept, keyId].slice(-MAX_OWN))
    },
    async isOwn(keyId) {
      return (await ownKeys(dir)).includes(keyId)
    },
  }
}

async function ownKeys(dir: string): Promise<string[]> {
  const kept = Own.safeParse(await read(ownIn(dir)))
  return kept.success ? kept.data : []
}

function hashOf(code: string): Buffer {
  return createHash('sha256').update(code).digest()
}

/** Writes a file atomically, in place of the previous one, readable only by its owner. */
async function write(path: string, content: unknown): Promise<void> {
  const draft = `${path}.draft`
  await writeFile(draft, JSON.stringify(content), { mode: 0o600, flush: true })
  await rename(draft, path)
}

/** The content of a file; null if it does not exist or is incomplete. */
async function read(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => unlessGone(error, null))
  try {
    return JSON.parse(text ?? 'null')
  } catch {
    return null
  }
}

function unlessGone<T>(error: unknown, otherwise: T): T {
  if (Reflect.get(Object(error), 'code') === 'ENOENT') return otherwise
  throw error
}
