/**
 * The context of a procedure: the parts of the web tier, and the caller. The web tier's parts hold no way to open a box.
 */

import type { KeylessGate } from '#server/api/caller/keyless-gate.ts'
import type { Limits } from '#server/api/caller/limits.ts'
import type { RefusalSampler } from '#server/api/caller/refusal-sampler.ts'
import type { SameTurn } from '#server/api/caller/same-turn.ts'
import type { SealingKeys } from '#server/api/caller/sealing-keys.ts'
import type { Semaphores } from '#server/api/caller/semaphores.ts'
import type { ChangeFeed } from '#server/api/changes/change-feed.ts'
import type { FeedHeads } from '#server/api/changes/feed-heads.ts'
import type { AnswerBudget, SnapshotReader } from '#server/api/schemas/reader/snapshot-reader.ts'
import { newId } from '#server/domain/access/ids.ts'
import type { LocalConsole } from '#server/domain/access/local-console.ts'
import type { Principal } from '#server/domain/access/scope.ts'
import type { HostPolicy } from '#server/domain/network/host-policy.ts'
import type { Log } from '#server/log.ts'
import type { Meter } from '#server/metrics/meter.ts'
import type { Sealer } from '#server/seal/sealer.ts'
import type { Tokens } from '#server/seal/token.ts'
import type { Actor, AuditRow } from '#server/store/access/audit.ts'
import type { Notifications } from '#server/store/database/notifications.ts'
import type { Quotas } from '#server/store/organizations/quotas.ts'
import type { Db, Tx } from '#server/store/tables/tables.ts'
import type { TokenOwners } from '#server/store/tokens/directory.ts'
import type { Fault } from '#shared/faults/fault.ts'

/** The parts of a web process, made once. */
export interface WebDeps {
  readonly db: Db
  readonly notifications: Notifications
  readonly sealer: Sealer
  readonly sealingKeys: SealingKeys
  readonly tokens: Tokens
  /** Whose tokens are, as far as this process has seen. */
  readonly tokenOwners: TokenOwners
  /** Look-ups of tokens, shared by requests that come at once. */
  readonly tokenLooks: SameTurn<Principal>
  readonly policy: HostPolicy
  readonly limits: Limits
  /** Calls that one key, and one organization, may make within a window, to be told of. */
  readonly rates: { readonly windowSeconds: number; readonly perKey: number; readonly perOrganization: number }
  /** The console's sign-in of a local installation; null elsewhere. */
  readonly local: LocalConsole | null
  readonly checkIntervalMs: number
  readonly quotas: Quotas
  /** How long an idempotency key is good. */
  readonly idempotencyMs: number
  readonly changeFeed: ChangeFeed
  /** Places of subscriptions, and of callers who wait for a worker. */
  readonly streams: Semaphores
  readonly snapshotReader: SnapshotReader
  readonly waiters: Semaphores
  readonly feedHeads: FeedHeads
  readonly refusals: RefusalSampler
  readonly keyless: KeylessGate
  readonly meter: Meter
  /** How long a caller of `datasources.validate` is kept waiting for a worker. */
  readonly validateMs: number
  /** The same for a lease and for a signed push. */
  readonly answerMs: number
  readonly clock: () => Date
  readonly log: Log
}

/** Which of the three is speaking. Only the datasources dialect has a natural key for what it registers. */
export type Surface = 'trpc' | 'connections' | 'datasources'

/** Facts about an answer that a procedure passes to the dialect beside it. */
export interface ResponseMetadata {
  /** True when a new row was made. */
  created?: boolean
  /** True when this is the kept answer of an earlier request with the same idempotency key. */
  replayed?: boolean
  /** How many living descendants of a revoked key were kept. */
  kept?: number
}

/** The identity of a request under an idempotency key: a repeat must have the same. */
export interface ComparedRequest {
  /** The body as it came. */
  readonly body: unknown
  /** The query with its question mark, which is part of the request like its body; empty without one. */
  readonly query: string
}

/** The context of one request. */
export interface Context {
  readonly deps: WebDeps
  /** The caller, or the fault of their credential. */
  readonly principal: Principal | Fault
  readonly surface: Surface
  readonly requestId: string
  readonly address: string | null
  /** A header of the request, its name in lower case; undefined without it, and for one that comes more than once. */
  readonly header: (name: 'host' | 'origin') => string | undefined
  readonly responseMetadata: ResponseMetadata
  /** The remaining size of the answers; the calls of a batch share it. */
  readonly answers: AnswerBudget
  /** The dialect's `Idempotency-Key` header; null without one. */
  readonly idempotency: ({ readonly key: string; readonly route: string } & ComparedRequest) | null
  /** The token that the request presents, for the worker to check again. Throws `apikey_missing`. */
  readonly token: () => string
  /** Throws when the caller's credential is no longer good: for what lasts longer than a request. */
  readonly recheck: () => Promise<void>
}

/** The same once the caller is known. */
export interface KnownContext extends Context {
  readonly principal: Principal
}

/** The same context inside a transaction: what is read and written from here on is part of it. */
export function inTransaction(ctx: KnownContext, tx: Tx): KnownContext {
  return { ...ctx, deps: { ...ctx.deps, db: tx } }
}

/** The caller as an actor in the audit record. */
export function actorOf(ctx: KnownContext): Actor {
  return { kind: ctx.principal.kind, id: ctx.principal.id, requestId: ctx.requestId, address: ctx.address }
}

/** An event of the record, done by the caller now. */
export function eventOf(
  ctx: KnownContext,
  entry: { action: string; objectKind: string | null; objectId: string | null },
): AuditRow {
  return { id: newId(), actor: actorOf(ctx), outcome: 'ok', at: ctx.deps.clock(), ...entry }
}
