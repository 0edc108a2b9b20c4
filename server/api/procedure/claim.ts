/**
 * A call's claim on its idempotency key. Claim and effect are one transaction: a process that dies between them leaves neither.
 * A second request with the key waits for the commit of the first.
 */
import { ReadAhead } from '#server/api/caller/principal.ts'
import { asCaller, type KnownContext } from '#server/api/context.ts'
import { comparedBody } from '#server/domain/access/compared-body.ts'
import type { SeenKey } from '#server/store/access/api-keys.ts'
import * as idempotency from '#server/store/access/idempotency.ts'
import * as storedClaim from '#server/store/access/stored-claim.ts'
import { OutcomeUnknown } from '#server/store/connection/availability.ts'
import type { Db } from '#server/store/tables/tables.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'
import type { ReadString } from '#shared/datasources/registration.ts'
import { Fault } from '#shared/faults/fault.ts'
import { databaseAway } from './store-fault.ts'

/** How long a request waits for an earlier one with its key, in milliseconds. */
export const WAIT_MS = 30_000
// Waiting for another request's claim occupies a connection: the wait is interrupted and resumed, so that others get
// their turn.
const CLAIM_MS = 2_000

/** A call of a mutation. A key is valid for one procedure, or in a dialect for one method and path. */
export interface IdempotentCall {
  readonly ctx: KnownContext
  readonly path: string
  readonly input: object & { readonly idempotencyKey?: string | undefined }
}

/** The idempotency claim of a call. */
export interface Claimed extends storedClaim.ClaimKey {
  /** The body without its secrets, of which a keyed hash is stored. */
  readonly body: string
  /**
   * The whole body, of which the last release stored a hash, for comparing claims that it made. The next release drops
   * this.
   */
  readonly wholeBody: () => string
}

/**
 * The claim on the idempotency key of a request, read together with the caller's API key: what `answeredBefore` would
 * read a moment later. An answer that it has stays valid until its end; whether there is a claim is decided there.
 */
export class ClaimAhead extends ReadAhead<{ readonly claim: storedClaim.FoundClaim | 'long' | undefined }> {
  readonly #asked: Pick<storedClaim.ClaimKey, 'route' | 'key'>

  constructor(asked: Pick<storedClaim.ClaimKey, 'route' | 'key'>) {
    super()
    this.#asked = asked
  }

  protected look(db: Db, seen: SeenKey) {
    return storedClaim.findWithKey(db, seen, this.#asked)
  }

  /** The claim, or that there was none; undefined if it was not read. */
  of({ route, key }: storedClaim.ClaimKey): { readonly claim: storedClaim.FoundClaim | undefined } | undefined {
    const found = route === this.#asked.route && key === this.#asked.key ? this.found : undefined
    return found === undefined || found.claim === 'long' ? undefined : { claim: found.claim }
  }
}

/** The call's claim; null without an idempotency key. */
export function claimOf({ ctx, path, input }: IdempotentCall): Claimed | null {
  const principalId = ctx.principal.id
  const read = 'connectionString' in input ? (input.connectionString as ReadString) : null // its schema has parsed it
  const compared = (body: unknown, query: string) => ({
    body: `${comparedBody(body, read?.target ?? null)}${query}`,
    wholeBody: () => `${JSON.stringify(body ?? null)}${query}`,
  })
  if (ctx.idempotency !== null) {
    const { key, route, body, query } = ctx.idempotency
    return { principalId, key, route, ...compared(body, query) }
  }
  const { idempotencyKey: key, ...body } = input
  if (key === undefined) return null
  const sent = read === null ? body : { ...body, connectionString: read.text }
  return { principalId, key, route: `trpc ${path}`, ...compared(sent, '') }
}

/** True if an earlier request has the claim, and its answer is still valid. */
export async function isRepeat(ctx: KnownContext, claimed: Claimed | null): Promise<boolean> {
  if (claimed === null) return false
  const kept = await storedClaim.find(ctx.db, ctx.principal.organizationId, claimed)
  return kept !== undefined && ctx.deps.clock().getTime() - kept.createdAt.getTime() < ctx.deps.idempotencyMs
}

/** The result under a claim: of this request, or of an earlier one with the same body. */
export type Attempt<T> = { readonly kept: storedClaim.StoredClaim } | { readonly done: T }

/**
 * Runs `work` in one transaction with the claim, or finds the claim of an earlier request after waiting for its commit.
 * Throws `idempotency_conflict` for a key that was used with another body, and `timeout` if the earlier request takes
 * too long.
 */
export async function underClaim<T>(
  ctx: KnownContext,
  claimed: Claimed,
  work: (inside: KnownContext) => Promise<T>,
): Promise<Attempt<T>> {
  const answered = await answeredBefore(ctx, claimed)
  if (answered !== null) return { kept: answered }
  const until = performance.now() + WAIT_MS
  for (;;) {
    try {
      return await asCaller(ctx, async unit => {
        const kept = await claimNow(ctx, unit, claimed)
        return kept === null ? { done: await work({ ...ctx, db: unit.tx }) } : { kept }
      })
    } catch (thrown) {
      // With a key, a retry finds out the outcome.
      if (thrown instanceof OutcomeUnknown) throw databaseAway(thrown)
      if (!(thrown instanceof ClaimBusy)) throw thrown
      if (performance.now() >= until) throw new Fault('timeout')
    }
  }
}

/**
 * The claim of an earlier request that already has its answer, read in one statement; claiming the key would find the
 * same in six. Null if that is uncertain: there is no claim, it has expired, or its request is in progress.
 */
async function answeredBefore(ctx: KnownContext, claimed: Claimed): Promise<storedClaim.StoredClaim | null> {
  const ahead = ctx.ahead instanceof ClaimAhead ? ctx.ahead.of(claimed) : undefined
  const kept = ahead === undefined ? await storedClaim.find(ctx.db, ctx.principal.organizationId, claimed) : ahead.claim
  if (kept === undefined || kept.answer === null || kept.expiresAt <= ctx.deps.clock()) return null
  requireSameBody(ctx, claimed, kept)
  return kept
}

function requireSameBody({ deps }: KnownContext, claimed: Claimed, { bodyHash }: storedClaim.StoredClaim): void {
  const isIts = (body: string) => deps.tokens.digests(body).some(hash => hash.equals(bodyHash))
  if (!isIts(claimed.body) && !isIts(claimed.wholeBody())) throw new Fault('idempotency_conflict')
}

/** Another request with this key is in progress. */
class ClaimBusy extends Error {}

async function claimNow(
  ctx: KnownContext,
  unit: UnitOfWork,
  claimed: Claimed,
): Promise<storedClaim.StoredClaim | null> {
  const { idempotencyMs, tokens } = ctx.deps
  const { now } = unit
  const [bodyHash] = tokens.digests(claimed.body)
  if (bodyHash === undefined) throw new Error('the keyring has no pepper')
  const expiresAt = new Date(now.getTime() + idempotencyMs)
  const entry = { ...claimed, bodyHash, expiresAt, waitMs: CLAIM_MS }
  const kept = await idempotency.claim(unit, entry)
  if (kept === 'busy') throw new ClaimBusy()
  if (kept !== null) requireSameBody(ctx, claimed, kept)
  return kept
}

/**
 * Trims after a commit that stored an answer of `bytes` bytes, so that an old answer's row is locked only while it is
 * emptied.
 */
export async function trimAfter(ctx: KnownContext, bytes: number): Promise<void> {
  if (idempotency.isTrimDue(bytes)) await idempotency.trim(ctx.db, ctx.principal.organizationId)
}
