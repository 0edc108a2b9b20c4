/**
 * The columns of the tried credential that a check writes: the fingerprint once it has passed, and the secret in its
 * stored form. Called by the check of a database.
 */
import type { Fingerprint, SealedBox, Secret } from '#server/domain/access/sealed.ts'
import type { Marks } from '#server/store/credentials/credential-marks.ts'
import type { SealedCredential } from '#server/store/credentials/sealed.ts'
import { loginHashesOf } from '#server/work/credentials/login-budgets.ts'
import { currentKey } from '#server/work/credentials/open.ts'
import { keptSecret, type ResolvedTarget } from '#server/work/credentials/resolve-target.ts'
import type { WorkerDeps } from '#server/work/deps.ts'
import type { VerifiedConnection } from './verify-connection.ts'

interface Checked {
  readonly tried: SealedCredential
  readonly secret: Secret
  readonly verified: VerifiedConnection
}

/** The values to write; null if nothing changed. */
export async function marksOf(deps: WorkerDeps, { tried, secret, verified }: Checked): Promise<Marks | null> {
  const { verification, resolved } = verified
  const isPassed = verification.outcome === 'passed' && resolved !== null
  const fingerprint = isPassed
    ? deps.fingerprinter.of(tried.context.organizationId, resolved.canonical)
    : tried.fingerprint
  const md5Allowed = tried.md5Allowed && (!isPassed || verified.isMd5)
  const [passed = null] = isPassed ? loginHashesOf(deps, resolved.target) : []
  const loginHash = passed ?? tried.loginHash
  const resealed = resolved === null ? null : await resealedBox(deps, { tried, secret, resolved })
  const isSameLogin =
    loginHash === tried.loginHash || (loginHash !== null && tried.loginHash?.equals(loginHash) === true)
  const isNew = !isSame(fingerprint, tried.fingerprint) || md5Allowed !== tried.md5Allowed || !isSameLogin
  return isNew || resealed !== null ? { fingerprint, md5Allowed, loginHash, resealed } : null
}

function isSame(one: Fingerprint | null, other: Fingerprint | null): boolean {
  return one?.text === other?.text && one?.keyId === other?.keyId
}

/** The resealed secret; null if it already has its stored form. */
async function resealedBox(
  deps: WorkerDeps,
  { tried, secret, resolved }: Pick<Checked, 'tried' | 'secret'> & { resolved: ResolvedTarget },
): Promise<SealedBox | null> {
  if (secret.kind === 'direct' && secret.caCertificate === resolved.caCertificate) return null
  if (secret.kind !== 'direct' && secret.kind !== 'client-sealed') return null
  const key = await currentKey(deps, tried.context.organizationId)
  return deps.sealer.sealCredential(key, tried.context, keptSecret(resolved, secret))
}
