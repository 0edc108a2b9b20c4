/**
 * What leasing needs of libsodium: the operator's signature on a grant, and the box for a lease's holder. The worker and
 * operators' commands hold one; the signature is made with the worker's key, which the web tier does not have.
 */
import { inUse, type WorkerKeyring } from './keyring.ts'
import { signedText } from './signed-text.ts'
import { readySodium } from './sodium.ts'

type Sodium = Awaited<ReturnType<typeof readySodium>>

/** Everything that a capability's row grants, and the hash of its token: what the signature covers. */
export interface SignedGrant {
  readonly organizationId: string
  readonly capabilityId: string
  readonly hash: Uint8Array
  readonly mode: string
  readonly operations: readonly string[]
  /** Null for all of the organization's. */
  readonly datasourceIds: readonly string[] | null
  readonly expiresAt: Date
}

function leaseGrantText(grant: SignedGrant): Uint8Array {
  const { organizationId, capabilityId, hash, mode, operations, datasourceIds, expiresAt } = grant
  const lists = JSON.stringify([operations, datasourceIds])
  return signedText('lease-grant', [organizationId, capabilityId, hash, mode, lists, expiresAt.getTime()])
}

/** Signs and checks grants, and seals to holders. Make one with `createLeaseSealer`. */
export class LeaseSealer {
  readonly #sodium: Sodium
  #signing: WorkerKeyring['signing']

  constructor(sodium: Sodium, keyring: WorkerKeyring) {
    this.#sodium = sodium
    this.#signing = keyring.signing
  }

  /** Takes another keyring from now on. */
  reload(keyring: WorkerKeyring): void {
    this.#signing = keyring.signing
  }

  /** Signs a grant with the key in use. */
  sign(grant: SignedGrant): { signerId: string; signature: Buffer } {
    const signing = inUse(this.#signing)
    const signature = this.#sodium.crypto_sign_detached(leaseGrantText(grant), signing.secret)
    return { signerId: signing.id, signature: Buffer.from(signature) }
  }

  /** True for a grant that an operator has signed as it stands. */
  isSigned(grant: SignedGrant, by: { signerId: string; signature: Uint8Array }): boolean {
    const signer = this.#signing.find(key => key.id === by.signerId)
    if (signer === undefined || by.signature.length !== 64) return false
    return this.#sodium.crypto_sign_verify_detached(by.signature, leaseGrantText(grant), signer.public)
  }

  /** Seals a JSON value to a holder's one-time key, and to nobody else. Throws for a point of low order. */
  sealTo(publicKey: Uint8Array, content: unknown): Buffer {
    const plain = Buffer.from(JSON.stringify(content), 'utf8')
    try {
      return Buffer.from(this.#sodium.crypto_box_seal(plain, publicKey))
    } finally {
      this.#sodium.memzero(plain)
    }
  }
}

/** Over the worker's keyring. */
export async function createLeaseSealer(keyring: WorkerKeyring): Promise<LeaseSealer> {
  return new LeaseSealer(await readySodium(), keyring)
}
