/**
 * The public half of the keyring. The holder of a `Sealer` can put secrets into boxes and cannot take one out again:
 * there is no `open` here, and none may be added. The web process holds one; the worker holds one to reseal.
 *
 * A sealed box does not show who sealed it or for which row, so row and version travel inside it, and box and context
 * are signed (Ed25519) for `Unsealer` to verify.
 */
import type {
  CredentialContext,
  OrganizationKeyRow,
  SealedBox,
  Secret,
  TaskContext,
} from '#server/domain/access/sealed.ts'
import { signedText } from '#shared/base/signed-text.ts'
import { inUse, type WebKeyring, type WorkerKeyring } from './keyring.ts'
import { pooledSodium } from './sodium.ts'

type Sodium = Awaited<ReturnType<typeof pooledSodium>>

/** A public key whose row's signature was verified: the only thing that a `Sealer` seals to. */
export interface VerifiedKey {
  readonly organizationId: string
  readonly id: string
  readonly publicKey: Uint8Array
}

/** The content that the signature of an organization key covers. The worker's signing key makes it, so the web tier cannot. */
export function organizationKeyText(row: Omit<OrganizationKeyRow, 'signerId' | 'signature'>): Uint8Array {
  return signedText('organization-key', [
    row.organizationId,
    row.id,
    row.publicKey,
    row.retiredAt?.getTime() ?? 'current',
  ])
}

/** The content that the signature of a credential covers. */
export function credentialText(context: CredentialContext, keyId: string, box: Uint8Array): Uint8Array {
  return signedText('credential', [context.organizationId, context.datasourceId, context.version, keyId, box])
}

/** The content that the signature of a task's payload covers. */
export function taskText(context: TaskContext, keyId: string, box: Uint8Array): Uint8Array {
  return signedText('task', [context.organizationId, context.taskId, keyId, box])
}

/** Seals and signs. Create one with `createSealer`. */
export class Sealer {
  readonly #sodium: Sodium
  #keyring: WebKeyring | WorkerKeyring
  /** The key that boxes are signed with now. */
  #signing: WebKeyring['signing'][number]

  constructor(sodium: Sodium, keyring: WebKeyring | WorkerKeyring) {
    this.#sodium = sodium
    this.#keyring = keyring
    this.#signing = inUse(keyring.signing)
  }

  /** Switches to another keyring. */
  reload(keyring: WebKeyring | WorkerKeyring): void {
    this.#keyring = keyring
    this.#signing = inUse(keyring.signing)
  }

  /**
   * Verifies an organization key's row: signed by the worker's key, and not retired. Without this, an attacker who can write
   * the table could plant their own pair. Null for a row that must not be sealed to.
   */
  verifyKey(row: OrganizationKeyRow): VerifiedKey | null {
    if (row.retiredAt !== null || !this.isGenuine(row)) return null
    return { organizationId: row.organizationId, id: row.id, publicKey: row.publicKey }
  }

  /** True if we signed exactly this row of an organization key, in use or retired. */
  isGenuine(row: OrganizationKeyRow): boolean {
    const { role, verify, signing } = this.#keyring
    const signers: readonly { id: string; public: Uint8Array }[] = role === 'web' ? verify : signing
    const signer = signers.find(key => key.id === row.signerId)?.public
    if (signer === undefined || row.signature.length !== 64 || row.publicKey.length !== 32) return false
    return this.#sodium.crypto_sign_verify_detached(row.signature, organizationKeyText(row), signer)
  }

  /** Seals a credential for one version of one datasource. Throws if the key belongs to another organization. */
  sealCredential(key: VerifiedKey, context: CredentialContext, secret: Secret): SealedBox {
    if (key.organizationId !== context.organizationId) throw new Error('the key belongs to another organization')
    return this.#seal(key, { v: 1, purpose: 'credential', ...context, secret }, box =>
      credentialText(context, key.id, box),
    )
  }

  /** Seals the payload of a task. Throws if the key belongs to another organization. */
  sealTask(key: VerifiedKey, context: TaskContext, payload: unknown): SealedBox {
    if (key.organizationId !== context.organizationId) throw new Error('the key belongs to another organization')
    return this.#seal(key, { v: 1, purpose: 'task', ...context, payload }, box => taskText(context, key.id, box))
  }

  /** The ids of the keys that credentials are signed with now. A credential signed with any other must be resealed. */
  signerIds(): string[] {
    return [this.#signing.id, inUse<WebKeyring['verify'][number]>(this.#keyring.verify).id]
  }

  #seal(key: VerifiedKey, content: object, text: (box: Uint8Array) => Uint8Array): SealedBox {
    const plain = Buffer.from(JSON.stringify(content), 'utf8')
    const box = Buffer.from(this.#sodium.crypto_box_seal(plain, key.publicKey))
    // Wipes our copy; strings in the JavaScript heap stay until they are garbage-collected.
    this.#sodium.memzero(plain)
    const signature = Buffer.from(this.#sodium.crypto_sign_detached(text(box), this.#signing.secret))
    return { keyId: key.id, box, signerId: this.#signing.id, signature }
  }
}

/** Creates a sealer over a keyring of either role. */
export async function createSealer(keyring: WebKeyring | WorkerKeyring): Promise<Sealer> {
  return new Sealer(await pooledSodium(), keyring)
}
