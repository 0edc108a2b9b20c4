/**
 * The cryptography of leases: the operator's signature on a grant, and the signed box for a lease's holder. The worker
 * and operators' commands use it; both signatures need keys that the web tier does not have. Leases have a separate key
 * pair: its public half goes to holders, and must not vouch for anything else that the worker signs.
 */
import type { SignedLease } from '#shared/access/lease.ts'
import { leaseBytes, signedText } from '#shared/base/signed-text.ts'
import { inUse, type WorkerKeyring } from './keyring.ts'
import { pooledSodium } from './sodium.ts'

type Sodium = Awaited<ReturnType<typeof pooledSodium>>

/** Everything that a capability's row grants, and the hash of its token: the content that the signature covers. */
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

/** Signs and verifies grants, and seals to holders. Create one with `createLeaseSealer`. */
export class LeaseSealer {
  readonly #sodium: Sodium
  #signing: WorkerKeyring['signing']
  #lease: WorkerKeyring['lease']

  constructor(sodium: Sodium, keyring: WorkerKeyring) {
    this.#sodium = sodium
    this.#signing = keyring.signing
    this.#lease = keyring.lease
  }

  /** Switches to another keyring. */
  reload(keyring: WorkerKeyring): void {
    this.#signing = keyring.signing
    this.#lease = keyring.lease
  }

  /** Signs a grant with the key in use. */
  sign(grant: SignedGrant): { signerId: string; signature: Buffer } {
    const signing = inUse(this.#signing)
    const signature = this.#sodium.crypto_sign_detached(leaseGrantText(grant), signing.secret)
    return { signerId: signing.id, signature: Buffer.from(signature) }
  }

  /** True if the keyring has the key that a signature names; without it, the signature cannot be verified. */
  knows(signerId: string): boolean {
    return this.#signing.some(key => key.id === signerId)
  }

  /** True if an operator has signed exactly this grant. */
  isSigned(grant: SignedGrant, by: { signerId: string; signature: Uint8Array }): boolean {
    const signer = this.#signing.find(key => key.id === by.signerId)
    if (signer === undefined || by.signature.length !== 64) return false
    return this.#sodium.crypto_sign_verify_detached(by.signature, leaseGrantText(grant), signer.public)
  }

  /**
   * Signs a lease with every lease key, including announced ones, so that a holder who knows any of them can verify it,
   * and seals it only to the holder's one-time key. Throws for a point of low order.
   */
  sealLease(publicKey: Uint8Array, content: object): Buffer {
    const lease = JSON.stringify(content)
    const bytes = leaseBytes(lease)
    const signatures = this.#lease.map(({ id, secret }) => {
      const signature = Buffer.from(this.#sodium.crypto_sign_detached(bytes, secret)).toString('base64')
      return { keyId: id, signature }
    })
    const plain = Buffer.from(JSON.stringify({ lease, signatures } satisfies SignedLease), 'utf8')
    try {
      return Buffer.from(this.#sodium.crypto_box_seal(plain, publicKey))
    } finally {
      this.#sodium.memzero(plain)
      this.#sodium.memzero(bytes)
    }
  }
}

/** Creates a lease sealer over the worker's keyring. */
export async function createLeaseSealer(keyring: WorkerKeyring): Promise<LeaseSealer> {
  return new LeaseSealer(await pooledSodium(), keyring)
}

/** The public halves of all lease keys, base64, newest first: `verifyKeys` of holders. */
export function leaseVerifyKeys(keyring: WorkerKeyring): string[] {
  return keyring.lease.map(key => key.public.toString('base64'))
}

/** A new key pair for leases, as the worker's keyring holds it: base64. */
export async function newLeaseKey(newKeyId: (kind: string) => string) {
  const pair = (await pooledSodium()).crypto_sign_keypair()
  const text = (value: Uint8Array) => Buffer.from(value).toString('base64')
  return { id: newKeyId('lease'), public: text(pair.publicKey), secret: text(pair.privateKey) }
}
