/**
 * Opens what an endpoint is asked with: its URL, the signing key in force, and during a rotation the one on its way. A URL is
 * taken from the sealed credential alone; the column shows it.
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
  /** Null when it cannot be opened: then only another one helps. */
  readonly current: SigningKey | null
  /** The new key of a rotation; `unreadable` when it cannot be opened, so that it will never be accepted. */
  readonly pending: SigningKey | { readonly unreadable: SealedCredential } | null
}

/** Opens them; null when there is no key whose URL can be read. */
export function endpointKeys(deps: WorkerDeps, row: SealedDatasource): EndpointKeys | null {
  // A row that an edit moved to the other mode is not used at all.
  if (isMoved(deps, row)) return null
  const { current: inForce, pending: coming } = row
  const [secret, next] = [opened(deps, inForce), opened(deps, coming)]
  // A key that came with its URL can be used where the one in force cannot be opened any more.
  const source = secret?.kind === 'endpoint' ? secret : next
  if (source?.kind !== 'endpoint') return null
  const { url } = source
  // A column that was edited is no longer a display of what is dialled.
  if (inForce !== null && row.endpoint !== url) return null
  const current =
    secret?.kind === 'endpoint' && inForce ? { key: secret.signingKey, credential: inForce, requestedBy: null } : null
  return { url, current, pending: coming === null ? null : pendingKey(coming, next, url) }
}

/** The text that an endpoint's fingerprint is made of. */
export function endpointCanonical(url: string, signingKey: string): string {
  return JSON.stringify(['endpoint', url, signingKey])
}

/** The keys to sign with: the new one first, so that a receiver that holds either accepts. */
export function signingKeysOf({ current, pending }: EndpointKeys): string[] {
  const news = pending !== null && 'key' in pending ? [pending.key] : []
  return current === null ? news : [...news, current.key]
}

/** An endpoint as the budgets of logins know it. */
export function endpointLogin(organizationId: string, url: string): OwnLogin {
  const parsed = parseEndpointUrl(url)
  // An invalid URL is never requested, and counts nevertheless.
  const { host, port } = parsed.ok ? parsed.url : { host: '', port: 0 }
  return { organizationId, target: { host, port, database: url, user: '' } }
}

function pendingKey(credential: SealedCredential, secret: Secret | null, url: string): EndpointKeys['pending'] {
  // A key that was registered for another place would sign requests that this place could pass on there.
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
