/**
 * Claims due tasks, runs them, and releases those that fail. Notifications of `work` wake it, and it also polls. Any
 * number of workers may run; one worker at a time claims a task, and an expired claim is fenced off.
 */

import { withDeadline } from '#server/store/connection/statement.ts'
import { release } from '#server/store/tasks/claim-release.ts'
import * as claims from '#server/store/tasks/claims.ts'
import { firstTries } from '#server/work/checks/first-try.ts'
import { LackingKeys } from '#server/work/credentials/lacking-keys.ts'
import type { TaskHandlers, WorkerDeps } from './deps.ts'
import { runTask } from './run-task.ts'

const POLL_MS = 1_000
/** How long free slots may wait for others, so that one claim fills them all: it costs as much as a tenth of a check. */
const REFILL_MS = 20
/** A database that stays silent this long loses the connection: the next claim uses another one. */
export const CLAIM_DEADLINE_MS = 2_000
const LEASE_MS = 60_000

/** The number of tasks that run at once. */
export interface Concurrency {
  readonly limit: number
  /**
   * The slots that tasks without a waiting caller or hung tasks may take; hung or failed tasks may take half of these.
   */
  readonly background: number
  /** The maximum number of slots of one organization for tasks with and without waiting callers. */
  readonly perOrganization: { readonly asked: number; readonly background: number }
  /** True if a first attempt is aborted after a short time: see `first-try.ts`. */
  readonly cutsFirstTries: boolean
}

/** In the order in which they get slots. Hung tasks have callers, but are limited to their own slots. */
const LANES: readonly claims.Priority[] = ['asked', 'hung', 'scheduled', 'failed']

interface Running {
  readonly claim: claims.Claim
  readonly priority: claims.Priority
}

/** The running loop of one worker. */
export class Loop {
  readonly #parts: WorkerDeps
  /** The dependencies for first attempts. */
  readonly #hasty: WorkerDeps
  readonly #handlers: TaskHandlers
  readonly #concurrency: Concurrency
  readonly #running = new Map<Promise<void>, Running>()
  readonly #lacking = new LackingKeys()
  #wake: () => void = () => undefined
  #stopping = false
  #done: Promise<void> = Promise.resolve()
  #off: () => void = () => undefined
  readonly #rounds: claims.Rounds = new Map()
  #freed = 0
  #refill: NodeJS.Timeout | undefined
  #newestFirst = false

  constructor(deps: WorkerDeps, handlers: TaskHandlers, concurrency: Concurrency) {
    this.#parts = deps
    this.#hasty = concurrency.cutsFirstTries ? { ...deps, dialler: firstTries(deps.dialler) } : deps
    this.#handlers = handlers
    this.#concurrency = concurrency
  }

  /** Starts claiming. */
  start(): void {
    this.#off = this.#parts.notifications.on('work', () => this.#wake())
    this.#done = this.#run()
  }

  /** The number of running tasks. */
  get running(): number {
    return this.#running.size
  }

  /** Continues with a new keyring, which may have keys that the old one lacked. */
  reloaded(): void {
    this.#lacking.clear()
    this.#wake()
  }

  /** Stops claiming and waits at most `graceMs` for running tasks; unfinished ones are then released, due now. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true
    this.#off()
    clearTimeout(this.#refill)
    this.#wake()
    await this.#done
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, graceMs)
    await Promise.race([Promise.all(this.#running.keys()), promise])
    clearTimeout(timer)
    const left = [...this.#running.values()]
    await Promise.all(left.map(({ claim }) => release(this.#parts.db, claim, this.#parts.clock())))
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      const woken = this.#nextWake()
      const claimed = await this.#claim()
      for (const running of claimed) this.#begin(running)
      if (!this.#mayTakeMore(claimed)) await woken
    }
  }

  /**
   * True if a lane that had tasks has room for more: more may be due. Tasks that became due in a lane without any, or
   * that wait for a slot, wake the loop.
   */
  #mayTakeMore(claimed: readonly Running[]): boolean {
    const running = [...this.#running.values()]
    return claimed.some(({ priority }) => this.#room(priority, running) > 0)
  }

  #nextWake(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, POLL_MS)
    this.#wake = () => {
      clearTimeout(timer)
      resolve()
    }
    if (this.#stopping) this.#wake()
    return promise
  }

  /** Fills the free slots, within the limits of each lane. */
  async #claim(): Promise<Running[]> {
    const { db, clock, log, meter } = this.#parts
    const now = clock()
    const claimed: Running[] = []
    clearTimeout(this.#refill)
    ;[this.#refill, this.#freed] = [undefined, 0]
    try {
      const kinds = Object.keys(this.#handlers) as claims.Claim['kind'][] // the keys of TaskHandlers are kinds
      const due = await withDeadline(CLAIM_DEADLINE_MS, () => claims.prioritiesDue(db, { kinds, now }))
      // With a single slot, the latest request gets it every second time.
      this.#newestFirst = !this.#newestFirst
      for (const priority of LANES) {
        const limit = this.#room(priority, [...this.#running.values(), ...claimed])
        if (limit > 0) claimed.push(...(await this.#take(priority, { kinds, due, limit, now, others: claimed })))
      }
    } catch (cause) {
      // The database is unavailable: the poll retries. Tasks claimed before come back when their claims expire.
      meter.count('mooring_claims_failed_total', { queue: 'tasks' })
      log.error({ stage: 'claim', kinds: Object.keys(this.#handlers), cause }, 'no tasks could be claimed')
    }
    return claimed
  }

  /** Slow or unavailable databases must not delay the others, nor callers' requests. */
  #room(priority: claims.Priority, running: readonly Running[]): number {
    const { limit, background } = this.#concurrency
    const taken = (...priorities: claims.Priority[]) => running.filter(one => priorities.includes(one.priority)).length
    const free = limit - running.length
    if (priority === 'asked') return free
    const room = Math.min(free, background - taken('scheduled', 'hung', 'failed'))
    if (priority === 'scheduled') return room
    const rest = Math.min(room, Math.ceil(background / 2) - taken('hung', 'failed'))
    // One at a time, so that the next one counts towards its organization.
    return priority === 'hung' ? rest : Math.min(1, rest)
  }

  async #take(
    priority: claims.Priority,
    {
      kinds,
      due,
      limit,
      others,
      now,
    }: Pick<claims.ClaimAsk, 'kinds' | 'limit' | 'now'> & { due: readonly number[]; others: readonly Running[] },
  ): Promise<Running[]> {
    const isAsked = (other: claims.Priority) => other === 'asked'
    const { asked, background } = this.#concurrency.perOrganization
    const perOrganization = isAsked(priority) ? asked : background
    const ask = {
      kinds,
      due,
      priorities: [priority],
      limit,
      perOrganization,
      // Failed tasks count twice towards the limit: an organization's dead databases leave room for its others.
      held: [...this.#running.values(), ...others]
        .filter(one => isAsked(one.priority) === isAsked(priority))
        .flatMap(({ claim: { organizationId }, priority: other }) =>
          priority === 'failed' && other === 'failed' ? [organizationId, organizationId] : [organizationId],
        )
        .concat(this.#lacking.asHeld(perOrganization)),
      leaseMs: LEASE_MS,
      now,
      rounds: this.#rounds,
      newestFirst: this.#newestFirst,
    }
    const claimed = await withDeadline(CLAIM_DEADLINE_MS, () => claims.claim(this.#parts.db, ask))
    for (const { kind: task } of claimed) this.#parts.meter.count('mooring_tasks_claimed_total', { task, priority })
    return claimed.map(claim => ({ claim, priority }))
  }

  #begin(running: Running): void {
    const isFirst = running.priority === 'asked' || running.priority === 'scheduled'
    const lacks = () => this.#lacking.met(running.claim.organizationId)
    const task = { ...running, lacks }
    const run = runTask(isFirst ? this.#hasty : this.#parts, this.#handlers, task).finally(() => {
      const wasFull = this.#running.size >= this.#concurrency.limit
      this.#running.delete(run)
      this.#refillSoon(wasFull || running.priority === 'asked')
    })
    this.#running.set(run, running)
  }

  /**
   * Wakes the loop for a free slot: at once if a caller may wait for it or half of the background's slots are free,
   * else after a moment. A requested task that finds a slot free is not delayed: its notification wakes the loop.
   */
  #refillSoon(isForCaller: boolean): void {
    this.#freed += 1
    if (isForCaller || 2 * this.#freed >= this.#concurrency.background) this.#wake()
    else this.#refill ??= setTimeout(() => this.#wake(), REFILL_MS)
  }
}
