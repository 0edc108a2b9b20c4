/**
 * Signs and verifies verdicts with the worker's signing key. Only such a signature allows a credential to be used, not
 * a table column: the web tier has no key that could make one.
 */
import type { VerdictContent } from '#server/domain/datasources/verdict.ts'
import { signedText } from '#shared/base/signed-text.ts'
import { inUse, type WorkerKeyring } from './keyring.ts'
import { pooledSodium } from './sodium.ts'

type Sodium = Awaited<ReturnType<typeof pooledSodium>>

/** A signature and the id of its key. */
export interface VerdictSignature {
  readonly signerId: string
  readonly signature: Buffer
}

/**
 * The bytes that a verdict's signature covers: purpose `verdict`, then the fields in this order, times in milliseconds
 * since 1970.
 */
export function verdictText(verdict: VerdictContent): Uint8Array {
  const { organizationId, datasourceId, mode, version, status, usable, usableUntil } = verdict
  const use = [usable ? 'usable' : 'unusable', usableUntil?.getTime() ?? 'never']
  return signedText('verdict', [organizationId, datasourceId, mode, version, status, ...use])
}

/** Signs and verifies verdicts. Create one with `createVerdictSigner`. */
export class VerdictSigner {
  readonly #sodium: Sodium
  #signing: WorkerKeyring['signing']
  /**
   * Answers about a signature as it was read, by the text that it should cover: a check asks five times for two of them,
   * and each verification takes a tenth of a millisecond. They end with the row, and with the keyring.
   */
  #answers = new WeakMap<VerdictSignature, Map<string, boolean>>()

  constructor(sodium: Sodium, keyring: WorkerKeyring) {
    this.#sodium = sodium
    this.#signing = keyring.signing
  }

  /** Switches to another keyring. */
  reload(keyring: WorkerKeyring): void {
    this.#signing = keyring.signing
    this.#answers = new WeakMap()
  }

  /** The id of the current signing key; a verdict signed with another one must be signed again. */
  signerId(): string {
    return inUse(this.#signing).id
  }

  /** Signs with the key in use. */
  sign(verdict: VerdictContent): VerdictSignature {
    const signing = inUse(this.#signing)
    const signature = this.#sodium.crypto_sign_detached(verdictText(verdict), signing.secret)
    return { signerId: signing.id, signature: Buffer.from(signature) }
  }

  /** True if the keyring has the key that a signature names; without it, the signature cannot be verified. */
  knows(signerId: string): boolean {
    return this.#signing.some(key => key.id === signerId)
  }

  /** True if a worker has signed exactly this verdict, with any key that the keyring still has. */
  isSigned(verdict: VerdictContent, by: VerdictSignature): boolean {
    const signer = this.#signing.find(key => key.id === by.signerId)
    if (signer === undefined || by.signature.length !== 64) return false
    const text = verdictText(verdict)
    const key = Buffer.from(text).toString('latin1')
    const answers = this.#answers.get(by) ?? new Map<string, boolean>()
    this.#answers.set(by, answers)
    const answer = answers.get(key) ?? this.#sodium.crypto_sign_verify_detached(by.signature, text, signer.public)
    answers.set(key, answer)
    return answer
  }
}

/** Creates a verdict signer over the worker's keyring. */
export async function createVerdictSigner(keyring: WorkerKeyring): Promise<VerdictSigner> {
  return new VerdictSigner(await pooledSodium(), keyring)
}
