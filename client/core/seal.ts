/**
 * Client-side sealing: a connection string is sealed to the organization's public key before it leaves the caller, so
 * Mooring's internet-facing processes never hold it in clear. Runs in Node and in browsers.
 */
import { TRPCClientError } from '@trpc/client'
import type { SealingKey } from '#shared/access/sealing.ts'
import { sharesPiece } from '#shared/base/text.ts'
import { readySodium } from './sodium.ts'

/**
 * The fields that replace `connectionString`: the box, the id of its key, and the non-secret projection that the worker
 * compares with the content of the box.
 */
export interface SealedConnectionString {
  /** Base64 of the box. */
  readonly sealedConnectionString: string
  /** The `keyId` of the sealing key, a UUID. */
  readonly keyId: string
  readonly host: string
  /** 1 to 65535. */
  readonly port: number
  readonly database: string
  /**
   * The schema that the string names, as in `?schema=`; absent if it names none. It is registered if `schema` is
   * absent.
   */
  readonly namedSchema?: string
}

/**
 * Seals a connection string to a key from `organization.sealingKey`, with libsodium's `crypto_box_seal`, as base64. A
 * CA certificate (PEM; null for the public authorities) goes into the same box, so nobody on the way can replace it.
 * Rejects with an error whose fault is `invalid_body` for a string that Mooring would refuse; nothing is sent in that
 * case.
 */
export async function sealConnectionString(
  connectionString: string,
  sealingKey: SealingKey,
  caCertificate?: string | null,
): Promise<SealedConnectionString> {
  // Loaded on demand, like libsodium: a page that never seals does not need it.
  const { parseConnectionString } = await import('#shared/connection-string/connection-string.ts')
  const parsed = parseConnectionString(connectionString)
  if (!parsed.ok) throw refused('connectionString', { code: parsed.code, message: parsed.message })
  const { host, port, database, password } = parsed.target
  // A schema name that repeats the password stays inside the box; the worker then refuses the string without quoting
  // either.
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

/** Creates the error that the server would return for an invalid field. It quotes no value. */
export function refused(field: string, issue: { code: string; message: string }): Error {
  const fault = { fault: 'invalid_body', httpStatus: 400, retryable: false, requestId: null }
  const issues = [{ path: [field], ...issue }]
  const error = { message: issue.message, code: -32600, data: { code: 'BAD_REQUEST', ...fault, issues } }
  return new TRPCClientError(issue.message, { result: { error } })
}
