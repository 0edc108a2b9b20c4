/**
 * Keyring files on disk: read after checking their permissions, written once and never over an existing one. The
 * entries call it at startup; no part of a file is ever logged.
 */
import { randomUUID } from 'node:crypto'
import { link, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createKeyrings, parseWebKeyring, parseWorkerKeyring, type WebKeyring, type WorkerKeyring } from './keyring.ts'
import { type Keyrings, parseKeyrings, printKeyrings } from './keyring-rotation.ts'
import { type KeyringTexts, upgradeKeyrings } from './keyring-upgrade.ts'
import { readPrivateFile, requirePrivateFolder } from './private-file.ts'

const KEYRING = 'The keyring'

async function readPrivate(path: string): Promise<string> {
  const text = await readPrivateFile(path, KEYRING)
  if (text !== null) return text
  throw new Error(
    `There is no keyring at ${path}. For a new installation, create one with: npm run -s mooring -- keyring init --dir DIR; ` +
      'for an existing one, restore it from its backup.',
  )
}

/** Reads the web tier's keyring. Throws if it is missing, not private or invalid. */
export async function readWebKeyring(path: string): Promise<WebKeyring> {
  return parseWebKeyring(await readPrivate(path))
}

/** Reads the worker's keyring. Throws if it is missing, not private or invalid. */
export async function readWorkerKeyring(path: string): Promise<WorkerKeyring> {
  return parseWorkerKeyring(await readPrivate(path))
}

/** Writes `web.json` and `worker.json` into a folder, with mode 0600. Throws if either already exists. */
export async function initKeyrings(dir: string, newKeyId: (kind: string) => string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  await requirePrivateFolder(resolve(dir), KEYRING)
  const texts = await createKeyrings(newKeyId)
  const web = join(dir, 'web.json')
  await place(web, texts.web)
  try {
    await place(join(dir, 'worker.json'), texts.worker)
  } catch (error) {
    // One half is useless without the other, and would block writing both.
    await rm(web)
    throw error
  }
}

/** Reads both keyrings of a folder, for a rotation. Throws if one is missing, not private or invalid. */
export async function readKeyrings(dir: string): Promise<Keyrings> {
  return parseKeyrings(await readTexts(dir))
}

/**
 * Replaces both keyrings of a folder, each atomically: after an interruption, each file is either the old or the new
 * one. The worker's comes first, since it must know whatever the web tier may use.
 */
export async function replaceKeyrings(dir: string, keyrings: Keyrings): Promise<void> {
  await replaceTexts(dir, printKeyrings(keyrings))
}

/**
 * Converts both keyrings of a folder to the format of this release; false if they already have it. Throws for a damaged
 * one.
 */
export async function upgradeFiles(dir: string, newKeyId: (kind: string) => string): Promise<boolean> {
  const upgraded = await upgradeKeyrings(await readTexts(dir), newKeyId)
  if (upgraded === null) return false
  await replaceTexts(dir, upgraded)
  return true
}

async function readTexts(dir: string): Promise<KeyringTexts> {
  return { web: await readPrivate(join(dir, 'web.json')), worker: await readPrivate(join(dir, 'worker.json')) }
}

async function replaceTexts(dir: string, texts: KeyringTexts): Promise<void> {
  for (const name of ['worker', 'web'] as const) {
    const path = join(dir, `${name}.json`)
    const draft = `${path}.${randomUUID()}`
    await writeFile(draft, texts[name], { mode: 0o600, flag: 'wx', flush: true })
    await rename(draft, path)
  }
}

/**
 * Creates a complete file where none existed: written under another name first, so that no crash leaves half a keyring.
 */
async function place(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomUUID()}`
  await writeFile(draft, text, { mode: 0o600, flag: 'wx', flush: true })
  try {
    await link(draft, path)
  } catch (error) {
    if (!(error instanceof Error) || Reflect.get(error, 'code') !== 'EEXIST') throw error
    throw new Error(
      `There is already a keyring at ${path}. It is never overwritten: without it, nothing sealed can be opened.`,
    )
  } finally {
    await rm(draft)
  }
}
