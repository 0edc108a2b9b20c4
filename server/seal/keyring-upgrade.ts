/**
 * Converts both keyrings of an earlier release to the format of this one: adds what is missing and leaves every other
 * key unchanged. Never called for a damaged keyring, which must be restored from its backup. The operator's command
 * calls it; it reads and writes no file.
 */
import { FormerKeyring, parseWebKeyring, parseWorkerKeyring } from './keyring.ts'
import { newLeaseKey } from './leases.ts'
import { pooledSodium } from './sodium.ts'

/** The texts of both files. */
export interface KeyringTexts {
  readonly web: string
  readonly worker: string
}

/**
 * Both texts in the format of this release: with lease keys, and a fingerprint key that only the worker has. The old
 * fingerprint key is removed from both files: copies of the web's file contain it, and their holder could compare
 * guesses with every fingerprint that it makes. Null if both already have the format, so that it can be repeated; after
 * a run that was killed between the two files, only the web's is converted. Throws the keyring's own sentence for a
 * damaged one: nothing must then be written.
 */
export async function upgradeKeyrings(
  texts: KeyringTexts,
  newKeyId: (kind: string) => string,
): Promise<KeyringTexts | null> {
  const isFormerWeb = isFormer(() => parseWebKeyring(texts.web))
  const isFormerWorker = isFormer(() => parseWorkerKeyring(texts.worker))
  if (!isFormerWeb && !isFormerWorker) return null
  if (!isFormerWeb)
    throw new Error(
      'worker.json is from an earlier release than web.json. Restore both from one backup, then run this again.',
    )
  const { fingerprint: _, ...web } = JSON.parse(texts.web)
  const worker = isFormerWorker ? await upgradedWorker(texts.worker, newKeyId) : texts.worker
  const upgraded = { web: print(web), worker }
  parseWebKeyring(upgraded.web)
  parseWorkerKeyring(upgraded.worker)
  return upgraded
}

async function upgradedWorker(text: string, newKeyId: (kind: string) => string): Promise<string> {
  const secret = Buffer.from((await pooledSodium()).randombytes_buf(32)).toString('base64')
  // Without a time of first use: the fingerprints of old keys become null, and nothing is resealed for it.
  const fingerprint = [{ id: newKeyId('fingerprint'), secret }]
  return print({ ...JSON.parse(text), fingerprint, lease: [await newLeaseKey(newKeyId)] })
}

function print(keyring: object): string {
  return `${JSON.stringify(keyring, null, 2)}\n`
}

function isFormer(parse: () => unknown): boolean {
  try {
    parse()
    return false
  } catch (error) {
    if (error instanceof FormerKeyring) return true
    throw error
  }
}
