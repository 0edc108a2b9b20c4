/**
 * Client-side sealing: a connection string is sealed to the organization's public key before it leaves the caller, so that
 * what faces the internet at Mooring never holds it, not even for a moment. Runs in Node and in browsers alike.
 */
import { TRPCClientError } from '@trpc/client'
import type { SealingKey } from '#shared/access/sealing.ts'
import { sharesPiece } from '#shared/base/text.ts'
import { readySodium } from './sodium.ts'

/** The replacement of `connectionString`: the box, its key, and the safe projection that is compared with what is inside. */
export interface SealedConnectionString {
  readonly sealedConnectionString: string
  readonly keyId: string
  readonly host: string
  readonly port: number
  readonly database: string
  /** The schema that the string names, as `?schema=`, where it names one: it is registered unless `schema` says another. */
  readonly namedSchema?: string
}

/**
 * Seals a connection string to a key from `organization.sealingKey`: libsodium's `crypto_box_seal`, base64. A CA certificate
 * (PEM; null for the public authorities) goes into the same box, so that nobody on the way can put another one beside the
 * string. Rejects with an error whose fault is `invalid_body` for a string that Mooring would refuse; nothing has left the
 * caller then.
 */
export async function sealConnectionString(
  connectionString: string,
  sealingKey: SealingKey,
  caCertificate?: string | null,
): Promise<SealedConnectionString> {
  // As libsodium: a page that never seals need not carry it.
  const { parseConnectionString } = await import('#shared/connection-string/connection-string.ts')
  const parsed = parseConnectionString(connectionString)
  if (!parsed.ok) throw refused('connectionString', { code: parsed.code, message: parsed.message })
  const { host, port, database, password } = parsed.target
  // A name that repeats the password stays inside: the worker then refuses the string without repeating either.
  const named = parsed.schema === null || sharesPiece(parsed.schema, password) ? {} : { namedSchema: parsed.schema }
  const sodium = await readySodium()
  const key = sodium.from_base64(sealingKey.key, sodium.base64_variants.ORIGINAL)
  const content = caCertificate === undefined ? connectionString : JSON.stringify({ connectionString, caCertificate })
  const plain = new TextEncoder().encode(content)
  const box = sodium.crypto_box_seal(plain, key)
  sodium.memzero(plain)
  const sealedConnectionString = sodium.to_base64(box, sodium.base64_variants.ORIGINAL)
  return { sealedConnectionString, keyId: sealingKey.keyId, host, port, database, ...named }
}

/** A refusal of a field in the shape in which the server would have answered it. It quotes no value. */
export function refused(field: string, of: { code: string; message: string }): Error {
  const fault = { fault: 'invalid_body', httpStatus: 400, retryable: false, requestId: null }
  const issues = [{ path: [field], ...of }]
  const error = { message: of.message, code: -32600, data: { code: 'BAD_REQUEST', ...fault, issues } }
  return new TRPCClientError(of.message, { result: { error } })
}
