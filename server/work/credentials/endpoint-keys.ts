/**
 * Opens the parts of a request to an endpoint: its URL, the current signing key and, during a rotation, the pending
 * one. The URL comes only from the sealed credential; the column merely displays it.
 */
import type { RequestedBy, Secret } from '#server/domain/access/sealed.ts'
import { openOr } from '#server/seal/held-key.ts'
import type { SealedCredential, SealedDatasource } from '#server/store/credentials/sealed.ts'
import { runningTask } from '#server/work/about-task.ts'
import type { OwnLogin } from '#server/work/credentials/login-budgets.ts'
import { openCredential } from '#server/work/credentials/open.ts'
import { isMoved } from '#server/work/credentials/standing.ts'
import type { WorkerDeps } from '#server/work/deps.ts'
import { parseEndpointUrl } from '#shared/connection-string/endpoint-url.ts'

/** A signing key and the row that it came from. */
export interface SigningKey {
  readonly key: string
  readonly credential: SealedCredential
  /** The requester; null if unknown. */
  readonly requestedBy: RequestedBy | null
}

/** The URL and signing keys of an endpoint. */
export interface EndpointKeys {
  readonly url: string
  /** Null if it cannot be opened: then only a new key helps. */
  readonly current: SigningKey | null
  /** The new key of a rotation; `unreadable` if it cannot be opened and therefore never accepted. */
  readonly pending: SigningKey | { readonly unreadable: SealedCredential } | null
}

/** Opens the keys; null if no key has a readable URL. */
export function endpointKeys(deps: WorkerDeps, row: SealedDatasource): EndpointKeys | null {
  // A row that an edit moved to the other mode is not used at all.
  if (isMoved(deps, row)) return null
  const { current: inForce, pending: coming } = row
  const [secret, next] = [opened(deps, inForce), opened(deps, coming)]
  // A key that came with its URL is usable even if the current one can no longer be opened.
  const source = secret?.kind === 'endpoint' ? secret : next
  if (source?.kind !== 'endpoint') return null
  const { url } = source
  // An edited column no longer displays what is dialled.
  if (inForce !== null && row.endpoint !== url) return null
  const current =
    secret?.kind === 'endpoint' && inForce ? { key: secret.signingKey, credential: inForce, requestedBy: null } : null
  return { url, current, pending: coming === null ? null : pendingKey(coming, next, url) }
}

/** The text from which an endpoint's fingerprint is computed. */
export function endpointCanonical(url: string, signingKey: string): string {
  return JSON.stringify(['endpoint', url, signingKey])
}

/** The keys to sign with: the new one first, so that a receiver that holds either key accepts. */
export function signingKeysOf({ current, pending }: EndpointKeys): string[] {
  const news = pending !== null && 'key' in pending ? [pending.key] : []
  return current === null ? news : [...news, current.key]
}

/** The login under which the login budgets count an endpoint. */
export function endpointLogin(organizationId: string, url: string): OwnLogin {
  const parsed = parseEndpointUrl(url)
  // An invalid URL is never requested, but counts nevertheless.
  const { host, port } = parsed.ok ? parsed.url : { host: '', port: 0 }
  return { organizationId, target: { host, port, database: url, user: '' } }
}

function pendingKey(credential: SealedCredential, secret: Secret | null, url: string): EndpointKeys['pending'] {
  // A key registered for another URL would sign requests that this endpoint could replay there.
  const isHere = secret?.kind === 'signing-key' || (secret?.kind === 'endpoint' && secret.url === url)
  if (!isHere) return { unreadable: credential }
  return { key: secret.signingKey, credential, requestedBy: secret.requestedBy ?? null }
}

function opened(deps: WorkerDeps, credential: SealedCredential | null): Secret | null {
  if (credential === null) return null
  const unreadable = () => {
    const why = { stage: 'open', fault: 'credential_unreadable', keyId: credential.sealed.keyId }
    deps.log.error({ ...runningTask(), ...credential.context, ...why }, 'a stored credential could not be opened')
    return null
  }
  return openOr(() => openCredential(deps, credential), unreadable)
}
