/**
 * The dependencies of a worker, created once: the database, the unsealer, the dialler, its clock and its source of
 * randomness.
 */
import type { FeedPace } from '#server/domain/feeds/feed.ts'
import type { HostPolicy } from '#server/domain/network/host-policy.ts'
import type { TaskKind } from '#server/domain/tasks/task-kind.ts'
import type { Log } from '#server/log.ts'
import type { Meter } from '#server/metrics/meter.ts'
import type { Dialler } from '#server/net/process/dialler.ts'
import type { Fingerprinter } from '#server/seal/fingerprinter.ts'
import type { LeaseSealer } from '#server/seal/leases.ts'
import type { Sealer } from '#server/seal/sealer.ts'
import type { Tokens } from '#server/seal/token.ts'
import type { Unsealer } from '#server/seal/unsealer.ts'
import type { VerdictSigner } from '#server/seal/verdicts.ts'
import { transaction } from '#server/store/database/db.ts'
import type { Notifications } from '#server/store/database/notifications.ts'
import type { Db } from '#server/store/tables/tables.ts'
import type { Actor, UnitOfWork } from '#server/store/tables/unit-of-work.ts'
import type { ClaimOf } from '#server/store/tasks/claims.ts'
import type { Semaphore } from './semaphore.ts'

/** A worker's dependencies. */
export interface WorkerDeps {
  readonly db: Db
  readonly notifications: Notifications
  readonly sealer: Sealer
  readonly unsealer: Unsealer
  readonly fingerprinter: Fingerprinter
  readonly leaseSealer: LeaseSealer
  readonly verdicts: VerdictSigner
  readonly tokens: Tokens
  readonly dialler: Dialler
  readonly policy: HostPolicy
  readonly clock: () => Date
  readonly random: () => number
  readonly log: Log
  readonly meter: Meter
  /** The time between a good verdict and the next check. */
  readonly checkIntervalMs: number
  /** How fast feeds are polled, and how long a new signing key may take to be accepted. */
  readonly feeds: {
    readonly pace: FeedPace
    readonly rotationWindowMs: number
    /** Limits the concurrent dials of polls. */
    readonly dials: Semaphore
  }
}

/** The worker as an actor in the audit record. */
const WORKER: Actor = { kind: 'worker', id: null, requestId: null, address: null }

/** Runs `work` in one transaction of an organization. The worker is its actor unless an audit event has another one. */
export function asWorker<T>(
  { db, clock }: Pick<WorkerDeps, 'db' | 'clock'>,
  org: string,
  work: (unit: UnitOfWork) => Promise<T>,
): Promise<T> {
  return transaction(db, tx => work({ org, tx, actor: WORKER, now: clock() }))
}

/** Performs one claimed task and settles it. If it throws, the loop logs the error and releases the task for later. */
export type Work<K extends TaskKind> = (deps: WorkerDeps, claim: ClaimOf<K>) => Promise<void>

/** The handler of each kind of task. */
export type TaskHandlers = { readonly [K in TaskKind]?: Work<K> }
