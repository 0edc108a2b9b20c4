/**
 * Claims due tasks, runs them, and gives back what fails. Woken by `work`, with a poll behind it. Any number of workers may
 * run; a task is claimed by one at a time, and a claim that runs out is fenced off.
 */

import { withDeadline } from '#server/store/connection/statement-scope.ts'
import { release } from '#server/store/tasks/claim-release.ts'
import * as claims from '#server/store/tasks/claims.ts'
import { firstTries } from '#server/work/checks/first-try.ts'
import { LackingKeys } from '#server/work/credentials/lacking-keys.ts'
import type { TaskHandlers, WorkerDeps } from './deps.ts'
import { runTask } from './run-task.ts'

const POLL_MS = 1_000
/** A database that says nothing for so long loses the connection: the next claim goes by another one. */
export const CLAIM_DEADLINE_MS = 2_000
const LEASE_MS = 60_000

/** How many tasks run at once. */
export interface Concurrency {
  readonly limit: number
  /** Of those, how many may be taken by what nobody waits for or has hung, and half of these by what has hung or failed. */
  readonly background: number
  /** Most slots for what one organization's callers wait for, and for what they do not. */
  readonly perOrganization: { readonly asked: number; readonly background: number }
  /** Whether a first try is cut off after a short while: see `first-try.ts`. */
  readonly cutsFirstTries: boolean
}

/** In the order in which they get slots. Hung tasks have callers, but no more than their own slots. */
const LANES: readonly claims.Priority[] = ['asked', 'hung', 'scheduled', 'failed']

interface Running {
  readonly claim: claims.Claim
  readonly priority: claims.Priority
}

/** The running loop of one worker. */
export class Loop {
  readonly #parts: WorkerDeps
  /** For first tries. */
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
  #newestFirst = false

  constructor(deps: WorkerDeps, handlers: TaskHandlers, concurrency: Concurrency) {
    this.#parts = deps
    this.#hasty = concurrency.cutsFirstTries ? { ...deps, dialler: firstTries(deps.dialler) } : deps
    this.#handlers = handlers
    this.#concurrency = concurrency
  }

  /** Begins to claim. */
  start(): void {
    this.#off = this.#parts.notifications.on('work', () => this.#wake())
    this.#done = this.#run()
  }

  /** How many tasks are under way. */
  get running(): number {
    return this.#running.size
  }

  /** Goes on with another keyring, which may have what the one before lacked. */
  reloaded(): void {
    this.#lacking.clear()
    this.#wake()
  }

  /** Claims nothing more and waits for what runs, at most `graceMs`; what is not done then goes back, due now. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true
    this.#off()
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
      // A full batch hints at more; without a free slot there is nothing to do but wait for one.
      if (claimed.length > 0 && this.#running.size < this.#concurrency.limit) continue
      await woken
    }
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

  /** Fills the free slots, as far as each lane may. */
  async #claim(): Promise<Running[]> {
    const { db, clock, log, meter } = this.#parts
    const now = clock()
    const claimed: Running[] = []
    try {
      const kinds = Object.keys(this.#handlers) as claims.Claim['kind'][] // the keys of TaskHandlers are kinds
      const due = await withDeadline(CLAIM_DEADLINE_MS, () => claims.prioritiesDue(db, { kinds, now }))
      // With one place at a time, it goes to what was asked for last every second time.
      this.#newestFirst = !this.#newestFirst
      for (const priority of LANES) {
        const limit = this.#room(priority, [...this.#running.values(), ...claimed])
        if (limit > 0) claimed.push(...(await this.#take(priority, { kinds, due, limit, now, others: claimed })))
      }
    } catch (cause) {
      // The database is away: the poll tries again. Tasks that were claimed before come back when their claims run out.
      meter.count('mooring_claims_failed_total', { queue: 'tasks' })
      log.error({ stage: 'claim', kinds: Object.keys(this.#handlers), cause }, 'no tasks could be claimed')
    }
    return claimed
  }

  /** Databases that are slow or away must not keep the others waiting, nor those who ask. */
  #room(priority: claims.Priority, running: readonly Running[]): number {
    const { limit, background } = this.#concurrency
    const taken = (...priorities: claims.Priority[]) => running.filter(one => priorities.includes(one.priority)).length
    const free = limit - running.length
    if (priority === 'asked') return free
    const room = Math.min(free, background - taken('scheduled', 'hung', 'failed'))
    if (priority === 'scheduled') return room
    const rest = Math.min(room, Math.ceil(background / 2) - taken('hung', 'failed'))
    // One at a time, so that the next one is counted against its organization.
    return priority === 'hung' ? rest : Math.min(1, rest)
  }

  async #take(
    priority: claims.Priority,
    of: Pick<claims.ClaimAsk, 'kinds' | 'limit' | 'now'> & { due: readonly number[]; others: readonly Running[] },
  ): Promise<Running[]> {
    const isAsked = (other: claims.Priority) => other === 'asked'
    const { asked, background } = this.#concurrency.perOrganization
    const perOrganization = isAsked(priority) ? asked : background
    const ask = {
      kinds: of.kinds,
      due: of.due,
      priorities: [priority],
      limit: of.limit,
      perOrganization,
      // Failed tasks count twice against further ones: an organization's dead databases leave room for its others.
      held: [...this.#running.values(), ...of.others]
        .filter(one => isAsked(one.priority) === isAsked(priority))
        .flatMap(({ claim: { organizationId }, priority: other }) =>
          priority === 'failed' && other === 'failed' ? [organizationId, organizationId] : [organizationId],
        )
        .concat(this.#lacking.asHeld(perOrganization)),
      leaseMs: LEASE_MS,
      now: of.now,
      rounds: this.#rounds,
      newestFirst: this.#newestFirst,
    }
    const claimed = await withDeadline(CLAIM_DEADLINE_MS, () => claims.claim(this.#parts.db, ask))
    for (const { kind: task } of claimed)
      this.#parts.meter.count('mooring_tasks_claimed_total', { task, lane: priority })
    return claimed.map(claim => ({ claim, priority }))
  }

  #begin(running: Running): void {
    const isFirst = running.priority === 'asked' || running.priority === 'scheduled'
    const lacks = () => this.#lacking.met(running.claim.organizationId)
    const task = { ...running, lacks }
    const run = runTask(isFirst ? this.#hasty : this.#parts, this.#handlers, task).finally(() => {
      this.#running.delete(run)
      this.#wake()
    })
    this.#running.set(run, running)
  }
}
