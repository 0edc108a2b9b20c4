/**
 * Claims due tasks, runs them, and gives back what fails. Woken by `work`, with a poll behind it. Any number of workers may
 * run; a task is claimed by one at a time, and a claim that runs out is fenced off.
 */
import { BROKEN, backoffMs } from '#server/domain/backoff.ts'
import * as claims from '#server/store/claims.ts'
import type { Trades, WorkerParts } from './parts.ts'
import { sweep } from './sweep.ts'

const POLL_MS = 1_000
const LEASE_MS = 60_000
const SWEEP_MS = 60_000

/** The running loop of one worker. */
export class Loop {
  readonly #parts: WorkerParts
  readonly #trades: Trades
  readonly #slots: number
  readonly #running = new Map<Promise<void>, claims.Claim>()
  #wake: () => void = () => undefined
  #stopping = false
  #done: Promise<void> = Promise.resolve()
  #off: () => void = () => undefined
  #sweptAt = 0

  /** `slots` is how many tasks run at once. */
  constructor(parts: WorkerParts, trades: Trades, slots: number) {
    this.#parts = parts
    this.#trades = trades
    this.#slots = slots
  }

  /** Begins to claim. */
  start(): void {
    this.#off = this.#parts.signals.on('work', () => this.#wake())
    this.#done = this.#run()
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
    await Promise.all(left.map(claim => claims.handBack(this.#parts.db, claim, this.#parts.clock())))
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      const woken = this.#nextWake()
      const claimed = await this.#claim()
      for (const claim of claimed) this.#begin(claim)
      // A full batch hints at more; without a free slot there is nothing to do but wait for one.
      if (claimed.length > 0 && this.#running.size < this.#slots) continue
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

  /** What has failed before gets at most half of the slots: databases that are away must not keep the others waiting. */
  async #claim(): Promise<claims.Claim[]> {
    const { db, clock, log } = this.#parts
    const free = this.#slots - this.#running.size
    if (free <= 0) return []
    const kinds = Object.keys(this.#trades) as claims.Claim['kind'][] // the keys of Trades are kinds
    const perOrganization = Math.max(1, this.#slots - 1)
    const held = [...this.#running.values()].map(claim => claim.organizationId)
    const ask = { kinds, perOrganization, held, leaseMs: LEASE_MS, now: clock() }
    try {
      if (ask.now.getTime() - this.#sweptAt > SWEEP_MS) {
        this.#sweptAt = ask.now.getTime()
        await sweep(db, ask.now)
      }
      const fresh = await claims.claim(db, { ...ask, limit: free, retries: false })
      const retrying = [...this.#running.values()].filter(claim => claim.attempts > 1).length
      const limit = Math.min(free - fresh.length, Math.ceil(this.#slots / 2) - retrying)
      return limit <= 0 ? fresh : [...fresh, ...(await claims.claim(db, { ...ask, limit, retries: true }))]
    } catch (cause) {
      // The database is away: the poll tries again. What was claimed before it went comes back when the claim runs out.
      log.error({ cause }, 'no tasks could be claimed')
      return []
    }
  }

  #begin(claim: claims.Claim): void {
    const run = this.#work(claim).finally(() => {
      this.#running.delete(run)
      this.#wake()
    })
    this.#running.set(run, claim)
  }

  async #work(claim: claims.Claim): Promise<void> {
    const { db, clock, random, log, signals } = this.#parts
    const about = { organizationId: claim.organizationId, datasourceId: claim.datasourceId, task: claim.kind }
    try {
      await this.#trades[claim.kind]?.(this.#parts, claim)
    } catch (cause) {
      log.error({ ...about, cause }, 'task failed')
      const dueAt = new Date(clock().getTime() + backoffMs(claim.attempts, BROKEN, random()))
      // If this fails too, the claim runs out by itself.
      await claims
        .handBack(db, claim, dueAt)
        .catch((lost: unknown) => log.error({ ...about, cause: lost }, 'task not given back'))
      signals.ring('news')
    }
  }
}
