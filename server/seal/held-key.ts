/**
 * An organization's key, unwrapped, for as long as something is opened with it. Its maker disposes of it (`using`),
 * which wipes the secret half. Only `Unsealer` makes them, after it has checked the key's row.
 *
 * Before a box is opened the signature over box and row is checked, afterwards the row named inside. Every refusal is the
 * same `SealBroken`, so that a caller learns nothing from which check it was.
 */
import type { CredentialContext, SealedBox, TaskContext } from '#server/domain/access/sealed.ts'
import { Secret } from '#server/domain/access/sealed.ts'
import { credentialText, taskText } from './sealer.ts'
import type { pooledSodium } from './sodium.ts'

type Sodium = Awaited<ReturnType<typeof pooledSodium>>

/** Thrown for a box that was not sealed by us, for this row, in this state. */
export class SealBroken extends Error {
  constructor() {
    super('the seal is broken')
    this.name = 'SealBroken'
  }
}

/**
 * Thrown for a box that is sealed to an organization's key which this keyring cannot open, since it lacks the key that wrapped
 * or signed it: another worker may have it. It is no finding about the box, so nothing may be concluded from it. A box itself never
 * says so: it names its signer, and an edit could name any.
 */
export class KeyLacking extends SealBroken {
  /** The id that no key of the keyring has. */
  readonly keyId: string

  constructor(keyId: string) {
    super()
    this.name = 'KeyLacking'
    this.keyId = keyId
  }
}

/** True for what no worker of this installation can open; false for a key that this one lacks, and for every other error. */
export function isSealBroken(thrown: unknown): thrown is SealBroken {
  return thrown instanceof SealBroken && !(thrown instanceof KeyLacking)
}

/**
 * Answers with `open`, or with `unreadable` where a box is not the one that was sealed for its place. A lacking key is no failure
 * of the box: it is thrown on, like every other error.
 */
export function openOr<T, U>(open: () => T, unreadable: () => U): T | U {
  try {
    return open()
  } catch (thrown) {
    if (isSealBroken(thrown)) return unreadable()
    throw thrown
  }
}

/** `openOr` for what opens boxes on its way. */
export async function openingOr<T, U>(open: () => Promise<T>, unreadable: () => U): Promise<T | U> {
  try {
    return await open()
  } catch (thrown) {
    if (isSealBroken(thrown)) return unreadable()
    throw thrown
  }
}

/** The parts that an `Unsealer` gives to a key that it has unwrapped. */
export interface UnwrappedKey {
  readonly sodium: Sodium
  readonly organizationId: string
  readonly id: string
  readonly publicKey: Uint8Array
  readonly secret: Uint8Array
  /** The public key of a signer of boxes; undefined for one that is none. */
  readonly signer: (id: string) => Uint8Array | undefined
}

/** Opens boxes that were sealed to one key. */
export class HeldKey {
  readonly #key: UnwrappedKey

  constructor(key: UnwrappedKey) {
    this.#key = key
  }

  /** Opens the credential of one version of one datasource. Throws `SealBroken`. */
  openCredential(context: CredentialContext, sealed: SealedBox): Secret {
    this.#requireOurs(context, sealed, credentialText(context, sealed.keyId, sealed.box))
    const content = this.#open(sealed.box)
    const same =
      isOf(content, 'credential', context.organizationId) &&
      content['datasourceId'] === context.datasourceId &&
      content['version'] === context.version
    const secret = Secret.safeParse(content['secret'])
    if (!same || !secret.success) throw new SealBroken()
    return secret.data
  }

  /** Opens the payload of a task. Throws `SealBroken`. */
  openTask(context: TaskContext, sealed: SealedBox): unknown {
    this.#requireOurs(context, sealed, taskText(context, sealed.keyId, sealed.box))
    const content = this.#open(sealed.box)
    if (!isOf(content, 'task', context.organizationId) || content['taskId'] !== context.taskId) throw new SealBroken()
    return content['payload']
  }

  /**
   * Opens what a caller has sealed to the organization's key: the bytes of a connection string, and nothing that says who
   * sealed them. Throws `SealBroken`.
   */
  openClientBox(box: Uint8Array): string {
    const plain = openBox(this.#key.sodium, box, this.#key)
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plain)
    } catch {
      throw new SealBroken()
    } finally {
      plain.fill(0)
    }
  }

  [Symbol.dispose](): void {
    this.#key.sodium.memzero(this.#key.secret)
  }

  #requireOurs(context: { organizationId: string }, sealed: SealedBox, text: Uint8Array): void {
    const { sodium, organizationId, id } = this.#key
    if (organizationId !== context.organizationId || id !== sealed.keyId) throw new SealBroken()
    const signer = this.#key.signer(sealed.signerId)
    if (signer === undefined || sealed.signature.length !== 64) throw new SealBroken()
    if (!sodium.crypto_sign_verify_detached(sealed.signature, text, signer)) throw new SealBroken()
  }

  #open(box: Uint8Array): Record<string, unknown> {
    return parseContent(openBox(this.#key.sodium, box, this.#key))
  }
}

function isOf(content: Record<string, unknown>, purpose: string, organizationId: string): boolean {
  return content['purpose'] === purpose && content['organizationId'] === organizationId
}

/** `crypto_box_seal_open`. Throws `SealBroken`. */
export function openBox(
  sodium: Sodium,
  box: Uint8Array,
  pair: { readonly publicKey: Uint8Array; readonly secret: Uint8Array },
): Uint8Array {
  try {
    return sodium.crypto_box_seal_open(box, pair.publicKey, pair.secret)
  } catch {
    throw new SealBroken()
  }
}

/** The JSON object in an opened box, of the format that is current; the bytes are wiped. Throws `SealBroken`. */
export function parseContent(plain: Uint8Array): Record<string, unknown> {
  const value = parseJson(Buffer.from(plain).toString('utf8'))
  plain.fill(0)
  if (typeof value !== 'object' || value === null) throw new SealBroken()
  const content = Object.fromEntries(Object.entries(value))
  if (content['v'] !== 1) throw new SealBroken()
  return content
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's message quotes the text.
    throw new SealBroken()
  }
}
