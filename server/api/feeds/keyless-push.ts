/**
 * A push authorized by a signature alone: the signature proves that it is for the endpoint, and no API key is required.
 * It is the one exception to the usual order of a request: path, limits, size, the form of the headers, and then a task
 * for the worker, which alone can open a signing key.
 *
 * Strangers call it. An unknown or removed id, one of another kind, an endpoint without a key and a wrong signature
 * cannot be distinguished by the answer or by its timing, and none of them leaves a row behind.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { WebDeps } from '#server/api/context.ts'
import { awaitTask, submitTask } from '#server/api/procedure/task.ts'
import { networkOf } from '#server/domain/network/client-address.ts'
import { organizationOfEndpoint } from '#server/store/feeds/feed-pushes.ts'
import { isStorable } from '#shared/base/text.ts'
import { uuidOf } from '#shared/base/wire.ts'
import { Fault, type FaultCode } from '#shared/faults/fault.ts'
import type { PushAnswer, PushOutcome } from '#shared/feeds/feed.ts'

/** The largest push without a key, in bytes: its sender is not authenticated yet. */
export const MAX_KEYLESS_BYTES = 262_144

const MAX_CLOCK_SECONDS = 300
const MAX_SIGNATURE = 4_096
/** Longer than the worker takes to reject a signature: no refusal is sent before that. */
const REFUSED_AFTER_MS = 1_000

/** A push as received. The body is read after the limits. */
export interface KeylessPush {
  /** The parameters of the path. */
  readonly id: string
  readonly address: string | null
  readonly requestId: string
  readonly messageId: string | undefined
  readonly timestamp: string | undefined
  readonly signature: string | undefined
  readonly body: () => Promise<string>
}

/**
 * Accepts a push. Throws `rate_limit_exceeded`, `payload_too_large`, `apikey_missing` for anything invalid, and
 * `timeout`.
 */
export async function keylessPush(deps: WebDeps, push: KeylessPush): Promise<PushAnswer> {
  const startedAt = performance.now()
  const uuid = uuidOf(push.id, 'dse_')
  await takeTurn(deps, push, uuid)
  const body = await push.body()
  if (!isWellFormed(push, deps.clock())) throw refused(deps, push)
  const leave = deps.keyless.enter(uuid ?? '')
  if (leave === null) throw tooMany(1)
  try {
    const outcome = uuid === null ? null : await judged(deps, { uuid, push, body })
    if (outcome !== null && 'answer' in outcome) return outcome.answer
    // The answer says something about the events only if the signature is valid.
    if (outcome !== null && 'fault' in outcome) throwKnown(outcome.fault)
    await sleep(Math.max(0, startedAt + REFUSED_AFTER_MS - performance.now()))
    throw refused(deps, push)
  } finally {
    leave()
  }
}

/** Charges the address and the datasource, whether or not it exists. */
async function takeTurn({ limits, keyless, meter }: WebDeps, push: KeylessPush, uuid: string | null): Promise<void> {
  const ofAddress = await limits.pushAddress.take(networkOf(push.address), 1)
  if (ofAddress.isOver) throw tooMany(ofAddress.resetMs / 1_000)
  if (uuid === null) return
  const ofDatasource = await limits.pushDatasource.take(uuid, 1)
  if (ofDatasource.isOver) throw tooMany(ofDatasource.resetMs / 1_000)
  if (keyless.isFull(uuid)) {
    meter.count('mooring_limits_hit_total', { limit: 'waiting-pushes' })
    throw tooMany(1)
  }
}

function tooMany(seconds: number): Fault {
  return new Fault('rate_limit_exceeded', { headers: { 'Retry-After': String(Math.max(1, Math.ceil(seconds))) } })
}

function isWellFormed({ messageId = '', timestamp = '', signature = '' }: KeylessPush, now: Date): boolean {
  if (messageId.length < 1 || messageId.length > 255 || !isStorable(messageId)) return false
  if (signature.length > MAX_SIGNATURE || !/(?:^| )v1,[A-Za-z0-9+/]{43}=(?: |$)/.test(signature)) return false
  return /^[0-9]{1,12}$/.test(timestamp) && Math.abs(now.getTime() / 1_000 - Number(timestamp)) <= MAX_CLOCK_SECONDS
}

/** Counted and occasionally logged, but never recorded in a row: a stranger could fill the audit record. */
function refused(deps: WebDeps, { requestId }: KeylessPush): Fault {
  const count = deps.keyless.refused(deps.clock())
  if (count !== null) deps.log.info({ requestId, count }, 'pushes without a key are refused')
  return new Fault('apikey_missing')
}

/** Throws the fault of a push whose signature is valid. */
function throwKnown(fault: FaultCode): void {
  if (fault === 'idempotency_conflict') throw new Fault(fault)
  const message = 'The body is {"events":[…]}, each with id, model, entityId and type.'
  if (fault === 'invalid_body') throw new Fault(fault, { issues: [{ path: ['body'], code: 'events', message }] })
}

/** The worker's finding; null if there is nothing to ask the worker about. */
async function judged(
  deps: WebDeps,
  { uuid, push, body }: { uuid: string; push: KeylessPush; body: string },
): Promise<PushOutcome | null> {
  const organizationId = await organizationOfEndpoint(deps.db, uuid)
  if (organizationId === undefined) return null
  const { messageId: id = null, timestamp = null, signature = null, requestId, address } = push
  const payload = { body, id, timestamp, signature, keyless: { requestId, address } }
  const asker = { db: deps.db, deps, principal: { organizationId } }
  const taskId = await submitTask(asker, { kind: 'push', datasourceId: uuid, payload })
  deps.notifications.ring('work')
  try {
    const asked = { taskId, datasourceId: uuid, waitMs: deps.answerMs, late: 'withdrawn' as const }
    return await awaitTask(asker, { ...asked, kind: 'push' })
  } catch (thrown) {
    // It was removed in the meantime, so it is unknown from now on.
    if (thrown instanceof Fault && thrown.code === 'entity_not_found') return null
    throw thrown
  }
}
