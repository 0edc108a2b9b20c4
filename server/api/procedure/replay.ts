/**
 * Answers a retry with an idempotency key: with the stored answer, or with one rebuilt from the stored result if the
 * answer was deleted or never built. The effect is not repeated.
 */
import type { KnownContext, ResponseMetadata } from '#server/api/context.ts'
import * as idempotency from '#server/store/access/idempotency.ts'
import * as storedClaim from '#server/store/access/stored-claim.ts'
import { transaction } from '#server/store/database/db.ts'
import * as outcomes from '#server/store/tasks/outcomes.ts'
import { Fault, type FaultCode } from '#shared/faults/fault.ts'
import { type Claimed, trimAfter, WAIT_MS } from './claim.ts'
import { pollUntil } from './poll-until.ts'
import type { OutcomeAccess } from './task.ts'

// The time between a claim and the commit from which its request waits for its answer.
const EFFECT_MS = 5_000

/** How a result becomes an answer. */
export interface Answering<R, A> {
  /** Builds the answer. For a retry it is called again if the stored answer was deleted. */
  answer(ctx: KnownContext, result: R): Promise<A>
  /** The answer in the form that may be stored: without a token that is shown once. */
  keepable?(answer: A): unknown
}

/** How a result becomes an answer by waiting outside any transaction. */
export interface Awaiting<R, A> extends Omit<Answering<R, A>, 'answer'> {
  /**
   * As `Answering.answer`. With a key, a task's outcome is only read; without one, it is taken together with the task.
   */
  answer(ctx: KnownContext, result: R, reading: OutcomeAccess): Promise<A>
  /**
   * The task whose outcome becomes the answer: it ends in the transaction that stores the answer, so that neither is
   * lost.
   */
  taskOf?(result: R): string | null
  /** True if an answer that comes too late reverts the effect: the key is then free again. */
  readonly isWithdrawnLate?: boolean
  /** The result to store with the answer, if the answer can be built from the first result only once. */
  lasting?(result: R, answer: A): R
}

/** The answer as it is stored. */
export function storedOf<A>({ keepable }: Pick<Answering<unknown, A>, 'keepable'>, answer: A): unknown {
  return keepable === undefined ? answer : keepable(answer)
}

/** Faults of a wait that ended before its outcome: the effect remains. */
const MAY_GO_ON: ReadonlySet<FaultCode> = new Set(['timeout', 'service_unavailable', 'outcome_unknown'])

function isFinal({ code }: Fault, { isWithdrawnLate = false }: { isWithdrawnLate?: boolean }): boolean {
  return !MAY_GO_ON.has(code) || (isWithdrawnLate && code === 'timeout')
}

/**
 * Awaits the answer of a committed result, and stores it. A refusal is final and releases the key: a retry starts over.
 */
export async function answerAndKeep<R, A>(
  ctx: KnownContext,
  effect: { claimed: Claimed; result: R; awaiting: Awaiting<R, A> },
): Promise<A> {
  const { claimed, awaiting } = effect
  const taskId = awaiting.taskOf?.(effect.result) ?? null
  const answer = await awaiting.answer(ctx, effect.result, 'read').catch(async (thrown: unknown) => {
    // An effect that was committed without an answer continues from its stored result, so its claim stays.
    if (thrown instanceof Fault && isFinal(thrown, awaiting)) await giveBack(ctx, claimed, taskId)
    throw thrown
  })
  const result = awaiting.lasting?.(effect.result, answer)
  const kept = { ...claimed, answer: storedOf(awaiting, answer), ...(result === undefined ? {} : { result }) }
  await trimAfter(ctx, await keepAndEnd(ctx, kept, taskId))
  ctx.deps.notifications.ring('news', ctx.principal.organizationId)
  return answer
}

/** Ends the task of a refusal, and releases its key. */
async function giveBack({ db, principal }: KnownContext, claimed: Claimed, taskId: string | null): Promise<void> {
  if (taskId !== null) await outcomes.drop(db, principal.organizationId, taskId)
  await idempotency.release(db, principal.organizationId, claimed)
}

/** Stores the answer and ends its task in one transaction: a retry finds one or the other. */
function keepAndEnd({ db, principal }: KnownContext, kept: Kept, taskId: string | null): Promise<number> {
  const { organizationId } = principal
  if (taskId === null) return idempotency.save(db, organizationId, kept)
  return transaction(db, async tx => {
    await outcomes.drop(tx, organizationId, taskId)
    return idempotency.save(tx, organizationId, kept)
  })
}

type Kept = Parameters<typeof idempotency.save>[2]

interface Repeat<R, A> {
  readonly claimed: Claimed
  readonly kept: storedClaim.StoredClaim
  readonly awaiting: Awaiting<R, A>
}

/** Answers the retry. The caller holds a waiter's slot if it may have to wait. */
export async function replay<R, A>(ctx: KnownContext, repeat: Repeat<R, A>): Promise<A> {
  const { claimed, kept } = repeat
  Object.assign(ctx.responseMetadata, metadataOf(kept.responseMetadata), { replayed: true })
  if (kept.isGone) return again(ctx, repeat)
  const answer = kept.answer ?? (await pollUntil(ctx, patienceMs(ctx, kept), () => lookAgain(ctx, claimed)))
  if (answer === 'gone') {
    const found = await storedClaim.find(ctx.db, ctx.principal.organizationId, claimed)
    if (found !== undefined) return again(ctx, { ...repeat, kept: found })
  }
  // The first request's process died while it waited for the verdict: its effect remains, and the answer is built
  // again. Sound: this very procedure built and stored it.
  if (answer === undefined) return answerAndKeep(ctx, { ...repeat, result: kept.result as R })
  return answer as A // likewise
}

/** A claim that is older than any wait belongs to a dead process, and no one need wait for that. */
function patienceMs(ctx: KnownContext, { createdAt }: storedClaim.StoredClaim): number {
  const ageMs = ctx.deps.clock().getTime() - createdAt.getTime()
  return Math.min(WAIT_MS, WAIT_MS + EFFECT_MS - ageMs)
}

async function lookAgain(ctx: KnownContext, claimed: Claimed): Promise<unknown> {
  const found = await storedClaim.find(ctx.db, ctx.principal.organizationId, claimed)
  // The first request was refused after all, and has released the key.
  if (found === undefined) throw new Fault('timeout')
  return found.isGone ? 'gone' : (found.answer ?? undefined)
}

/** The answer, rebuilt from the stored result because it was deleted; no token is shown again. */
async function again<R, A>(ctx: KnownContext, { awaiting, kept }: Repeat<R, A>): Promise<A> {
  // Sound: this very procedure built and stored the result, and a replay returns exactly what is stored of an answer.
  return storedOf(awaiting, await awaiting.answer(ctx, kept.result as R, 'read')) as A
}

function metadataOf(kept: unknown): ResponseMetadata {
  const [created, count] = ['created', 'kept'].map((name): unknown => Reflect.get(Object(kept), name))
  return {
    ...(typeof created === 'boolean' ? { created } : {}),
    ...(typeof count === 'number' ? { kept: count } : {}),
  }
}
