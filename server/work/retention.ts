/**
 * Deletes rows that need not be kept any longer, across all organizations, from one list, in small batches alongside
 * the tasks, so that neither a claim nor a poll waits for it. One worker at a time does it for the whole installation.
 */
import { randomUUID } from 'node:crypto'
import { DAY_MS, type Retention } from '#server/domain/tasks/retention-settings.ts'
import * as dialBudgets from '#server/store/access/dial-budgets.ts'
import * as idempotency from '#server/store/access/idempotency.ts'
import * as leases from '#server/store/access/leases.ts'
import * as credentialMarks from '#server/store/credentials/credential-marks.ts'
import * as feeds from '#server/store/feeds/feed-retention.ts'
import { BATCH, BatchTooLarge, isLockNotAvailable, SMALLEST_BATCH } from '#server/store/installation/batches.ts'
import * as months from '#server/store/installation/months.ts'
import * as oldChanges from '#server/store/installation/old-changes.ts'
import * as oldRows from '#server/store/installation/old-rows.ts'
import * as upkeep from '#server/store/installation/upkeep.ts'
import { purgeMoved } from '#server/store/moves/moved-away.ts'
import type { Db } from '#server/store/tables/tables.ts'
import * as tasks from '#server/store/tasks/tasks.ts'
import type { WorkerDeps } from './deps.ts'

const EVERY_MS = 60_000
/** The time limit for one entry of the list per run, so that the others get their turn. */
const EACH_MS = 10_000

/** How long an answer to a push is kept: its signature is valid for ten minutes, its sender may retry for days. */
export const PUSHES_KEPT_MS = 7 * DAY_MS

/** How long requests with the keys of a moved organization are answered with that. */
const MOVED_KEPT_DAYS = 30

/** The retention period of each kind of row. */
export interface RetentionPeriods {
  readonly retention: Retention
  /** How long the content of a feed's event is kept. */
  readonly eventsMs: number
}

interface Moment {
  readonly now: Date
  readonly kept: RetentionPeriods
  /** The number of rows in a batch. */
  readonly size: number
  /** The time `ms` milliseconds ago. */
  ago(ms: number): Date
}

/** Runs one batch, and returns true if more may remain. */
type Purge = (db: Db, at: Moment) => Promise<boolean>

const monthOf = (table: months.MonthlyTable, ms: number) => ({ table, keepDays: Math.ceil(ms / DAY_MS) })

/**
 * Everything that is deleted, in this order: a month is created before it is needed; a feed is deleted before its
 * datasource, and that before rows that only refer to it; a lease refers to a capability, and a capability to the key
 * that issued it.
 */
const LIST: Readonly<Record<string, Purge>> = {
  months: db => months.make(db),
  tasks: (db, { now, size }) => tasks.purgeExpired(db, now, size),
  leases: (db, { now, size }) => leases.purgeExpired(db, now, size),
  idempotency_keys: (db, { now, size }) => idempotency.purgeExpired(db, now, size),
  dial_budgets: (db, { now, size }) => dialBudgets.purgeExpired(db, now, size),
  fingerprints: (db, { size }) => credentialMarks.cleanupFingerprints(db, size),
  event_contents: (db, { kept, ago, size }) => feeds.blankBatch(db, ago(kept.eventsMs), size),
  feeds: (db, { size }) => feeds.clearBatch(db, size),
  pushes: (db, { ago, size }) => feeds.purgePushes(db, ago(PUSHES_KEPT_MS), size),
  changes: (db, { kept, ago, size }) => oldChanges.purgeBatch(db, ago(kept.retention.changesMs), size),
  datasources: (db, { kept, ago, size }) => oldRows.purgeDatasource(db, ago(kept.retention.removedMs), size),
  // Individual rows first: a verdict without a copy in its datasource is copied before the month is dropped.
  verifications: async (db, { kept: { retention }, ago, size }) =>
    (await oldRows.purgeVerifications(db, ago(retention.verificationsMs), size)) ||
    months.drop(db, monthOf('verifications', retention.verificationsMs)),
  audit_events: (db, { kept }) => months.drop(db, monthOf('audit_events', kept.retention.auditMs)),
  ended_leases: (db, { kept, ago, size }) => oldRows.purgeLeases(db, ago(kept.retention.leasesMs), size),
  retired_credentials: (db, { now, size }) => oldRows.stampRetired(db, now, size),
  credentials: (db, { kept, ago, size }) => oldRows.purgeCredentials(db, ago(kept.retention.removedMs), size),
  capabilities: (db, { kept, ago, size }) => oldRows.purgeCapabilities(db, ago(kept.retention.revokedMs), size),
  keys: (db, { kept, ago, size }) => oldRows.purgeKeys(db, ago(kept.retention.revokedMs), size),
  moved_organizations: db => purgeMoved(db, MOVED_KEPT_DAYS),
}

/** The target duration of a batch: a statement that touches one of its rows waits that long. */
const AIM_MS = 50
const FIRST = BATCH / 4

/** The batch size of one table during one run: as many rows as take some 50 ms, judging by the last batch. */
export class BatchSize {
  #rows = FIRST

  /** The size of the next batch. */
  get rows(): number {
    return this.#rows
  }

  /** Adjusts the size after a batch of this size took `ms`. */
  took(ms: number): void {
    if (ms > AIM_MS) this.halve()
    else if (ms < AIM_MS / 2) this.#rows = Math.min(BATCH, this.#rows * 2)
  }

  /** Makes the next batch smaller, unless it is the smallest. */
  halve(): void {
    this.#rows = Math.max(SMALLEST_BATCH, this.#rows / 2)
  }
}

/**
 * Runs once: for each entry of the list as many batches as needed, for at most ten seconds, while `goesOn` returns
 * true. A failure does not stop the other entries; the first error is thrown at the end.
 */
export async function purgeExpired(
  parts: Pick<WorkerDeps, 'db' | 'clock'> & Partial<Pick<WorkerDeps, 'meter'>>,
  { kept, goesOn }: { kept: RetentionPeriods; goesOn(): Promise<boolean> },
): Promise<void> {
  const now = parts.clock()
  const moment = { now, kept, ago: (ms: number) => new Date(now.getTime() - ms) }
  const failures: unknown[] = []
  for (const [rows, forgetBatch] of Object.entries(LIST)) {
    const until = performance.now() + EACH_MS
    const size = new BatchSize()
    const batch = async () => {
      const isMore = await timed(size, () => forgetBatch(parts.db, { ...moment, size: size.rows }))
      if (isMore) parts.meter?.count('mooring_retention_batches_total', { rows })
      return isMore
    }
    try {
      while ((await goesOn()) && (await batch()) && performance.now() < until);
    } catch (cause) {
      failures.push(cause)
    }
  }
  if (failures.length > 0) throw failures[0]
}

/**
 * Runs a batch and returns true if more may remain. One that would have held its locks for too long is repeated with
 * fewer rows; a month's table that is in use is left for the next run, as rows are.
 */
export async function timed(size: BatchSize, batch: () => Promise<boolean>): Promise<boolean> {
  const from = performance.now()
  try {
    const isMore = await batch()
    size.took(performance.now() - from)
    return isMore
  } catch (error) {
    if (isLockNotAvailable(error)) return false
    if (!(error instanceof BatchTooLarge)) throw error
    size.halve()
    return true
  }
}

/**
 * Starts retention, now and once a minute, while no other worker of the installation does it. The returned function
 * stops it and resolves when the current batch is done.
 */
export function startRetention(
  parts: Pick<WorkerDeps, 'db' | 'clock' | 'log' | 'meter'>,
  kept: RetentionPeriods,
): () => Promise<void> {
  const { db, log, meter } = parts
  const holder = randomUUID()
  let isStopping = false
  let running: Promise<void> | null = null
  let isHolder = false
  const noteDone = meterTurns(parts)
  const goesOn = async () => {
    isHolder = !isStopping && (await upkeep.hold(db, holder))
    return isHolder
  }
  const turn = () => {
    running ??= purgeExpired(parts, { kept, goesOn })
      // Another worker of the installation may have the claim.
      .then(() => (isHolder ? noteDone() : undefined))
      .catch((cause: unknown) => {
        meter.count('mooring_retention_turns_total', { result: 'failed' })
        log.error({ stage: 'retention', cause }, 'old rows could not be removed')
      })
      .finally(() => {
        running = null
      })
  }
  const timer = setInterval(turn, EVERY_MS)
  turn()
  return async () => {
    isStopping = true
    clearInterval(timer)
    await running
    await upkeep
      .release(db, holder)
      .catch((cause: unknown) => log.warn({ stage: 'retention', cause }, 'another worker goes on in a minute'))
  }
}

/** Called after a run without a failure. */
function meterTurns({ clock, meter }: Pick<WorkerDeps, 'clock' | 'meter'>): () => void {
  let doneAtMs = 0
  meter.gauge('mooring_retention_last_turn_timestamp_seconds', () => [{ labels: {}, value: doneAtMs / 1000 }])
  return () => {
    doneAtMs = clock().getTime()
    meter.count('mooring_retention_turns_total', { result: 'done' })
  }
}
