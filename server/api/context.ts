/**
 * The context of a procedure: the web tier's dependencies, and the caller. The dependencies include no way to open a
 * box.
 */

import type { KeylessGate } from '#server/api/caller/keyless-gate.ts'
import type { Limits } from '#server/api/caller/limits.ts'
import type { ReadAhead, SeenKeys } from '#server/api/caller/principal.ts'
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
import type { AuditRow } from '#server/store/access/audit.ts'
import { transaction } from '#server/store/database/db.ts'
import type { Notifications } from '#server/store/database/notifications.ts'
import type { Quotas } from '#server/store/organizations/quotas.ts'
import type { Db } from '#server/store/tables/tables.ts'
import type { Actor, UnitOfWork } from '#server/store/tables/unit-of-work.ts'
import type { TokenOwners } from '#server/store/tokens/directory.ts'
import type { Fault } from '#shared/faults/fault.ts'

/** The dependencies of a web process, created once. */
export interface WebDeps {
  readonly db: Db
  readonly notifications: Notifications
  readonly sealer: Sealer
  readonly sealingKeys: SealingKeys
  readonly tokens: Tokens
  /** A cache of the owners of tokens. */
  readonly tokenOwners: TokenOwners
  /** Look-ups of tokens, shared by concurrent requests. */
  readonly tokenLooks: SameTurn<Principal>
  /** Keys whose rows were verified before. */
  readonly seenKeys: SeenKeys
  readonly policy: HostPolicy
  readonly limits: Limits
  /** The number of calls that one key, and one organization, may make in a window, for display to the caller. */
  readonly rates: { readonly windowSeconds: number; readonly perKey: number; readonly perOrganization: number }
  /** The console's sign-in of a local installation; null elsewhere. */
  readonly local: LocalConsole | null
  readonly checkIntervalMs: number
  readonly quotas: Quotas
  /** How long an idempotency key is valid. */
  readonly idempotencyMs: number
  readonly changeFeed: ChangeFeed
  /** Slots of subscriptions, and of callers who wait for a worker. */
  readonly streams: Semaphores
  readonly snapshotReader: SnapshotReader
  readonly waiters: Semaphores
  readonly feedHeads: FeedHeads
  readonly refusals: RefusalSampler
  readonly keyless: KeylessGate
  readonly meter: Meter
  /** How long a caller of `datasources.validate` waits for a worker. */
  readonly validateMs: number
  /** How long a caller waits for a lease or a signed push. */
  readonly answerMs: number
  readonly clock: () => Date
  readonly log: Log
}

/** The surface of the request. Only the datasources dialect has a natural key for registrations. */
export type Surface = 'trpc' | 'connections' | 'datasources'

/** Facts about an answer that a procedure passes to the dialect separately. */
export interface ResponseMetadata {
  /** True if a new row was created. */
  created?: boolean
  /** True if this is the stored answer of an earlier request with the same idempotency key. */
  replayed?: boolean
  /** The number of living descendants of a revoked key that were kept. */
  kept?: number
}

/** The identity of a request under an idempotency key: a retry must have the same. */
export interface ComparedRequest {
  /** The body as received. */
  readonly body: unknown
  /** The query with its question mark, which is part of the request like its body; empty if there is none. */
  readonly query: string
}

/** The context of one request. */
export interface Context {
  /** All but the pool, which `db` replaces. */
  readonly deps: Omit<WebDeps, 'db'>
  /** The database of this call: the pool, or the transaction of its idempotency key's claim. */
  readonly db: Db
  /** The caller, or the fault of their credential. */
  readonly principal: Principal | Fault
  readonly surface: Surface
  readonly requestId: string
  readonly address: string | null
  /** The read that was made together with the look at the caller's key; null if there is none. */
  readonly ahead: ReadAhead<unknown> | null
  /** A request header by its lower-case name; undefined if it is absent or repeated. */
  readonly header: (name: 'host' | 'origin') => string | undefined
  readonly responseMetadata: ResponseMetadata
  /** The remaining size of the answers, shared by the calls of a batch. */
  readonly answers: AnswerBudget
  /** The dialect's `Idempotency-Key` header; null if there is none. */
  readonly idempotency: ({ readonly key: string; readonly route: string } & ComparedRequest) | null
  /** The token that the request presents, for the worker to verify again. Throws `apikey_missing`. */
  readonly token: () => string
  /** Throws if the caller's credential is no longer valid, for operations that outlast a request. */
  readonly recheck: () => Promise<void>
}

/** The context once the caller is known. */
export interface KnownContext extends Context {
  readonly principal: Principal
}

/**
 * Runs `work` as one unit of the caller's organization: in the transaction of the call's claim if it has one, otherwise
 * in a new transaction.
 */
export function asCaller<T>(ctx: KnownContext, work: (unit: UnitOfWork) => Promise<T>): Promise<T> {
  const { db, deps, principal } = ctx
  return transaction(db, tx => work({ org: principal.organizationId, tx, actor: actorOf(ctx), now: deps.clock() }))
}

/** The caller as an actor in the audit record. */
export function actorOf(ctx: KnownContext): Actor {
  return { kind: ctx.principal.kind, id: ctx.principal.id, requestId: ctx.requestId, address: ctx.address }
}

/** An audit event of the caller, at the current time. */
export function eventOf(
  ctx: KnownContext,
  entry: { action: string; objectKind: string | null; objectId: string | null },
): AuditRow {
  return { id: newId(), actor: actorOf(ctx), outcome: 'ok', at: ctx.deps.clock(), ...entry }
}
