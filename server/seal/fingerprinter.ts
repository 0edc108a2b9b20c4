/**
 * Computes fingerprints of credentials, with a key that only the worker's keyring holds: its holder can compare guesses
 * with stored fingerprints as fast as they can hash. The web process must never reach this file; a test walks its
 * imports.
 */
import type { Fingerprint } from '#server/domain/access/sealed.ts'
import { inUse, type WorkerKeyring } from './keyring.ts'
import { pooledSodium } from './sodium.ts'

type Sodium = Awaited<ReturnType<typeof pooledSodium>>

/** Computes fingerprints. Create one with `createFingerprinter`. */
export class Fingerprinter {
  readonly #sodium: Sodium
  #keyring: WorkerKeyring

  constructor(sodium: Sodium, keyring: WorkerKeyring) {
    this.#sodium = sodium
    this.#keyring = keyring
  }

  /** Switches to another keyring. */
  reload(keyring: WorkerKeyring): void {
    this.#keyring = keyring
  }

  /** The id of the key in use. A fingerprint made with another key must be recomputed. */
  get keyId(): string {
    return inUse(this.#keyring.fingerprint).id
  }

  /** Keyed BLAKE2b of a credential's canonical text, per organization: 32 hex digits that only show equality. */
  of(organizationId: string, canonical: string): Fingerprint {
    const { id, secret } = inUse(this.#keyring.fingerprint)
    const hash = this.#sodium.crypto_generichash(16, `${organizationId}\n${canonical}`, secret)
    return { keyId: id, text: Buffer.from(hash).toString('hex') }
  }

  /** Compares two texts in constant time. */
  isSame(one: string, other: string): boolean {
    return this.of('', one).text === this.of('', other).text
  }
}

/** Creates a fingerprinter over the worker's keyring. */
export async function createFingerprinter(keyring: WorkerKeyring): Promise<Fingerprinter> {
  return new Fingerprinter(await pooledSodium(), keyring)
}
