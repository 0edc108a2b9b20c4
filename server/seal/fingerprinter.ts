/**
 * Makes fingerprints of credentials, with a key that the worker's keyring alone holds: whoever holds it can compare guesses with
 * what is stored, as fast as they can hash. The web process must never reach this file; a test walks its imports.
 */
import type { Fingerprint } from '#server/domain/access/sealed.ts'
import { inUse, type WorkerKeyring } from './keyring.ts'
import { pooledSodium } from './sodium.ts'

type Sodium = Awaited<ReturnType<typeof pooledSodium>>

/** Makes fingerprints. Make one with `createFingerprinter`. */
export class Fingerprinter {
  readonly #sodium: Sodium
  #keyring: WorkerKeyring

  constructor(sodium: Sodium, keyring: WorkerKeyring) {
    this.#sodium = sodium
    this.#keyring = keyring
  }

  /** Takes another keyring from now on. */
  reload(keyring: WorkerKeyring): void {
    this.#keyring = keyring
  }

  /** The id of the key in use. A fingerprint of another one is to be made anew. */
  get keyId(): string {
    return inUse(this.#keyring.fingerprint).id
  }

  /** BLAKE2b of a credential's canonical text, keyed, per organization: 32 hex digits that tell equal from different. */
  of(organizationId: string, canonical: string): Fingerprint {
    const { id, secret } = inUse(this.#keyring.fingerprint)
    const hash = this.#sodium.crypto_generichash(16, `${organizationId}\n${canonical}`, secret)
    return { keyId: id, text: Buffer.from(hash).toString('hex') }
  }

  /** Whether two texts are equal, in a time that tells nothing of where they differ. */
  isSame(one: string, other: string): boolean {
    return this.of('', one).text === this.of('', other).text
  }
}

/** A fingerprinter over the worker's keyring. */
export async function createFingerprinter(keyring: WorkerKeyring): Promise<Fingerprinter> {
  return new Fingerprinter(await pooledSodium(), keyring)
}
