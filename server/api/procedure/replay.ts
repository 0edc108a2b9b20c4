/**
 * Answers a repeat under an idempotency key: with the kept answer, or with one made anew of the kept result where the answer has
 * gone or was never made. Nothing is done again.
 */
import type { KnownContext, ResponseMetadata } from '#server/api/context.ts'
import * as idempotency from '#server/store/access/idempotency.ts'
import { transaction } from '#server/store/database/db.ts'
import * as outcomes from '#server/store/tasks/outcomes.ts'
import { Fault, type FaultCode } from '#shared/faults/fault.ts'
import { type Claimed, trimAfter, WAIT_MS } from './claim.ts'
import { pollUntil } from './poll-until.ts'
import type { OutcomeAccess } from './task.ts'

// Between a claim and the commit from which its request waits for its answer.
const EFFECT_MS = 5_000

/** How a result becomes an answer. */
export interface Answering<R, A> {
  /** Says what came of it. Of a repeat it is asked once more where the kept answer has gone. */
  answer(ctx: KnownContext, result: R): Promise<A>
  /** The answer as it may be kept: without a token that is shown once. */
  keepable?(answer: A): unknown
}

/** How a result becomes an answer by a wait outside of any transaction. */
export interface Awaiting<R, A> extends Omit<Answering<R, A>, 'answer'> {
  /** As of every answering. Under a key the outcome of a task is read, and taken with the task where nothing is kept. */
  answer(ctx: KnownContext, result: R, reading: OutcomeAccess): Promise<A>
  /** The task whose outcome makes the answer: it ends in the transaction that keeps the answer, so that none of both is lost. */
  taskOf?(result: R): string | null
  /** True where an answer that comes too late takes the effect back: the key is free again then. */
  readonly isWithdrawnLate?: boolean
  /** The result to keep with the answer, where that can be made of the first result only once. */
  lasting?(result: R, answer: A): R
}

/** The answer as it is kept. */
export function storedOf<A>({ keepable }: Pick<Answering<unknown, A>, 'keepable'>, answer: A): unknown {
  return keepable === undefined ? answer : keepable(answer)
}

/** Faults of a wait that has ended before what was waited for: the effect stands. */
const MAY_GO_ON: ReadonlySet<FaultCode> = new Set(['timeout', 'service_unavailable', 'outcome_unknown'])

function isFinal({ code }: Fault, { isWithdrawnLate = false }: { isWithdrawnLate?: boolean }): boolean {
  return !MAY_GO_ON.has(code) || (isWithdrawnLate && code === 'timeout')
}

/** Waits for the answer of a committed result, and keeps it. A refusal is final and gives the key back: a repeat tries anew. */
export async function answerAndKeep<R, A>(
  ctx: KnownContext,
  of: { claimed: Claimed; result: R; awaiting: Awaiting<R, A> },
): Promise<A> {
  const { claimed, awaiting } = of
  const taskId = awaiting.taskOf?.(of.result) ?? null
  const answer = await awaiting.answer(ctx, of.result, 'read').catch(async (thrown: unknown) => {
    // An effect that has committed without an answer continues from its kept result, so its claim stays.
    if (thrown instanceof Fault && isFinal(thrown, awaiting)) await giveBack(ctx, claimed, taskId)
    throw thrown
  })
  const result = awaiting.lasting?.(of.result, answer)
  const kept = { ...claimed, answer: storedOf(awaiting, answer), ...(result === undefined ? {} : { result }) }
  await trimAfter(ctx, await keepAndEnd(ctx, kept, taskId))
  ctx.deps.notifications.ring('news')
  return answer
}

/** Ends the task of a refusal, and gives its key back. */
async function giveBack({ deps, principal }: KnownContext, claimed: Claimed, taskId: string | null): Promise<void> {
  if (taskId !== null) await outcomes.drop(deps.db, principal.organizationId, taskId)
  await idempotency.release(deps.db, principal.organizationId, claimed)
}

/** Keeps the answer and ends its task together: a repeat finds the one or the other. */
function keepAndEnd({ deps, principal }: KnownContext, kept: Kept, taskId: string | null): Promise<number> {
  const { organizationId } = principal
  if (taskId === null) return idempotency.save(deps.db, organizationId, kept)
  return transaction(deps.db, async tx => {
    await outcomes.drop(tx, organizationId, taskId)
    return idempotency.save(tx, organizationId, kept)
  })
}

type Kept = Parameters<typeof idempotency.save>[2]

interface Repeat<R, A> {
  readonly claimed: Claimed
  readonly kept: idempotency.StoredClaim
  readonly awaiting: Awaiting<R, A>
}

/** Answers the repeat. The caller holds a place among the waiters where it may have to wait. */
export async function replay<R, A>(ctx: KnownContext, of: Repeat<R, A>): Promise<A> {
  const { claimed, kept } = of
  Object.assign(ctx.responseMetadata, remarksOf(kept.remarks), { replayed: true })
  if (kept.isGone) return again(ctx, of)
  const answer = kept.answer ?? (await pollUntil(ctx, patienceMs(ctx, kept), () => lookAgain(ctx, claimed)))
  if (answer === 'gone') {
    const found = await idempotency.find(ctx.deps.db, ctx.principal.organizationId, claimed)
    if (found !== undefined) return again(ctx, { ...of, kept: found })
  }
  // The first request's process died while it waited for the verdict: its effect stands, the answer is made again.
  // Sound: this very procedure made and kept it.
  if (answer === undefined) return answerAndKeep(ctx, { ...of, result: kept.result as R })
  return answer as A // likewise
}

/** Nobody is behind a claim that is older than any wait: its process died, and no one need wait for that one. */
function patienceMs(ctx: KnownContext, { createdAt }: idempotency.StoredClaim): number {
  const ageMs = ctx.deps.clock().getTime() - createdAt.getTime()
  return Math.min(WAIT_MS, WAIT_MS + EFFECT_MS - ageMs)
}

async function lookAgain(ctx: KnownContext, claimed: Claimed): Promise<unknown> {
  const found = await idempotency.find(ctx.deps.db, ctx.principal.organizationId, claimed)
  // The first request was refused after all, and has given the key back.
  if (found === undefined) throw new Fault('timeout')
  return found.isGone ? 'gone' : (found.answer ?? undefined)
}

/** The answer made anew of the kept result, since its bytes have gone; no token is shown again. */
async function again<R, A>(ctx: KnownContext, { awaiting, kept }: Repeat<R, A>): Promise<A> {
  // Sound: this very procedure made and kept the result, and what it keeps of an answer is what a replay gives.
  return storedOf(awaiting, await awaiting.answer(ctx, kept.result as R, 'read')) as A
}

function remarksOf(kept: unknown): ResponseMetadata {
  const [created, count] = ['created', 'kept'].map((name): unknown => Reflect.get(Object(kept), name))
  return {
    ...(typeof created === 'boolean' ? { created } : {}),
    ...(typeof count === 'number' ? { kept: count } : {}),
  }
}
