/**
 * Opens a lease: the signature first, by a key that came from the operator, and then what it binds the lease to. Nobody
 * between holder and worker is believed, least of all the web tier that hands the box over: it can seal a box of its own.
 */

import type { readySodium } from '#client/core/sodium.ts'
import { LeasedCredential, SignedLease } from '#shared/access/lease.ts'
import { leaseBytes } from '#shared/base/signed-text.ts'
import type { DatasourceId } from '#shared/base/wire.ts'

type Sodium = Awaited<ReturnType<typeof readySodium>>

/** A lease may end this much later than it was asked for: clocks differ, and the question takes time. */
const MARGIN_MS = 60_000
const KEY_BYTES = 32
const SIGNATURE_BYTES = 64

/** The holder's request, and the fields beside the box in the answer. */
export interface AskedLease {
  readonly id: DatasourceId
  /** Base64, as it was sent. */
  readonly publicKey: string
  /** The latest end that was asked for, in milliseconds since 1970. */
  readonly untilMs: number
  readonly leaseId: string
  readonly credentialVersion: number
}

/** Reads verify keys: base64 of 32 bytes each. Throws a sentence that says where they come from; at least one is needed. */
export function readVerifyKeys(sodium: Sodium, texts: readonly string[]): readonly Uint8Array[] {
  const source = 'an operator prints them with: npm run -s mooring -- lease-key show'
  if (texts.length === 0) throw new Error(`A lease is taken only with verifyKeys or MOORING_LEASE_KEYS; ${source}`)
  return texts.map(text => {
    const key = fromBase64(sodium, text)
    if (key?.length !== KEY_BYTES) throw new Error(`Each of verifyKeys must be base64 of 32 bytes; ${source}`)
    return key
  })
}

/**
 * Verifies an opened box and reads the credential in it. Throws an `Error` when no key of the operator's has signed it, or
 * when it is another lease than the one that was asked for; nothing of the content is in the error.
 */
export function readSignedLease(
  sodium: Sodium,
  plain: Uint8Array,
  of: { verifyKeys: readonly Uint8Array[]; asked: AskedLease },
): LeasedCredential {
  const envelope = SignedLease.safeParse(parseJson(new TextDecoder().decode(plain)))
  if (!envelope.success || !isSigned(sodium, envelope.data, of.verifyKeys))
    throw new Error(
      'The lease is not signed with any of verifyKeys: it did not come from the worker, or the keys are old.',
    )
  const credential = LeasedCredential.safeParse(parseJson(envelope.data.lease))
  if (!credential.success) throw new Error('The lease cannot be read: is this client older than the server?')
  requireAsked(credential.data, of.asked)
  return credential.data
}

function isSigned(sodium: Sodium, { lease, signatures }: SignedLease, verifyKeys: readonly Uint8Array[]): boolean {
  const bytes = leaseBytes(lease)
  // A key id is only a hint of who made a signature, and comes from the same hands: every pair is tried.
  return signatures.some(one => {
    const signature = fromBase64(sodium, one.signature)
    if (signature?.length !== SIGNATURE_BYTES) return false
    return verifyKeys.some(key => sodium.crypto_sign_verify_detached(signature, bytes, key))
  })
}

/** A genuine lease may be another one: of another datasource, holder, time or version. */
function requireAsked(lease: LeasedCredential, asked: AskedLease): void {
  const endsMs = Date.parse(lease.expiresAt)
  const mismatch =
    (lease.datasourceId !== asked.id && 'for another datasource') ||
    (lease.mode !== (asked.id.startsWith('ds_test_') ? 'test' : 'live') && 'for the other mode') ||
    (lease.publicKey !== asked.publicKey && 'for another holder') ||
    (lease.id !== asked.leaseId && 'another one than the answer says') ||
    (lease.credentialVersion !== asked.credentialVersion && 'of another version than the answer says') ||
    (endsMs <= Date.now() && 'over already; is the clock right?') ||
    (endsMs > asked.untilMs + MARGIN_MS && 'good for longer than was asked; is the clock right?')
  if (mismatch !== false) throw new Error(`The lease is ${mismatch}`)
}

function fromBase64(sodium: Sodium, text: string): Uint8Array | null {
  try {
    return sodium.from_base64(text, sodium.base64_variants.ORIGINAL)
  } catch {
    return null
  }
}

/** Undefined for what is no JSON: the parser's message would quote it. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
