/**
 * Runs a mutation, at most once for an idempotency key. Claim and effect are one transaction: a process that dies between
 * them leaves neither. A second request with the key waits for the first and is given its answer.
 */

import { type ComparedRequest, type KnownContext, type Remarks, within } from '#server/api/context.ts'
import { awaited } from '#server/api/procedure/wait.ts'
import { comparedBody } from '#server/domain/access/compared-body.ts'
import * as idempotency from '#server/store/access/idempotency.ts'
import { OutcomeUnknown } from '#server/store/connection/availability.ts'
import { transaction } from '#server/store/database/db.ts'
import type { Topic } from '#server/store/database/signals.ts'
import type { Tx } from '#server/store/tables/tables.ts'
import { Fault, type FaultCode } from '#shared/faults/fault.ts'
import { databaseAway } from './store-fault.ts'

const WAIT_MS = 30_000
// A wait for another request's claim holds a connection: it is given up and begun again, so that others get their turn.
const CLAIM_MS = 2_000
// Between a claim and the commit from which its request waits for its answer.
const EFFECT_MS = 5_000

/** A mutation in two parts. */
export interface Mutation<R, A> {
  /** The procedure's path: a key is good for one procedure, or in a dialect for one method and path. */
  readonly path: string
  readonly input: object & { readonly idempotencyKey?: string | undefined }
  /** Waits, outside any transaction, for what the effect needs; not where the key has a claim: a replay needs nothing. */
  ready?(ctx: KnownContext): Promise<void>
  /** Does it, in the caller's transaction where there is one. What it returns is kept as JSON and holds no secret. */
  effect(ctx: KnownContext): Promise<R>
  /** Says what came of it, after the commit when `waits`. */
  answer(ctx: KnownContext, result: R): Promise<A>
  readonly waits?: boolean
  /** True where an answer that comes too late takes the effect back: the key is free again then. */
  readonly isWithdrawnLate?: boolean
  readonly rings?: readonly Topic[]
  /** The answer as it may be kept: without a token that is shown once. */
  keepable?(answer: A): unknown
  /** The result to keep with the answer, where that can be made of the first result only once. */
  lasting?(result: R, answer: A): R
}

interface Claimed extends idempotency.ClaimKey, ComparedRequest {}

/**
 * Runs it. Throws `idempotency_conflict` for a key used with another body, `timeout` when the first request takes too long;
 * and `rate_limit_exceeded`, before anything is done, for a mutation that waits where too many wait already.
 */
export async function once<R, A>(ctx: KnownContext, mutation: Mutation<R, A>): Promise<A> {
  using _place = mutation.waits === true ? ctx.parts.waiters.take(ctx.principal) : null
  const claimed = claimOf(ctx, mutation)
  if (mutation.ready !== undefined && !(await isClaimed(ctx, claimed))) await mutation.ready(ctx)
  if (claimed === null) {
    const result = await mutation.effect(ctx)
    for (const topic of mutation.rings ?? []) ctx.parts.signals.ring(topic)
    return mutation.answer(ctx, result)
  }
  const first = await claimAndRun(ctx, { claimed, mutation })
  if ('kept' in first) return replay(ctx, { claimed, mutation, kept: first.kept })
  for (const topic of mutation.rings ?? []) ctx.parts.signals.ring(topic)
  if ('result' in first) return answerAndKeep(ctx, { claimed, mutation, result: first.result })
  await trimAfter(ctx, first.bytes)
  return first.answer
}

/** After the commit, so that an old answer's row is held for no longer than it takes to empty it. */
async function trimAfter(ctx: KnownContext, bytes: number): Promise<void> {
  if (idempotency.isTrimDue(bytes)) await idempotency.trim(ctx.parts.db, ctx.principal.organizationId)
}

async function isClaimed(ctx: KnownContext, claimed: Claimed | null): Promise<boolean> {
  if (claimed === null) return false
  const kept = await idempotency.find(ctx.parts.db, ctx.principal.organizationId, claimed)
  return kept !== undefined && ctx.parts.clock().getTime() - kept.createdAt.getTime() < ctx.parts.idempotencyMs
}

function claimOf(ctx: KnownContext, { path, input }: Mutation<unknown, unknown>): Claimed | null {
  const principalId = ctx.principal.id
  if (ctx.idempotency !== null) return { principalId, ...ctx.idempotency }
  const { idempotencyKey, ...body } = input
  if (idempotencyKey === undefined) return null
  const route = `trpc ${path}`
  return { principalId, route, key: idempotencyKey, body: comparedBody(body), wholeBody: JSON.stringify(body) }
}

type Attempt<R, A> = { readonly kept: idempotency.KeptClaim } | { readonly result: R } | Kept<A>

interface Kept<A> {
  readonly answer: A
  readonly bytes: number
}

/** Runs the effect under the claim, or finds the claim of an earlier request, whose commit is waited for. */
async function claimAndRun<R, A>(
  ctx: KnownContext,
  of: { claimed: Claimed; mutation: Mutation<R, A> },
): Promise<Attempt<R, A>> {
  const until = performance.now() + WAIT_MS
  for (;;) {
    try {
      return await transaction(ctx.parts.db, tx => tryFirst(ctx, tx, of))
    } catch (thrown) {
      // Under a key a repeat finds out what became of it.
      if (thrown instanceof OutcomeUnknown) throw databaseAway(thrown)
      if (!(thrown instanceof ClaimBusy)) throw thrown
      if (performance.now() >= until) throw new Fault('timeout')
    }
  }
}

/** Another request with this key is under way. */
class ClaimBusy extends Error {}

async function tryFirst<R, A>(
  ctx: KnownContext,
  tx: Tx,
  of: { claimed: Claimed; mutation: Mutation<R, A> },
): Promise<Attempt<R, A>> {
  const { claimed, mutation } = of
  const org = ctx.principal.organizationId
  const now = ctx.parts.clock()
  const [bodyHash] = ctx.parts.tokens.digests(claimed.body)
  if (bodyHash === undefined) throw new Error('the keyring has no pepper')
  const entry = {
    ...claimed,
    bodyHash,
    now,
    expiresAt: new Date(now.getTime() + ctx.parts.idempotencyMs),
    waitMs: CLAIM_MS,
  }
  const kept = await idempotency.claim(tx, org, entry)
  if (kept === 'busy') throw new ClaimBusy()
  if (kept !== null) return { kept }
  const inside = within(ctx, tx)
  const result = await mutation.effect(inside)
  if (mutation.waits === true) {
    await idempotency.keep(tx, org, { ...claimed, result, remarks: ctx.remarks })
    return { result }
  }
  const answer = await mutation.answer(inside, result)
  const all = { ...claimed, result, answer: keepable(mutation, answer), remarks: ctx.remarks }
  return { answer, bytes: await idempotency.keep(tx, org, all) }
}

function keepable<R, A>(mutation: Mutation<R, A>, answer: A): unknown {
  return mutation.keepable === undefined ? answer : mutation.keepable(answer)
}

/** Faults of a wait that has ended before what was waited for: the effect stands. */
const MAY_GO_ON: ReadonlySet<FaultCode> = new Set(['timeout', 'service_unavailable', 'outcome_unknown'])

function isFinal({ code }: Fault, { isWithdrawnLate = false }: { isWithdrawnLate?: boolean }): boolean {
  return !MAY_GO_ON.has(code) || (isWithdrawnLate && code === 'timeout')
}

async function answerAndKeep<R, A>(
  ctx: KnownContext,
  of: { claimed: Claimed; mutation: Mutation<R, A>; result: R },
): Promise<A> {
  const org = ctx.principal.organizationId
  const answer = await of.mutation.answer(ctx, of.result).catch(async (thrown: unknown) => {
    // A refusal is final: a repeat tries anew. What was done and only not answered goes on from its kept result.
    if (thrown instanceof Fault && isFinal(thrown, of.mutation))
      await idempotency.release(ctx.parts.db, org, of.claimed)
    throw thrown
  })
  const result = of.mutation.lasting?.(of.result, answer)
  const kept = { ...of.claimed, answer: keepable(of.mutation, answer), ...(result === undefined ? {} : { result }) }
  await trimAfter(ctx, await idempotency.keep(ctx.parts.db, org, kept))
  ctx.parts.signals.ring('news')
  return answer
}

async function replay<R, A>(
  ctx: KnownContext,
  of: { claimed: Claimed; mutation: Mutation<R, A>; kept: idempotency.KeptClaim },
): Promise<A> {
  const { claimed, mutation } = of
  const hashes = [claimed.body, claimed.wholeBody].flatMap(body => ctx.parts.tokens.digests(body))
  if (!hashes.some(hash => hash.equals(of.kept.bodyHash))) throw new Fault('idempotency_conflict')
  Object.assign(ctx.remarks, remarksOf(of.kept.remarks), { replayed: true })
  if (of.kept.isGone) return again(ctx, of)
  const org = ctx.principal.organizationId
  const look = async () => {
    const found = await idempotency.find(ctx.parts.db, org, claimed)
    // The first request was refused after all, and has given the key back.
    if (found === undefined) throw new Fault('timeout')
    return found.isGone ? 'gone' : (found.answer ?? undefined)
  }
  // Nobody is behind a claim that is older than any wait: its process died, and no one need wait for that one.
  const ageMs = ctx.parts.clock().getTime() - of.kept.createdAt.getTime()
  const waitMs = Math.min(WAIT_MS, WAIT_MS + EFFECT_MS - ageMs)
  using _place = of.kept.answer === null && mutation.waits !== true ? ctx.parts.waiters.take(ctx.principal) : null
  const answer = of.kept.answer ?? (await awaited(ctx, waitMs, look))
  if (answer === 'gone') {
    const kept = await idempotency.find(ctx.parts.db, org, claimed)
    if (kept !== undefined) return again(ctx, { ...of, kept })
  }
  // The first request's process died while it waited for the verdict: its effect stands, the answer is made again.
  // Sound: this very procedure made and kept it.
  if (answer === undefined) return answerAndKeep(ctx, { claimed, mutation, result: of.kept.result as R })
  return answer as A // likewise
}

/** The answer made anew of the kept result, since its bytes have gone; nothing is done again, and no token shown again. */
async function again<R, A>(
  ctx: KnownContext,
  { mutation, kept }: { mutation: Mutation<R, A>; kept: idempotency.KeptClaim },
): Promise<A> {
  // Sound: this very procedure made and kept the result, and what it keeps of an answer is what a replay gives.
  return keepable(mutation, await mutation.answer(ctx, kept.result as R)) as A
}

function remarksOf(kept: unknown): Remarks {
  const [created, count] = ['created', 'kept'].map((name): unknown => Reflect.get(Object(kept), name))
  return {
    ...(typeof created === 'boolean' ? { created } : {}),
    ...(typeof count === 'number' ? { kept: count } : {}),
  }
}
