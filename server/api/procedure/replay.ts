/**
 * Answers a repeat under an idempotency key: with the kept answer, or with one made anew of the kept result where the answer has
 * gone or was never made. Nothing is done again.
 */
import type { KnownContext, ResponseMetadata } from '#server/api/context.ts'
import * as idempotency from '#server/store/access/idempotency.ts'
import { Fault, type FaultCode } from '#shared/faults/fault.ts'
import { type Claimed, trimAfter, WAIT_MS } from './claim.ts'
import { pollUntil } from './poll-until.ts'

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
export interface Awaiting<R, A> extends Answering<R, A> {
  /** True where an answer that comes too late takes the effect back: the key is free again then. */
  readonly isWithdrawnLate?: boolean
  /** The result to keep with the answer, where that can be made of the first result only once. */
  lasting?(result: R, answer: A): R
}

/** The answer as it is kept. */
export function keptOf<R, A>({ keepable }: Answering<R, A>, answer: A): unknown {
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
  const org = ctx.principal.organizationId
  const answer = await awaiting.answer(ctx, of.result).catch(async (thrown: unknown) => {
    // An effect that has committed without an answer continues from its kept result, so its claim stays.
    if (thrown instanceof Fault && isFinal(thrown, awaiting)) await idempotency.release(ctx.deps.db, org, claimed)
    throw thrown
  })
  const result = awaiting.lasting?.(of.result, answer)
  const kept = { ...claimed, answer: keptOf(awaiting, answer), ...(result === undefined ? {} : { result }) }
  await trimAfter(ctx, await idempotency.keep(ctx.deps.db, org, kept))
  ctx.deps.notifications.ring('news')
  return answer
}

interface Repeat<R, A> {
  readonly claimed: Claimed
  readonly kept: idempotency.KeptClaim
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
function patienceMs(ctx: KnownContext, { createdAt }: idempotency.KeptClaim): number {
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
  return keptOf(awaiting, await awaiting.answer(ctx, kept.result as R)) as A
}

function remarksOf(kept: unknown): ResponseMetadata {
  const [created, count] = ['created', 'kept'].map((name): unknown => Reflect.get(Object(kept), name))
  return {
    ...(typeof created === 'boolean' ? { created } : {}),
    ...(typeof count === 'number' ? { kept: count } : {}),
  }
}
