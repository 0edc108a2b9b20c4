/**
 * The secret half of the keyring: opens sealed boxes, for the worker and for operators' commands. The web process must
 * never reach this file; a test walks its imports.
 *
 * An organization's key is unwrapped only if its row is signed by the worker's key; what is opened with it and verified
 * then is in `held-key.ts`.
 */
import type {
  CredentialContext,
  OrganizationKeyRow,
  SealedBox,
  Secret,
  TaskContext,
  WrappedOrganizationKey,
} from '#server/domain/access/sealed.ts'
import { HeldKey, openBox, parseContent, SealBroken } from './held-key.ts'
import { inUse, type WorkerKeyring } from './keyring.ts'
import { organizationKeyText } from './sealer.ts'
import { pooledSodium } from './sodium.ts'

type Sodium = Awaited<ReturnType<typeof pooledSodium>>

/** A new organization key pair as stored in its row. */
export interface NewOrganizationKey {
  readonly publicKey: Buffer
  readonly secret: Buffer
  readonly masterKeyId: string
  readonly signerId: string
  readonly signature: Buffer
}

/** The signed part of an organization's key. */
export type OrganizationKeyContent = Omit<OrganizationKeyRow, 'signerId' | 'signature'>

/** Opens boxes, and creates and re-wraps organization keys. Create one with `createUnsealer`. */
export class Unsealer {
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

  /** Creates a key pair for an organization: its secret half sealed to the master key, the whole signed. */
  createOrganizationKey(organizationId: string, id: string): NewOrganizationKey {
    const pair = this.#sodium.crypto_box_keypair()
    const publicKey = Buffer.from(pair.publicKey)
    const wrapped = this.#wrap({ organizationId, id }, pair.privateKey)
    this.#sodium.memzero(pair.privateKey)
    return { publicKey, ...wrapped, ...this.signOrganizationKey({ organizationId, id, publicKey, retiredAt: null }) }
  }

  /** Signs the content of an organization key's row. */
  signOrganizationKey(content: OrganizationKeyContent): { signerId: string; signature: Buffer } {
    const signing = inUse(this.#keyring.signing)
    const signature = Buffer.from(this.#sodium.crypto_sign_detached(organizationKeyText(content), signing.secret))
    return { signerId: signing.id, signature }
  }

  /** The secret half of an organization's key, sealed to the current master key. Throws `SealBroken`. */
  rewrap(key: WrappedOrganizationKey): { secret: Buffer; masterKeyId: string } {
    const secret = this.#unwrap(key)
    try {
      return this.#wrap(key, secret)
    } finally {
      this.#sodium.memzero(secret)
    }
  }

  /** Unwraps a key to open several boxes with it. The caller disposes of it. Throws `SealBroken`. */
  hold(key: WrappedOrganizationKey): HeldKey {
    const { organizationId, id, publicKey } = key
    const { verify, signing } = this.#keyring
    // Boxes are signed by the web tier, or by a worker that resealed them.
    const signer = (signerId: string) => [...verify, ...signing].find(one => one.id === signerId)?.public
    return new HeldKey({ sodium: this.#sodium, organizationId, id, publicKey, secret: this.#unwrap(key), signer })
  }

  /** Opens the credential of one version of one datasource. Throws `SealBroken`. */
  openCredential(key: WrappedOrganizationKey, context: CredentialContext, sealed: SealedBox): Secret {
    using held = this.hold(key)
    return held.openCredential(context, sealed)
  }

  /** Opens a caller's box that is sealed to the organization's key. Throws `SealBroken`. */
  openClientBox(key: WrappedOrganizationKey, box: Uint8Array): string {
    using held = this.hold(key)
    return held.openClientBox(box)
  }

  /** Opens the payload of a task. Throws `SealBroken`. */
  openTask(key: WrappedOrganizationKey, context: TaskContext, sealed: SealedBox): unknown {
    using held = this.hold(key)
    return held.openTask(context, sealed)
  }

  #wrap(
    { organizationId, id }: { organizationId: string; id: string },
    secret: Uint8Array,
  ): { secret: Buffer; masterKeyId: string } {
    const master = inUse(this.#keyring.master)
    const text = Buffer.from(secret).toString('base64')
    const plain = Buffer.from(JSON.stringify({ v: 1, purpose: 'organization-key', organizationId, id, secret: text }))
    const box = Buffer.from(this.#sodium.crypto_box_seal(plain, master.public))
    this.#sodium.memzero(plain)
    return { secret: box, masterKeyId: master.id }
  }

  /** The secret half of an organization's key. We must have signed its row, and the pair must match. */
  #unwrap(key: WrappedOrganizationKey): Uint8Array {
    this.#checkKeyRow(key)
    const master = this.#keyring.master.find(candidate => candidate.id === key.masterKeyId)
    if (master === undefined) throw new SealBroken()
    const content = parseContent(openBox(this.#sodium, key.secret, { publicKey: master.public, secret: master.secret }))
    const same =
      content['purpose'] === 'organization-key' &&
      content['organizationId'] === key.organizationId &&
      content['id'] === key.id
    const text = content['secret']
    if (!same || typeof text !== 'string') throw new SealBroken()
    const secret = Buffer.from(text, 'base64')
    if (secret.length !== 32 || !this.#sodium.memcmp(this.#sodium.crypto_scalarmult_base(secret), key.publicKey))
      throw new SealBroken()
    return secret
  }

  /**
   * The id of a key that is needed to verify or unwrap an organization's key and is missing in the keyring; null for
   * none.
   */
  lacks({ signerId, masterKeyId }: { readonly signerId: string; readonly masterKeyId?: string }): string | null {
    const { signing, master } = this.#keyring
    if (!signing.some(key => key.id === signerId)) return signerId
    return masterKeyId === undefined || master.some(key => key.id === masterKeyId) ? null : masterKeyId
  }

  #checkKeyRow(row: OrganizationKeyRow): void {
    const signer = this.#keyring.signing.find(candidate => candidate.id === row.signerId)
    if (signer === undefined || row.signature.length !== 64 || row.publicKey.length !== 32) throw new SealBroken()
    if (!this.#sodium.crypto_sign_verify_detached(row.signature, organizationKeyText(row), signer.public))
      throw new SealBroken()
  }
}

/** Creates an unsealer over the worker's keyring. */
export async function createUnsealer(keyring: WorkerKeyring): Promise<Unsealer> {
  return new Unsealer(await pooledSodium(), keyring)
}
