/**
 * Resolves a secret to the target to dial. A string sealed by the caller is opened and compared with its declared
 * properties; a new target that differs from the current one needs the caller's permission. A CA certificate is
 * accepted only together with its connection string, so that no stored password is ever sent under trust that was added
 * later.
 */

import type { Secret } from '#server/domain/access/sealed.ts'
import { readSealedContent, type SealedContent } from '#server/domain/access/sealed-content.ts'
import { refusedString, type UndialledReason } from '#server/domain/checks/undialled.ts'
import { openingOr } from '#server/seal/held-key.ts'
import type { SealedCredential } from '#server/store/credentials/sealed.ts'
import { openClientBox, openCredential } from '#server/work/credentials/open.ts'
import type { WorkerDeps } from '#server/work/deps.ts'
import { canonicalTarget, type Target } from '#shared/connection-string/connection-string.ts'
import type { FaultCode } from '#shared/faults/fault.ts'

/** The target of a dial and its trust anchors. `canonical` is the text from which a fingerprint is computed. */
export interface ResolvedTarget {
  readonly ok: true
  readonly target: Target
  readonly caCertificate: string | null
  readonly canonical: string
  readonly compared: Target | null
  /**
   * The advice and schema of a string sealed by its caller; null for any other, for which the web tier has given the
   * advice.
   */
  readonly said: SealedContent['said'] | null
}

/** The target of a dial, or the reason for not dialling. */
export type Resolved = ResolvedTarget | Refused

/** The input: a secret, and the current credential that it would replace, if any. */
export interface Unresolved {
  readonly organizationId: string
  readonly secret: Secret
  readonly inForce: SealedCredential | null
}

interface Refused {
  readonly ok: false
  readonly reason: FaultCode
  /**
   * The submitted target, if the answer depends on a comparison with the current credential, including passwords:
   * revealed only within the budgets of refused logins, or right guesses could be told from wrong ones for free. Null
   * if nothing was compared.
   */
  readonly compared: Target | null
  /** The checklist item that gives the reason, if a box was opened and refused. */
  readonly why?: UndialledReason
}

/**
 * The content of the secret itself. `caCertificate` is null for public roots, undefined if the secret does not mention
 * one.
 */
interface Stated {
  readonly ok: true
  readonly target: Target
  readonly caCertificate: string | null | undefined
  readonly said?: SealedContent['said']
}

const refused = (reason: FaultCode): Refused => ({ ok: false, reason, compared: null })

function resolved({ target, said }: Stated, caCertificate: string | null): ResolvedTarget {
  const canonical = canonicalTarget(target, caCertificate)
  return { ok: true, target, caCertificate, canonical, compared: null, said: said ?? null }
}

/**
 * Resolves a secret. Throws `SealBroken` if the current credential cannot be opened; a caller's broken box is refused.
 */
export async function resolveTarget(
  deps: WorkerDeps,
  { organizationId, secret, inForce }: Unresolved,
): Promise<Resolved> {
  const stated = await statedOf(deps, organizationId, secret)
  if (!stated.ok) return stated
  const { target, caCertificate } = stated
  if (inForce === null) return resolved(stated, caCertificate ?? null)
  const mayMove = 'allowMove' in secret && secret.allowMove === true
  if (mayMove && caCertificate !== undefined) return resolved(stated, caCertificate)
  const current = await statedOf(deps, organizationId, openCredential(deps, inForce))
  if (!current.ok) return mayMove ? resolved(stated, caCertificate ?? null) : refused('target_changed')
  if (!mayMove && !isSamePlace(current.target, target)) return refused('target_changed')
  const inForceCa = current.caCertificate ?? null
  if (caCertificate !== undefined || inForceCa === null) return resolved(stated, caCertificate ?? null)
  // Only the very string in force under this certificate may omit it: any other password was not given for it.
  const same = resolved(stated, inForceCa)
  const isSame = same.canonical === canonicalTarget(current.target, inForceCa)
  return { ...(isSame ? same : refused('ca_certificate_required')), compared: target }
}

async function statedOf(deps: WorkerDeps, organizationId: string, secret: Secret): Promise<Stated | Refused> {
  switch (secret.kind) {
    case 'direct':
      return { ok: true, target: secret.target, caCertificate: secretCa(secret) }
    case 'client-sealed':
      return openSealed(deps, organizationId, secret)
    case 'ca-certificate':
      return refused('ca_certificate_required')
    default:
      return refused('credential_unreadable')
  }
}

function secretCa({ caCertificate, keepCertificate }: Extract<Secret, { kind: 'direct' }>): string | null | undefined {
  return caCertificate === null && keepCertificate === true ? undefined : caCertificate
}

type ClientSealed = Extract<Secret, { kind: 'client-sealed' }>

async function openSealed(deps: WorkerDeps, organizationId: string, secret: ClientSealed): Promise<Stated | Refused> {
  const read = async () => readSealed(await openClientBox(deps, organizationId, secret), secret)
  return openingOr(read, () => refused('credential_unreadable'))
}

/** The content of a caller's box: accepted if it parses and is for the declared target. */
function readSealed(text: string, secret: ClientSealed): Stated | Refused {
  // The web tier could put any certificate next to a box that it received. A certificate that came with the string is
  // inside.
  if (secret.caCertificate !== null) return refused('ca_certificate_required')
  const content = readSealedContent(text)
  if (!content.ok) return { ...refused('invalid_body'), why: refusedString(content) }
  if (!isSamePlace(content.target, secret.projection)) return refused('projection_mismatch')
  return content
}

/** The secret in its stored form, once its box was opened. Null if it is refused. */
export function openedSecret(text: string, secret: ClientSealed): Secret | null {
  const stated = readSealed(text, secret)
  return stated.ok ? keptSecret(stated, secret) : null
}

/** A secret in its stored form, with its requester and their permission to move. */
export function keptSecret(
  { target, caCertificate }: Pick<Stated, 'target' | 'caCertificate'>,
  { requestedBy, allowMove }: StatedBy,
): Secret {
  return {
    kind: 'direct',
    target,
    caCertificate: caCertificate ?? null,
    ...(caCertificate === undefined ? { keepCertificate: true } : {}),
    ...(requestedBy === undefined ? {} : { requestedBy }),
    ...(allowMove === undefined ? {} : { allowMove }),
  }
}

type StatedBy = Pick<ClientSealed, 'requestedBy' | 'allowMove'>

interface Place {
  readonly host: string
  readonly port: number
  readonly database: string
}

function isSamePlace(one: Place, other: Place): boolean {
  return one.host === other.host && one.port === other.port && one.database === other.database
}
