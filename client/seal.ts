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
  // Loaded by the first who seals: a page that never does need not carry it.
  const { default: sodium } = await import('libsodium-wrappers')
  await sodium.ready
  const key = sodium.from_base64(sealingKey.key, sodium.base64_variants.ORIGINAL)
  const plain = new TextEncoder().encode(connectionString)
  const box = sodium.crypto_box_seal(plain, key)
  sodium.memzero(plain)
  const sealedConnectionString = sodium.to_base64(box, sodium.base64_variants.ORIGINAL)
  return { sealedConnectionString, keyId: sealingKey.keyId, host, port, database }
}

/** The refusal in the shape in which the server would have answered it. */
function refused(message: string): Error {
  const fault = { fault: 'invalid_body', httpStatus: 400, retryable: false, requestId: null }
  const issues = [{ path: ['connectionString'], code: 'connection_string' }]
  const error = { message, code: -32600, data: { code: 'BAD_REQUEST', ...fault, issues } }
  return new TRPCClientError(message, { result: { error } })
}

const KEY_KEPT_MS = 60_000
const SEALED_CALLS: readonly PropertyKey[] = ['register', 'rotate', 'validate']

interface Sealable {
  readonly datasources: object
  readonly organization: { readonly sealingKey: { query(): Promise<SealingKey> } }
}

/** The same client, which seals every `connectionString` that it is given before it is sent. */
export function sealing<C extends Sealable>(client: C): C {
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
      return SEALED_CALLS.includes(name) ? sealingCall(called, currentKey) : called
    },
  })
  return new Proxy(client, {
    get: (target, name) => (name === 'datasources' ? datasources : Reflect.get(target, name)),
  })
}

function sealingCall(called: unknown, currentKey: () => Promise<SealingKey>) {
  return {
    mutate: async (input: unknown, options: unknown) => {
      const mutate: unknown = Reflect.get(Object(called), 'mutate')
      if (typeof mutate !== 'function') throw new Error('the client has no such mutation')
      return await mutate(await sealInput(input, currentKey), options)
    },
  }
}

async function sealInput(input: unknown, currentKey: () => Promise<SealingKey>): Promise<unknown> {
  if (typeof input !== 'object' || input === null || !('connectionString' in input)) return input
  const { connectionString, ...rest } = input
  // Of the wrong type it is no secret of anyone's: the server says what is wrong with it.
  if (typeof connectionString !== 'string') return input
  return { ...rest, ...(await sealConnectionString(connectionString, await currentKey())) }
}
