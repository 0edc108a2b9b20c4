/**
 * An organization's key, unwrapped while something is opened with it. Its creator disposes of it (`using`), which wipes
 * the secret half. Only `Unsealer` creates them, after verifying the key's row.
 *
 * Before a box is opened, the signature over box and row is verified; afterwards, the row named inside. Every refusal
 * is the same `SealBroken`, so that a caller cannot learn which check failed.
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
 * Thrown for a box sealed to an organization's key that this keyring cannot open, because it lacks the key that wrapped
 * or signed it: another worker may have it. It is not a finding about the box, so nothing may be concluded from it. A
 * box itself never causes it: a box names its signer, and an edit could name any.
 */
export class KeyLacking extends SealBroken {
  /** The id of the missing key. */
  readonly keyId: string

  constructor(keyId: string) {
    super()
    this.name = 'KeyLacking'
    this.keyId = keyId
  }
}

/**
 * True for an error that no worker of this installation can avoid; false for a key that this one lacks, and for every
 * other error.
 */
export function isSealBroken(thrown: unknown): thrown is SealBroken {
  return thrown instanceof SealBroken && !(thrown instanceof KeyLacking)
}

/**
 * Returns the result of `open`, or of `unreadable` if a box is not the one that was sealed for its place. A missing key
 * is not a failure of the box: it is rethrown, like every other error.
 */
export function openOr<T, U>(open: () => T, unreadable: () => U): T | U {
  try {
    return open()
  } catch (thrown) {
    if (isSealBroken(thrown)) return unreadable()
    throw thrown
  }
}

/** `openOr` for asynchronous work that opens boxes. */
export async function openingOr<T, U>(open: () => Promise<T>, unreadable: () => U): Promise<T | U> {
  try {
    return await open()
  } catch (thrown) {
    if (isSealBroken(thrown)) return unreadable()
    throw thrown
  }
}

/** The parts that an `Unsealer` passes to a key that it has unwrapped. */
export interface UnwrappedKey {
  readonly sodium: Sodium
  readonly organizationId: string
  readonly id: string
  readonly publicKey: Uint8Array
  readonly secret: Uint8Array
  /** The public key of a signer of boxes; undefined for any other id. */
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
   * Opens a caller's box sealed to the organization's key: the bytes of a connection string, without any proof of who
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

/** The JSON object in an opened box of the current format; the bytes are wiped. Throws `SealBroken`. */
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
