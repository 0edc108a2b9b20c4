/**
 * Brings both keyrings of an earlier release to the form of this one: adds what is missing and leaves every other key as it
 * is. Never called for a keyring that is damaged: that one is restored from its backup. The operator's command calls it; it
 * reads and writes no file.
 */
import { FormerKeyring, parseWebKeyring, parseWorkerKeyring } from './keyring.ts'
import { newLeaseKey } from './leases.ts'

/** The texts of both files. */
export interface KeyringTexts {
  readonly web: string
  readonly worker: string
}

/**
 * Both texts in the form of this release; null when they have it already, so that it can be run again. Throws the keyring's
 * own sentence when one is damaged: then nothing is to be written.
 */
export async function upgradeKeyrings(
  texts: KeyringTexts,
  newKeyId: (kind: string) => string,
): Promise<KeyringTexts | null> {
  parseWebKeyring(texts.web)
  if (!isFormer(() => parseWorkerKeyring(texts.worker))) return null
  const worker = { ...JSON.parse(texts.worker), lease: [await newLeaseKey(newKeyId)] }
  const upgraded = { web: texts.web, worker: `${JSON.stringify(worker, null, 2)}\n` }
  parseWorkerKeyring(upgraded.worker)
  return upgraded
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
