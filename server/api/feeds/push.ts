/**
 * `feeds.push`: events that a customer, or the platform on their behalf, sends instead of being polled. A signed push
 * goes to the worker with its exact bytes and headers sealed, since no key can be opened here; the call awaits the
 * answer.
 */

import { asCaller, type KnownContext } from '#server/api/context.ts'
import { awaiting, idempotent } from '#server/api/procedure/idempotent.ts'
import { requireChangeable } from '#server/api/procedure/require-datasource.ts'
import { awaitTask, type OutcomeAccess, submitTask } from '#server/api/procedure/task.ts'
import { FEED_PACE } from '#server/domain/feeds/feed.ts'
import { type FoundEvent, readPush } from '#server/domain/feeds/feed-page.ts'
import * as audit from '#server/store/access/audit.ts'
import * as pushes from '#server/store/feeds/feed-pushes.ts'
import { Fault } from '#shared/faults/fault.ts'
import { faultOfTask } from '#shared/faults/task-fault.ts'
import type { PushAnswer, PushInput } from '#shared/feeds/feed.ts'

/** The sentence for each defect of a signature. */
const REFUSED: Readonly<Record<string, string>> = {
  missing: 'A signed push has webhook-id, webhook-timestamp and webhook-signature.',
  timestamp_malformed: 'webhook-timestamp is Unix seconds in decimal digits.',
  timestamp_stale: 'webhook-timestamp differs from our clock by more than 300 s.',
  mismatch: 'The signature does not match these bytes and the registered signing key.',
}

/** Accepts a push. Throws `invalid_body`, `invalid_request` for an invalid signature, `timeout`. */
export async function push(ctx: KnownContext, input: PushInput): Promise<PushAnswer> {
  const row = await requireChangeable(ctx, input.id, 'feeds.write')
  if (row.kind !== 'endpoint') throw new Fault('entity_not_found')
  const events = readPush(input.body)
  if (events === null) {
    const message = 'The body is {"events":[…]}, each with id, model, entityId and type.'
    throw new Fault('invalid_body', { issues: [{ path: ['body'], code: 'events', message }] })
  }
  if (input.signature !== undefined) return pushSigned(ctx, { datasourceId: row.id, input })
  const pushed = (inside: KnownContext) => pushUnsigned(inside, { datasourceId: row.id, input, events })
  return idempotent({ ctx, path: 'feeds.push', input }, pushed, { wakes: ['events'] })
}

async function pushUnsigned(
  ctx: KnownContext,
  { datasourceId, events, input }: { datasourceId: string; input: PushInput; events: readonly FoundEvent[] },
): Promise<PushAnswer> {
  const { deps, principal } = ctx
  return asCaller(ctx, async unit => {
    const answer = await pushes.accept(unit, {
      datasourceId,
      events,
      messageId: input.messageId ?? null,
      senderId: principal.id,
      digests: deps.tokens.digests(input.body),
      intervalMs: FEED_PACE.fastMs,
    })
    if (answer === null) throw new Fault('entity_not_found')
    if (answer === 'conflict') throw takenName()
    await audit.append(unit, about(datasourceId))
    return answer
  })
}

function takenName(): Fault {
  const message = 'A push with this webhook-id had a different body.'
  return new Fault('idempotency_conflict', { issues: [{ path: ['webhook-id'], code: 'taken', message }] })
}

function about(datasourceId: string) {
  return { action: 'feed.pushed', objectKind: 'datasource', objectId: datasourceId }
}

function pushSigned(ctx: KnownContext, pushCall: { datasourceId: string; input: PushInput }): Promise<PushAnswer> {
  return awaiting({ ctx, path: 'feeds.push', input: pushCall.input }, inside => submit(inside, pushCall), {
    answer: async (within, { taskId, answer }, reading) =>
      answer ?? outcome(within, { taskId, datasourceId: pushCall.datasourceId, reading }),
    lasting: (submitted, answer) => ({ ...submitted, answer }),
    taskOf: ({ taskId }) => taskId,
    isWithdrawnLate: true,
    wakes: ['work'],
  })
}

/** A submitted task, and its answer if there is one: the answer ends the task. */
interface Submitted {
  readonly taskId: string
  readonly answer?: PushAnswer
}

async function submit(
  ctx: KnownContext,
  { datasourceId, input }: { datasourceId: string; input: PushInput },
): Promise<Submitted> {
  const { body, messageId: id = null, timestamp = null, signature = null } = input
  const payload = { body, id, timestamp, signature }
  return asCaller(ctx, async unit => {
    const taskId = await submitTask({ ...ctx, db: unit.tx }, { kind: 'push', datasourceId, payload })
    await audit.append(unit, about(datasourceId))
    return { taskId }
  })
}

type Waited = { readonly taskId: string; readonly datasourceId: string; readonly reading: OutcomeAccess }

async function outcome(ctx: KnownContext, awaited: Waited): Promise<PushAnswer> {
  // If a worker stores it nevertheless, a retry finds it under the message's id.
  const outcome = await awaitTask(ctx, { ...awaited, kind: 'push', waitMs: ctx.deps.answerMs, late: 'withdrawn' })
  if ('answer' in outcome) return outcome.answer
  if ('fault' in outcome) throw outcome.fault === 'idempotency_conflict' ? takenName() : faultOfTask(outcome)
  const message = REFUSED[outcome.refused] ?? 'The signature could not be checked.'
  throw new Fault('invalid_request', { issues: [{ path: ['webhook-signature'], code: outcome.refused, message }] })
}
