/**
 * Verifies the signature of a push and stores its events, which the web tier cannot do because it cannot open a signing
 * key. The task contains the exact bytes and headers, sealed like every payload.
 */

import { isOverlapOver } from '#server/domain/checks/endpoint-verdict.ts'
import { readPush } from '#server/domain/feeds/feed-page.ts'
import type { TaskPayload } from '#server/domain/tasks/contract.ts'
import { checkSignature } from '#server/net/endpoint/signature.ts'
import { openingOr } from '#server/seal/held-key.ts'
import * as audit from '#server/store/access/audit.ts'
import * as sealed from '#server/store/credentials/sealed.ts'
import * as pushes from '#server/store/feeds/feed-pushes.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'
import * as claims from '#server/store/tasks/claims.ts'
import { usableOrAwaited } from '#server/work/credentials/await-check.ts'
import { type EndpointKeys, endpointKeys, signingKeysOf } from '#server/work/credentials/endpoint-keys.ts'
import { openPayload } from '#server/work/credentials/open.ts'
import { asWorker, type WorkerDeps } from '#server/work/deps.ts'
import { logRefused } from '#server/work/refused-task.ts'
import type { PushOutcome } from '#shared/feeds/feed.ts'

/** Performs a `push` task. */
export async function handlePush(deps: WorkerDeps, claim: claims.ClaimOf<'push'>): Promise<void> {
  const outcome = await takenIn(deps, claim)
  if (outcome === null) return
  await claims.finish(deps.db, claim, outcome)
  if (!('answer' in outcome)) logRefused(deps, claim, outcome)
  deps.notifications.ring('news', claim.organizationId)
  if ('answer' in outcome) deps.notifications.ring('events')
}

/**
 * Stores the push or returns the reason for refusing it; null if the claim was released until the endpoint is checked.
 */
async function takenIn(deps: WorkerDeps, claim: claims.ClaimOf<'push'>): Promise<PushOutcome | null> {
  const { organizationId: org, datasourceId } = claim
  const payload = await openingOr(
    () => openPayload(deps, claim, 'push'),
    () => null,
  )
  const row = await sealed.datasource(deps.db, org, datasourceId)
  if (row === undefined) return { fault: 'entity_not_found' }
  const use = await usableOrAwaited(deps, claim, row)
  if (use !== 'usable') return use
  const keys = endpointKeys(deps, row)
  // The verdict covers the current key: a pending key may sign alongside it, and never in its place.
  if (keys === null || keys.current === null || payload === null) return { fault: 'credential_unreadable' }
  const { body, keyless, ...headers } = payload
  const nowSeconds = Math.floor(deps.clock().getTime() / 1_000)
  const finding = checkSignature(headers, Buffer.from(body, 'utf8'), { keys: believed(deps, keys), nowSeconds })
  if (finding !== 'valid') return { refused: finding }
  const events = readPush(body)
  if (events === null) return { fault: 'invalid_body' }
  const pushed = {
    datasourceId,
    events,
    messageId: payload.id,
    senderId: null,
    digests: deps.tokens.digests(body),
    intervalMs: deps.feeds.pace.fastMs,
  }
  // Stored before the task is finished, in a transaction of its own: if a worker dies in between or loses its claim,
  // the next one finds the answer under the message's id.
  const answer = await asWorker(deps, org, async unit => {
    const accepted = await pushes.accept(unit, pushed)
    if (accepted !== null && accepted !== 'conflict' && keyless !== undefined)
      await recordPush(unit, { datasourceId, keyless })
    return accepted
  })
  if (answer === 'conflict') return { fault: 'idempotency_conflict' }
  if (answer !== null) deps.meter.add('mooring_feed_events_total', { way: 'push' }, answer.stored)
  return answer === null ? { fault: 'entity_not_found' } : { answer }
}

/** The keys that may sign a push: a pending one only within its window, however long its check is delayed. */
function believed(deps: WorkerDeps, keys: EndpointKeys): string[] {
  const { pending } = keys
  if (pending === null || !('key' in pending)) return signingKeysOf(keys)
  const startedAtMs = pending.credential.createdAt.getTime()
  const overlap = { startedAtMs, nowMs: deps.clock().getTime(), windowMs: deps.feeds.rotationWindowMs }
  return signingKeysOf(isOverlapOver(overlap) ? { ...keys, pending: null } : keys)
}

/** Records a push whose sender presented no key, as the worker's act. */
function recordPush(
  unit: UnitOfWork,
  { datasourceId, keyless }: { datasourceId: string; keyless: NonNullable<TaskPayload<'push'>['keyless']> },
): Promise<void> {
  const by = { ...unit, actor: { ...unit.actor, ...keyless } }
  return audit.append(by, { action: 'feed.pushed', objectKind: 'datasource', objectId: datasourceId })
}
