/**
 * Secret → what to dial. A string that the caller sealed is opened and compared with what it claimed to be; a certificate
 * alone is joined with the target in force; a new target that differs from the one in force needs the caller's leave.
 */

import type { Secret } from '#server/domain/sealed.ts'
import { SealBroken } from '#server/seal/held-key.ts'
import type { SealedCredential } from '#server/store/sealed.ts'
import { canonicalTarget, parseConnectionString, type Target } from '#shared/connection-string.ts'
import type { FaultCode } from '#shared/fault.ts'
import { openClientBox, openCredential } from './open.ts'
import type { WorkerParts } from './parts.ts'

/** What to dial, or why nothing is. `canonical` is the text that a fingerprint is made of. */
export type Resolved =
  | { readonly ok: true; readonly target: Target; readonly caCertificate: string | null; readonly canonical: string }
  | { readonly ok: false; readonly reason: FaultCode }

/** What is resolved: a secret, and the credential in force that it is to replace, if it is to replace one. */
export interface Unresolved {
  readonly organizationId: string
  readonly secret: Secret
  readonly inForce: SealedCredential | null
}

const refused = (reason: FaultCode): Resolved => ({ ok: false, reason })

function resolved(target: Target, caCertificate: string | null): Resolved {
  return { ok: true, target, caCertificate, canonical: canonicalTarget(target, caCertificate) }
}

/** Resolves it. Throws `SealBroken` when the credential in force cannot be opened; a caller's broken box is refused. */
export async function resolve(parts: WorkerParts, of: Unresolved): Promise<Resolved> {
  const found = await targetOf(parts, of)
  if (!found.ok || of.inForce === null) return found
  const { secret } = of
  if (secret.kind === 'ca-certificate') return found
  const mayMove = 'allowMove' in secret && secret.allowMove === true
  const keeps = 'keepCertificate' in secret && secret.keepCertificate === true
  if (mayMove && !keeps) return found
  const current = openCredential(parts, of.inForce)
  if (current.kind !== 'direct') return mayMove ? found : refused('target_changed')
  if (!mayMove && !isSamePlace(current.target, found.target)) return refused('target_changed')
  return keeps ? resolved(found.target, current.caCertificate) : found
}

function targetOf(parts: WorkerParts, of: Unresolved): Resolved | Promise<Resolved> {
  const { secret } = of
  if (secret.kind === 'direct') return resolved(secret.target, secret.caCertificate)
  if (secret.kind === 'client-sealed') return openSealed(parts, of.organizationId, secret)
  if (secret.kind !== 'ca-certificate' || of.inForce === null) return refused('credential_unreadable')
  const current = openCredential(parts, of.inForce)
  return current.kind === 'direct' ? resolved(current.target, secret.caCertificate) : refused('credential_unreadable')
}

async function openSealed(
  parts: WorkerParts,
  organizationId: string,
  secret: Extract<Secret, { kind: 'client-sealed' }>,
): Promise<Resolved> {
  let text: string
  try {
    text = await openClientBox(parts, organizationId, secret)
  } catch (thrown) {
    if (thrown instanceof SealBroken) return refused('credential_unreadable')
    throw thrown
  }
  return readSealedString(text, secret)
}

/** What a caller has sealed, opened: taken where it parses and is for the place that was claimed with it. */
export function readSealedString(text: string, secret: Extract<Secret, { kind: 'client-sealed' }>): Resolved {
  const parsed = parseConnectionString(text)
  if (!parsed.ok) return refused('invalid_body')
  const { target } = parsed
  return isSamePlace(target, secret.projection)
    ? resolved(target, secret.caCertificate)
    : refused('projection_mismatch')
}

interface Place {
  readonly host: string
  readonly port: number
  readonly database: string
}

function isSamePlace(one: Place, other: Place): boolean {
  return one.host === other.host && one.port === other.port && one.database === other.database
}
