/**
 * Runs tasks whose claims ran out twice, each in a worker process of its own that is killed at its deadline. A task
 * that completes there is cleared; one that does not is ended, so that no stranger's input travels from worker to
 * worker.
 *
 * No part of such a task is opened or parsed here. Woken by a poll; held by the worker.
 */

import { BROKEN, backoffMs, jittered } from '#server/domain/network/backoff.ts'
import type { TaskKind } from '#server/domain/tasks/task-kind.ts'
import type { Alone, AloneEnd } from '#server/net/process/alone.ts'
import { withDeadline } from '#server/store/connection/statement.ts'
import * as sealed from '#server/store/credentials/sealed.ts'
import * as changes from '#server/store/database/changes.ts'
import * as datasources from '#server/store/datasources/datasources.ts'
import * as feeds from '#server/store/feeds/feeds.ts'
import { lockDatasource } from '#server/store/locks/lock-datasources.ts'
import type { UnitOfWork } from '#server/store/tables/unit-of-work.ts'
import { isClaimed } from '#server/store/tasks/claim-hold.ts'
import { release } from '#server/store/tasks/claim-release.ts'
import * as claims from '#server/store/tasks/claims.ts'
import { claimQuarantined, type QuarantinedClaim } from '#server/store/tasks/quarantine.ts'
import { intervalMs } from '#server/work/credentials/next-check.ts'
import { asWorker } from '#server/work/deps.ts'
import { aboutTask } from './about-task.ts'
import type { WorkerDeps } from './deps.ts'
import { CLAIM_DEADLINE_MS } from './loop.ts'

/** Starts a process for one task. It is killed `deadlineMs` after it has begun the task. */
export type StartAlone = (claim: claims.Claim, deadlineMs: number) => Alone

const POLL_MS = 1_000
/** Longer than a process takes to start, work and be killed, so that the claim does not run out during it. */
const LEASE_MS = 120_000
/** The time limit of each kind of task, sufficient if nothing is wrong. */
const DEADLINES_MS: Partial<Record<TaskKind, number>> = { introspect: 25_000, poll: 30_000, push: 20_000 }
const DEADLINE_MS = 45_000
const AFTER_DEADLINE_MS = 5_000
/** The number of expired claims after which a task ends; two of them ran out here, so its process and its worker died. */
const MAX_RAN_OUT = 4

const UNFIT = 'The last poll of this feed did not end in order. It is tried again later.'

/** The quarantine of one worker. */
export class Quarantine {
  readonly #parts: WorkerDeps
  readonly #kinds: readonly TaskKind[]
  readonly #start: StartAlone
  readonly #running = new Map<Promise<void>, { claim: claims.Claim; alone: Alone }>()
  #stopping = false
  #wake: () => void = () => undefined
  #done: Promise<void> = Promise.resolve()

  constructor(deps: WorkerDeps, kinds: readonly TaskKind[], start: StartAlone) {
    this.#parts = deps
    this.#kinds = kinds
    this.#start = start
  }

  /** Starts claiming. */
  start(): void {
    const running = () => [{ labels: { queue: 'quarantine' }, value: this.#running.size }]
    this.#parts.meter.gauge('mooring_tasks_running', running)
    this.#done = this.#run()
  }

  /**
   * Stops claiming and waits at most `graceMs` for running tasks; unfinished ones are then killed and released, due
   * now.
   */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true
    this.#wake()
    await this.#done
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, graceMs)
    await Promise.race([Promise.all(this.#running.keys()), promise])
    clearTimeout(timer)
    const left = [...this.#running.values()]
    await Promise.all(left.map(({ claim }) => release(this.#parts.db, claim, this.#parts.clock())))
    for (const { alone } of left) alone.kill()
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, POLL_MS)
      this.#wake = resolve
      await this.#claim()
      if (!this.#stopping) await promise
      clearTimeout(timer)
    }
  }

  async #claim(): Promise<void> {
    const { db, clock, log, meter } = this.#parts
    try {
      const ask = { kinds: this.#kinds, leaseMs: LEASE_MS, now: clock() }
      const claim = await withDeadline(CLAIM_DEADLINE_MS, () => claimQuarantined(db, ask))
      if (claim !== undefined) this.#begin(claim)
    } catch (cause) {
      // The database is unavailable: the poll retries.
      meter.count('mooring_claims_failed_total', { queue: 'quarantine' })
      log.error({ stage: 'claim', kinds: this.#kinds, cause }, 'no task could be claimed for the quarantine')
    }
  }

  #begin(claim: QuarantinedClaim): void {
    const { log } = this.#parts
    const about = { ...aboutTask(claim), stage: 'quarantine' }
    if (claim.ranOut >= MAX_RAN_OUT) return void this.#settle(claim, 'died')
    const alone = this.#start(claim, (DEADLINES_MS[claim.kind] ?? DEADLINE_MS) + AFTER_DEADLINE_MS)
    log.warn({ ...about, ranOut: claim.ranOut }, 'task runs in quarantine')
    const run = alone.ended
      .then(end => this.#settle(claim, end))
      .finally(() => {
        this.#running.delete(run)
        this.#wake()
      })
    this.#running.set(run, { claim, alone })
  }

  async #settle(claim: QuarantinedClaim, end: AloneEnd): Promise<void> {
    const { db, clock, random, log, notifications, meter } = this.#parts
    meter.count('mooring_quarantined_total', { end })
    const about = { ...aboutTask(claim), stage: 'quarantine' }
    log.warn({ ...about, end }, 'task left quarantine')
    try {
      if (end === 'died') await asWorker(this.#parts, claim.organizationId, unit => endUnfit(this.#parts, unit, claim))
      if (end === 'not started')
        await release(db, claim, new Date(clock().getTime() + backoffMs(claim.attempts, BROKEN, random())))
    } catch (cause) {
      // The claim runs out by itself.
      log.error({ ...about, cause }, 'task could not be ended')
    }
    notifications.ring('news', claim.organizationId)
  }
}

/**
 * Ends a task that killed its process: its datasource shows that, and a standing task is due again after its interval.
 */
async function endUnfit(deps: WorkerDeps, unit: UnitOfWork, claim: QuarantinedClaim): Promise<void> {
  const { datasourceId } = claim
  const { now } = unit
  if (datasourceId !== null && (await lockDatasource(unit, { id: datasourceId })) === undefined) return
  // The process may have settled its task before it died, or another holder of the claim has settled it by now.
  if (!(await isClaimed(unit.tx, claim))) return
  const row = datasourceId === null ? undefined : await sealed.datasource(unit.tx, unit.org, datasourceId)
  const interval = row === undefined || claim.kind === 'poll' ? deps.feeds.pace.maxBackoffMs : intervalMs(deps, row)
  const dueAt = new Date(now.getTime() + jittered(interval, deps.random()))
  if (claim.standing) await claims.settle(unit.tx, claim, { dueAt, now, failed: false })
  else await claims.finish(unit.tx, claim, { fault: 'internal_error' })
  if (datasourceId === null) return
  const isCheck = claim.standing && claim.kind === 'verify'
  await datasources.update(unit, {
    id: datasourceId,
    set: { status_reason: 'internal_error', ...(isCheck ? { next_check_at: dueAt } : {}) },
    changedAt: now,
  })
  if (claim.kind === 'poll') await feeds.noteError(unit, { datasourceId, error: UNFIT })
  changes.append(unit, { datasourceId, change: 'verified' })
}
