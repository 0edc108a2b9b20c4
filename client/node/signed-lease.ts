/**
 * Opens a lease: verifies the signature with a key from the operator, then checks that the lease is the requested one.
 * Nothing between holder and worker is trusted, least of all the web tier, which delivers the box and could seal one of
 * its own.
 */

import type { readySodium } from '#client/core/sodium.ts'
import { LeasedCredential, SignedLease } from '#shared/access/lease.ts'
import type { DatasourceId } from '#shared/base/datasource-name.ts'
import { leaseBytes } from '#shared/base/signed-text.ts'

type Sodium = Awaited<ReturnType<typeof readySodium>>

/** A lease may expire this much later than requested, because clocks differ and the request takes time. */
const MARGIN_MS = 60_000
const KEY_BYTES = 32
const SIGNATURE_BYTES = 64

/** The holder's request, and the unencrypted fields of the answer. */
export interface AskedLease {
  readonly id: DatasourceId
  /** Base64, as it was sent. */
  readonly publicKey: string
  /** The latest requested expiry, in epoch milliseconds. */
  readonly untilMs: number
  readonly leaseId: string
  readonly credentialVersion: number
}

/**
 * Parses verify keys, each of which is 32 bytes in base64; at least one is required. Throws an error that says where to
 * get them.
 */
export function readVerifyKeys(sodium: Sodium, texts: readonly string[]): readonly Uint8Array[] {
  const source = 'an operator prints them with: npm run -s mooring -- lease-key show'
  if (texts.length === 0) throw new Error(`A lease requires verifyKeys or MOORING_LEASE_KEYS; ${source}`)
  return texts.map(text => {
    const key = fromBase64(sodium, text)
    if (key?.length !== KEY_BYTES) throw new Error(`Each of verifyKeys must be base64 of 32 bytes; ${source}`)
    return key
  })
}

/**
 * Verifies an opened box and returns the credential in it. Throws an `Error` if no key of the operator has signed it,
 * or if it is not the requested lease; the error contains none of the content.
 */
export function readSignedLease(
  sodium: Sodium,
  plain: Uint8Array,
  { verifyKeys, asked }: { verifyKeys: readonly Uint8Array[]; asked: AskedLease },
): LeasedCredential {
  const envelope = SignedLease.safeParse(parseJson(new TextDecoder().decode(plain)))
  if (!envelope.success || !isSigned(sodium, envelope.data, verifyKeys))
    throw new Error(
      'The lease is not signed with any of verifyKeys: it did not come from the worker, or the keys are old.',
    )
  const credential = LeasedCredential.safeParse(parseJson(envelope.data.lease))
  if (!credential.success) throw new Error('The lease cannot be read: is this client older than the server?')
  requireAsked(credential.data, asked)
  return credential.data
}

function isSigned(sodium: Sodium, { lease, signatures }: SignedLease, verifyKeys: readonly Uint8Array[]): boolean {
  const bytes = leaseBytes(lease)
  // The key id of a signature is only a hint and as untrusted as the rest, so every pair is tried.
  return signatures.some(one => {
    const signature = fromBase64(sodium, one.signature)
    if (signature?.length !== SIGNATURE_BYTES) return false
    return verifyKeys.some(key => sodium.crypto_sign_verify_detached(signature, bytes, key))
  })
}

/** A genuinely signed lease may still be a different one: for another datasource, holder, time or version. */
function requireAsked(lease: LeasedCredential, asked: AskedLease): void {
  const endsMs = Date.parse(lease.expiresAt)
  const mismatch =
    (lease.datasourceId !== asked.id && 'for another datasource') ||
    (lease.mode !== (asked.id.startsWith('ds_test_') ? 'test' : 'live') && 'for the other mode') ||
    (lease.publicKey !== asked.publicKey && 'for another holder') ||
    (lease.id !== asked.leaseId && 'not the one named in the answer') ||
    (lease.credentialVersion !== asked.credentialVersion && 'of another version than the answer says') ||
    (endsMs <= Date.now() && 'already expired; is the clock right?') ||
    (endsMs > asked.untilMs + MARGIN_MS && 'valid for longer than requested; is the clock right?')
  if (mismatch !== false) throw new Error(`The lease is ${mismatch}`)
}

function fromBase64(sodium: Sodium, text: string): Uint8Array | null {
  try {
    return sodium.from_base64(text, sodium.base64_variants.ORIGINAL)
  } catch {
    return null
  }
}

/** Returns undefined for text that is not JSON, because the parser's message would quote it. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
