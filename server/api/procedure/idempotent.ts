/**
 * The middlewares of a mutation. `idempotent` opens the transaction, claims the call's key, calls the procedure inside,
 * stores its answer and commits: the procedure knows nothing about keys. `awaiting` wraps it and waits, with no open
 * transaction, for a worker to process the committed result.
 */
import type { KnownContext } from '#server/api/context.ts'
import * as idempotency from '#server/store/access/idempotency.ts'
import type { Topic } from '#server/store/database/notifications.ts'
import { type Attempt, type Claimed, claimOf, type IdempotentCall, isRepeat, trimAfter, underClaim } from './claim.ts'
import { type Answering, type Awaiting, answerAndKeep, replay, storedOf } from './replay.ts'

/** A mutation's effect, inside the transaction if there is one. Its result is stored as JSON and contains no secret. */
export type Procedure<R> = (inside: KnownContext) => Promise<R>

interface Waking {
  /** The listeners to notify after the commit. */
  readonly wakes?: readonly Topic[]
}

/** Runs a procedure whose result is its answer. */
export function idempotent<A>(call: IdempotentCall, procedure: Procedure<A>, waking?: Waking): Promise<A> {
  return idempotentAs(call, procedure, { ...waking, answer: async (_, result) => result })
}

/** Runs a procedure whose answer is built from its result, in the same transaction. Throws as `underClaim` does. */
export async function idempotentAs<R, A>(
  { ctx, ...call }: IdempotentCall,
  procedure: Procedure<R>,
  answering: Answering<R, A> & Waking,
): Promise<A> {
  const claimed = claimOf({ ctx, ...call })
  if (claimed === null) {
    const result = await procedure(ctx)
    wake(ctx, answering)
    return answering.answer(ctx, result)
  }
  const attempt = await underClaim(ctx, claimed, async inside => {
    const result = await procedure(inside)
    const answer = await answering.answer(inside, result)
    const all = { ...claimed, result, answer: storedOf(answering, answer), responseMetadata: ctx.responseMetadata }
    return { answer, bytes: await idempotency.save(inside.db, ctx.principal.organizationId, all) }
  })
  if ('kept' in attempt) {
    using _place = attempt.kept.answer === null ? ctx.deps.waiters.take(ctx.principal) : null
    return await replay(ctx, { claimed, kept: attempt.kept, awaiting: answering })
  }
  wake(ctx, answering)
  await trimAfter(ctx, attempt.done.bytes)
  return attempt.done.answer
}

/**
 * Runs a procedure, and awaits its answer after the commit. Throws `rate_limit_exceeded`, before doing anything, if too
 * many callers wait already. `before` is awaited first, outside any transaction, unless the key has a claim: a replay
 * needs no preparation.
 */
export async function awaiting<R, A>(
  { ctx, ...call }: IdempotentCall,
  procedure: Procedure<R>,
  later: Awaiting<R, A> & Waking & { before?(): Promise<void> },
): Promise<A> {
  using _place = ctx.deps.waiters.take(ctx.principal)
  const claimed = claimOf({ ctx, ...call })
  if (later.before !== undefined && !(await isRepeat(ctx, claimed))) await later.before()
  if (claimed === null) {
    const result = await procedure(ctx)
    wake(ctx, later)
    return await later.answer(ctx, result, 'taken')
  }
  const attempt = await committed(ctx, claimed, procedure)
  if ('kept' in attempt) return await replay(ctx, { claimed, kept: attempt.kept, awaiting: later })
  wake(ctx, later)
  return await answerAndKeep(ctx, { claimed, result: attempt.done, awaiting: later })
}

/** Commits the result without an answer: a retry waits for the answer. */
function committed<R>(ctx: KnownContext, claimed: Claimed, procedure: Procedure<R>): Promise<Attempt<R>> {
  return underClaim(ctx, claimed, async inside => {
    const result = await procedure(inside)
    const { organizationId } = ctx.principal
    await idempotency.save(inside.db, organizationId, {
      ...claimed,
      result,
      responseMetadata: ctx.responseMetadata,
    })
    return result
  })
}

function wake({ deps, principal }: KnownContext, { wakes = [] }: Waking): void {
  for (const topic of wakes) deps.notifications.ring(topic, principal.organizationId)
}
