/**
 * Client-side sealing: a connection string is sealed to the organization's public key before it leaves the caller, so that
 * what faces the internet at Mooring never holds it, not even for a moment. Runs in Node and in browsers alike.
 */
import { TRPCClientError } from '@trpc/client'
import { parseConnectionString } from '#shared/connection-string.ts'
import type { SealingKey } from '#shared/sealing.ts'

/** What goes instead of `connectionString`: the box, its key, and the safe projection that is compared with what is inside. */
export interface SealedConnectionString {
  readonly sealedConnectionString: string
  readonly keyId: string
  readonly host: string
  readonly port: number
  readonly database: string
}

/**
 * Seals a connection string to a key from `organization.sealingKey`: libsodium's `crypto_box_seal`, base64. Rejects with an
 * error whose fault is `invalid_body` for a string that Mooring would refuse; nothing has left the caller then.
 */
export async function sealConnectionString(
  connectionString: string,
  sealingKey: SealingKey,
): Promise<SealedConnectionString> {
  const parsed = parseConnectionString(connectionString)
  if (!parsed.ok) throw refused(parsed.message)
  const { host, port, database } = parsed.target
  const sodium = await readySodium()
  const key = sodium.from_base64(sealingKey.key, sodium.base64_variants.ORIGINAL)
  const plain = new TextEncoder().encode(connectionString)
  const box = sodium.crypto_box_seal(plain, key)
  sodium.memzero(plain)
  const sealedConnectionString = sodium.to_base64(box, sodium.base64_variants.ORIGINAL)
  return { sealedConnectionString, keyId: sealingKey.keyId, host, port, database }
}

/** Loaded by the first who seals: a page that never does need not carry it. */
async function readySodium() {
  const { default: sodium } = await import('libsodium-wrappers')
  await sodium.ready
  return sodium
}

/** The refusal in the shape in which the server would have answered it. */
function refused(message: string): Error {
  const fault = { fault: 'invalid_body', httpStatus: 400, retryable: false, requestId: null }
  const issues = [{ path: ['connectionString'], code: 'connection_string' }]
  const error = { message, code: -32600, data: { code: 'BAD_REQUEST', ...fault, issues } }
  return new TRPCClientError(message, { result: { error } })
}

const KEY_KEPT_MS = 60_000
/** Boxes of requests that may be sent again. */
export const BOXES_KEPT = 1_000
const SEALED_CALLS: readonly PropertyKey[] = ['register', 'rotate', 'validate']

interface Sealable {
  readonly datasources: object
  readonly organization: { readonly sealingKey: { query(): Promise<SealingKey> } }
}

/**
 * The same client, which seals every `connectionString` that it is given before it is sent. No two boxes are alike, so it
 * keeps those that went with an `idempotencyKey`, the last 1,000: a retry sends the very same one. A retry from another
 * process, or by another client, is refused with `idempotency_conflict`, since its box is another one.
 */
export function sealing<C extends Sealable>(client: C): C {
  const boxes = new Boxes()
  let kept: { readonly key: Promise<SealingKey>; readonly until: number } | null = null
  const currentKey = () => {
    if (kept === null || kept.until < Date.now()) {
      kept = { key: client.organization.sealingKey.query(), until: Date.now() + KEY_KEPT_MS }
      kept.key.catch(() => {
        kept = null
      })
    }
    return kept.key
  }
  const datasources = new Proxy(client.datasources, {
    get(target, name) {
      const called: unknown = Reflect.get(target, name)
      return SEALED_CALLS.includes(name) ? sealingCall(called, { name: String(name), currentKey, boxes }) : called
    },
  })
  return new Proxy(client, {
    get: (target, name) => (name === 'datasources' ? datasources : Reflect.get(target, name)),
  })
}

/** The boxes of requests that may be sent again. */
class Boxes {
  readonly #kept = new Map<string, Promise<SealedConnectionString>>()

  /** The box of a request: the one that was made for it before, or a new one. */
  of(request: string, make: () => Promise<SealedConnectionString>): Promise<SealedConnectionString> {
    const box = this.#kept.get(request) ?? make()
    // Put behind the others, so that the first one is what was not asked for the longest.
    this.#kept.delete(request)
    this.#kept.set(request, box)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > BOXES_KEPT && oldest !== undefined) this.#kept.delete(oldest)
    box.catch(() => {
      if (this.#kept.get(request) === box) this.#kept.delete(request)
    })
    return box
  }

  forget(request: string): void {
    this.#kept.delete(request)
  }
}

interface Sealing {
  readonly name: string
  readonly currentKey: () => Promise<SealingKey>
  readonly boxes: Boxes
}

function sealingCall(called: unknown, { name, currentKey, boxes }: Sealing) {
  return {
    mutate: async (input: unknown, options: unknown) => {
      const mutate: unknown = Reflect.get(Object(called), 'mutate')
      if (typeof mutate !== 'function') throw new Error('the client has no such mutation')
      if (typeof input !== 'object' || input === null || !('connectionString' in input)) return mutate(input, options)
      const { connectionString, ...rest } = input
      // Of the wrong type it is no secret of anyone's: the server says what is wrong with it.
      if (typeof connectionString !== 'string') return mutate(input, options)
      const make = async () => sealConnectionString(connectionString, await currentKey())
      const idempotencyKey: unknown = Reflect.get(rest, 'idempotencyKey')
      if (typeof idempotencyKey !== 'string') return mutate({ ...rest, ...(await make()) }, options)
      const request = await digestOf([name, idempotencyKey, connectionString])
      try {
        return await mutate({ ...rest, ...(await boxes.of(request, make)) }, options)
      } catch (thrown) {
        // Sealed to a key that was replaced since: kept, it would be refused for ever.
        if (isKeyRefused(thrown)) boxes.forget(request)
        throw thrown
      }
    },
  }
}

/** What a request is known by: a digest, so that the connection string is held no longer than it takes to send it. */
async function digestOf(parts: readonly string[]): Promise<string> {
  const sodium = await readySodium()
  return sodium.crypto_generichash(sodium.crypto_generichash_BYTES, JSON.stringify(parts), null, 'hex')
}

function isKeyRefused(thrown: unknown): boolean {
  if (!(thrown instanceof TRPCClientError)) return false
  const issues: unknown = Reflect.get(Object(thrown.data), 'issues')
  return Array.isArray(issues) && issues.some(issue => Reflect.get(Object(issue), 'code') === 'unknown_key')
}
