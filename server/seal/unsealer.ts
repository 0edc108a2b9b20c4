/**
 * The secret half of the keyring: opens what was sealed, for the worker and for operators' commands. The web process must
 * never reach this file; a test walks its imports.
 *
 * Before anything is opened the signature over box and row is checked, afterwards the row named inside. Every refusal is
 * the same `SealBroken`, so that a caller learns nothing from which check it was.
 */
import type {
  CredentialContext,
  OrganizationKeyRow,
  SealedBox,
  TaskContext,
  WrappedOrganizationKey,
} from '#server/domain/sealed.ts'
import { Secret } from '#server/domain/sealed.ts'
import type { WorkerKeyring } from './keyring.ts'
import { credentialText, organizationKeyText, taskText } from './sealer.ts'
import { readySodium } from './sodium.ts'

type Sodium = Awaited<ReturnType<typeof readySodium>>

/** What was to be opened was not sealed by us, for this row, in this state. */
export class SealBroken extends Error {
  constructor() {
    super('the seal is broken')
    this.name = 'SealBroken'
  }
}

/** A new organization key pair as its row has it. */
export interface NewOrganizationKey {
  readonly publicKey: Buffer
  readonly secret: Buffer
  readonly masterKeyId: string
  readonly signerId: string
  readonly signature: Buffer
}

/** Opens boxes, and makes organization keys. Make one with `createUnsealer`. */
export class Unsealer {
  readonly #sodium: Sodium
  readonly #keyring: WorkerKeyring

  constructor(sodium: Sodium, keyring: WorkerKeyring) {
    this.#sodium = sodium
    this.#keyring = keyring
  }

  /** Makes a key pair for an organization: its secret half sealed to the master key, the whole signed. */
  createOrganizationKey(organizationId: string, id: string): NewOrganizationKey {
    const [master, signing] = [this.#keyring.master[0], this.#keyring.signing[0]]
    if (master === undefined || signing === undefined) throw new Error('the keyring lacks a master or signing key')
    const pair = this.#sodium.crypto_box_keypair()
    const content = {
      v: 1,
      purpose: 'organization-key',
      organizationId,
      id,
      secret: Buffer.from(pair.privateKey).toString('base64'),
    }
    const publicKey = Buffer.from(pair.publicKey)
    const secret = Buffer.from(this.#sodium.crypto_box_seal(JSON.stringify(content), master.public))
    this.#sodium.memzero(pair.privateKey)
    const text = organizationKeyText({ organizationId, id, publicKey, retiredAt: null })
    const signature = Buffer.from(this.#sodium.crypto_sign_detached(text, signing.secret))
    return { publicKey, secret, masterKeyId: master.id, signerId: signing.id, signature }
  }

  /** Opens the credential of one version of one datasource. Throws `SealBroken`. */
  openCredential(key: WrappedOrganizationKey, context: CredentialContext, sealed: SealedBox): Secret {
    if (key.organizationId !== context.organizationId || key.id !== sealed.keyId) throw new SealBroken()
    this.#checkSignature(sealed, credentialText(context, sealed.keyId, sealed.box))
    const content = this.#open(key, sealed.box)
    const same =
      content['purpose'] === 'credential' &&
      content['organizationId'] === context.organizationId &&
      content['datasourceId'] === context.datasourceId &&
      content['version'] === context.version
    const secret = Secret.safeParse(content['secret'])
    if (!same || !secret.success) throw new SealBroken()
    return secret.data
  }

  /**
   * Opens what a caller has sealed to the organization's key: the bytes of a connection string, and nothing that says who
   * sealed them. Throws `SealBroken`.
   */
  openClientBox(key: WrappedOrganizationKey, box: Uint8Array): string {
    const secret = this.#unwrap(key)
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(this.#openBox(box, key.publicKey, secret))
    } catch {
      throw new SealBroken()
    } finally {
      this.#sodium.memzero(secret)
    }
  }

  /** Opens the payload of a task. Throws `SealBroken`. */
  openTask(key: WrappedOrganizationKey, context: TaskContext, sealed: SealedBox): unknown {
    if (key.organizationId !== context.organizationId || key.id !== sealed.keyId) throw new SealBroken()
    this.#checkSignature(sealed, taskText(context, sealed.keyId, sealed.box))
    const content = this.#open(key, sealed.box)
    const same =
      content['purpose'] === 'task' &&
      content['organizationId'] === context.organizationId &&
      content['taskId'] === context.taskId
    if (!same) throw new SealBroken()
    return content['payload']
  }

  /** Boxes are signed by the web tier, or by a worker that sealed anew. */
  #checkSignature(sealed: SealedBox, text: Uint8Array): void {
    const signer = [...this.#keyring.verify, ...this.#keyring.signing].find(key => key.id === sealed.signerId)
    if (signer === undefined || sealed.signature.length !== 64) throw new SealBroken()
    if (!this.#sodium.crypto_sign_verify_detached(sealed.signature, text, signer.public)) throw new SealBroken()
  }

  #open(key: WrappedOrganizationKey, box: Uint8Array): Record<string, unknown> {
    const secret = this.#unwrap(key)
    try {
      return parseObject(this.#openBox(box, key.publicKey, secret))
    } finally {
      this.#sodium.memzero(secret)
    }
  }

  /** The secret half of an organization's key. Its row must be signed by us, and the pair must fit together. */
  #unwrap(key: WrappedOrganizationKey): Uint8Array {
    this.#checkKeyRow(key)
    const master = this.#keyring.master.find(candidate => candidate.id === key.masterKeyId)
    if (master === undefined) throw new SealBroken()
    const content = parseObject(this.#openBox(key.secret, master.public, master.secret))
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

  #checkKeyRow(row: OrganizationKeyRow): void {
    const signer = this.#keyring.signing.find(candidate => candidate.id === row.signerId)
    if (signer === undefined || row.signature.length !== 64 || row.publicKey.length !== 32) throw new SealBroken()
    if (!this.#sodium.crypto_sign_verify_detached(row.signature, organizationKeyText(row), signer.public))
      throw new SealBroken()
  }

  #openBox(box: Uint8Array, publicKey: Uint8Array, secret: Uint8Array): Uint8Array {
    try {
      return this.#sodium.crypto_box_seal_open(box, publicKey, secret)
    } catch {
      throw new SealBroken()
    }
  }
}

function parseObject(plain: Uint8Array): Record<string, unknown> {
  const value: unknown = JSON.parse(Buffer.from(plain).toString('utf8'))
  plain.fill(0)
  if (typeof value !== 'object' || value === null) throw new SealBroken()
  return Object.fromEntries(Object.entries(value))
}

/** An unsealer over the worker's keyring. */
export async function createUnsealer(keyring: WorkerKeyring): Promise<Unsealer> {
  return new Unsealer(await readySodium(), keyring)
}
