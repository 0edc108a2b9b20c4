/**
 * The check of an endpoint: a signed request and, after a good answer, one whose signature is wrong. During a rotation
 * the new key is tried alone, and its result decides.
 */

import { newId } from '#server/domain/access/ids.ts'
import type { RequestedBy } from '#server/domain/access/sealed.ts'
import { verifyEndpointKeys, verifyRotation } from '#server/domain/checks/endpoint-verdict.ts'
import type { Verification } from '#server/domain/checks/verification.ts'
import type { EndpointAnswer } from '#server/domain/feeds/endpoint.ts'
import { noAnswer } from '#server/net/endpoint/request-answer.ts'
import type { SealedCredential, SealedDatasource } from '#server/store/credentials/sealed.ts'
import type { EndpointKeys, SigningKey } from '#server/work/credentials/endpoint-keys.ts'
import { isTrusted, isUsable } from '#server/work/credentials/standing.ts'
import type { WorkerDeps } from '#server/work/deps.ts'
import { askEndpoint, type EndpointAttempt, mayAsk } from '#server/work/feeds/ask-endpoint.ts'

/** A verdict on one credential. */
export interface EndpointVerification {
  readonly credential: SealedCredential
  readonly verification: Verification
  readonly requestedAt: Date | null
  readonly tookMs: number
}

/** The next step of a rotation. */
export interface RotationStep {
  readonly decision: ReturnType<typeof verifyRotation>
  readonly credential: SealedCredential
  /** The key to keep; null if it is destroyed. */
  readonly key: string | null
  readonly requestedBy: RequestedBy | null
  readonly requestedAt: Date | null
}

/** The findings: at least one of the two, unless there is no key to try. */
export interface Findings {
  readonly verified: EndpointVerification | null
  readonly rotation: RotationStep | null
}

/** Checks an endpoint. */
export async function probeEndpoint(deps: WorkerDeps, row: SealedDatasource, keys: EndpointKeys): Promise<Findings> {
  const { url, current, pending } = keys
  const inForce = () => (current === null ? null : judge(deps, row, { url, ...current }))
  if (pending === null) return { verified: await inForce(), rotation: null }
  if ('unreadable' in pending) {
    const nothing = { key: null, requestedBy: null, requestedAt: null }
    const rotation = { decision: 'destroy_new', credential: pending.unreadable, ...nothing } as const
    return { verified: null, rotation }
  }
  const tried = await judge(deps, row, { url, ...pending })
  const { credential, requestedBy } = pending
  const rotation = { ...decide(deps, tried, pending), credential, requestedBy, requestedAt: tried.requestedAt }
  if (rotation.decision === 'retire_old') return { verified: tried, rotation }
  // Until the new key is accepted, an endpoint that is not in use may still come into use with the key that it was
  // registered with.
  const isInUse = isUsable(deps, row) || rotation.decision === 'destroy_new'
  return { verified: isInUse ? null : await inForce(), rotation }
}

type Tried = EndpointVerification & { readonly signed: EndpointAnswer }

function decide(deps: WorkerDeps, { signed }: Tried, { key, credential }: SigningKey) {
  const startedAtMs = credential.createdAt.getTime()
  const { rotationWindowMs: windowMs } = deps.feeds
  const decision = verifyRotation(signed, { startedAtMs, nowMs: deps.clock().getTime(), windowMs })
  return { decision, key: decision === 'destroy_new' ? null : key }
}

async function judge(deps: WorkerDeps, row: SealedDatasource, signing: SigningKey & { url: string }): Promise<Tried> {
  const startedAt = performance.now()
  const { answer: signed, requestedAt } = await ask(deps, row, signing)
  const first = verifyEndpointKeys({ signed, forged: null })
  const forged = first.outcome === 'passed' ? (await question(deps, signing, true)).answer : null
  const verification = forged === null ? first : verifyEndpointKeys({ signed, forged })
  const tookMs = Math.round(performance.now() - startedAt)
  return { credential: signing.credential, verification: verification, requestedAt, tookMs, signed }
}

async function ask(
  deps: WorkerDeps,
  row: SealedDatasource,
  signing: SigningKey & { url: string },
): Promise<EndpointAttempt> {
  const isProven = isTrusted(deps, row) && signing.credential.state === 'current'
  if (!isProven && !(await mayAsk(deps, { organizationId: row.org_id, url: signing.url })))
    return { answer: noAnswer('budget_exhausted', 0), requestedAt: null }
  return question(deps, signing, false)
}

function question(deps: WorkerDeps, { url, key }: { url: string; key: string }, breakSignature: boolean) {
  const messageId = `msg_${newId().replaceAll('-', '')}`
  return askEndpoint(deps, { url, keys: [key], messageId, cursor: null, limit: 1, breakSignature })
}
