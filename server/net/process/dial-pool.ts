/**
 * Dialling processes, each with one job at a time, and a queue of jobs. One process is kept warm; the others start when
 * a job finds none free, beyond a few only while servers do not answer, and end after being idle for a while. A process
 * that dies, is killed or met a misbehaving server is replaced when it is needed.
 *
 * It must never grow without bound, nor restart processes in a loop if they cannot start. Held by the dialler.
 */
import { availableParallelism } from 'node:os'
import { cannotStart, type DialJob, DialProcess, type EndReason } from './dial-process.ts'
import type { DialSettings, PipedAnswer } from './serve-dials.ts'

/** Events of the processes, for the log. They contain nothing about a customer or a server. */
export type DiallerEvent =
  | { readonly event: 'dialler_started' | 'dialler_ready'; readonly pid: number | undefined }
  | {
      readonly event: 'dialler_ended'
      readonly pid: number | undefined
      readonly reason: EndReason | 'not_started'
      /** Why it could not start; empty otherwise. */
      readonly stderr: string
    }

/** The end of a job: an answer, or none because no process was free or the process died. */
export type JobEnd = PipedAnswer | 'dialler_busy' | 'dialler_died'

/** The number of processes by state, and of waiting jobs. */
export interface PoolCounts {
  readonly starting: number
  readonly idle: number
  readonly busy: number
  readonly waiting: number
}

/** A job for any process. */
export type PoolJob = Omit<DialJob, 'settle'>

interface PoolOptions {
  readonly settings: DialSettings
  /** The maximum number of concurrent processes. */
  readonly children: number
  readonly log: (event: DiallerEvent) => void
}

interface Waiting {
  readonly job: DialJob
  readonly timer: NodeJS.Timeout
  readonly sinceMs: number
}

/** The maximum number of dials that wait for a process. */
export const MAX_WAITING = 1_000
const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 10_000
/** A process that has been idle for this long ends: it uses some 60 MiB. */
const IDLE_MS = 30_000
/** Enough for servers that answer: a dial mostly computes, and more processes would only share the cores. */
const FEW = availableParallelism() + 2
/** Ten times a typical dial: a job that waits longer is held up by servers that do not answer, not by the CPU. */
const HELD_UP_MS = 150

/** The processes and their queue. */
export class DialPool {
  readonly #options: PoolOptions
  /** All processes that still exist, including those that are ending. */
  readonly #all = new Set<DialProcess>()
  readonly #living = new Set<DialProcess>()
  readonly #idle = new Map<DialProcess, NodeJS.Timeout>()
  #starting = 0
  readonly #waiting = new Set<Waiting>()
  readonly #retries = new Set<NodeJS.Timeout>()
  readonly #firstStart = Promise.withResolvers<void>()
  #readyAtMs = 0
  #failedStarts = 0
  #isFailing = false
  #closed: (() => void) | null = null

  constructor(options: PoolOptions) {
    this.#options = options
    // Not every caller waits for it.
    this.#firstStart.promise.catch(() => undefined)
    this.#start()
  }

  /** Runs a job when a process is free, within `waitMs`, by default the job's own deadline. Never rejects. */
  run(job: PoolJob, waitMs = job.deadlineMs): Promise<JobEnd> {
    return new Promise(resolve => {
      if (this.#closed !== null || this.#waiting.size >= MAX_WAITING) return resolve('dialler_busy')
      const settle = (answer: PipedAnswer | null) => resolve(answer ?? 'dialler_died')
      const timer = setTimeout(() => {
        this.#waiting.delete(waiting)
        resolve('dialler_busy')
      }, waitMs)
      const waiting: Waiting = { job: { ...job, settle }, timer, sinceMs: performance.now() }
      this.#waiting.add(waiting)
      this.#next()
      this.#startWhereShort()
      this.#lookAgain()
    })
  }

  /** Resolves when the first process is ready. Rejects with the cause if one ended before that: then none can start. */
  ready(): Promise<void> {
    return this.#firstStart.promise
  }

  /** True if a process is free, or if the last start succeeded. */
  canStart(): boolean {
    return this.#idle.size > 0 || !this.#isFailing
  }

  /** The number of processes and jobs in each state. */
  counts(): PoolCounts {
    const { size: idle } = this.#idle
    const busy = Math.max(0, this.#living.size - this.#starting - idle)
    return { starting: this.#starting, idle, busy, waiting: this.#waiting.size }
  }

  /** Kills every process and resolves when all are gone. Dials in progress end as `dialler_died`. */
  close(): Promise<void> {
    return new Promise(resolve => {
      this.#closed = resolve
      for (const timer of [...this.#retries, ...this.#idle.values()]) clearTimeout(timer)
      for (const waiting of this.#waiting) this.#take(waiting).job.settle(null)
      for (const child of this.#all) child.kill('closed')
      if (this.#all.size === 0) resolve()
    })
  }

  #take(waiting: Waiting): Waiting {
    clearTimeout(waiting.timer)
    this.#waiting.delete(waiting)
    return waiting
  }

  #next(): void {
    const [waiting] = this.#waiting
    // The one used last, because its code is warm.
    const child = waiting === undefined ? undefined : [...this.#idle.keys()].at(-1)
    if (waiting === undefined || child === undefined) return
    this.#leaveIdle(child)
    child.run(this.#take(waiting).job)
  }

  /** Looks again at the time when the jobs now waiting count as held up. */
  #lookAgain(): void {
    if (this.#waiting.size > 0) setTimeout(() => this.#startWhereShort(), HELD_UP_MS + 10).unref()
  }

  /** Starts a process for each job without one; beyond the first few, only for jobs that are held up. */
  #startWhereShort(): void {
    if (this.#closed !== null || this.#retries.size > 0) return
    const heldUp = this.#heldUp()
    while (this.#living.size < this.#options.children) {
      const wanted = this.#living.size < FEW ? this.#waiting.size : heldUp
      if (this.#living.size > 0 && this.#starting >= wanted) return
      if (!this.#start()) return
    }
  }

  /** The number of jobs that have waited too long although all started processes are ready. */
  #heldUp(): number {
    const before = performance.now() - HELD_UP_MS
    if (this.#starting > 0 || this.#readyAtMs > before) return 0
    return [...this.#waiting].filter(({ sinceMs }) => sinceMs <= before).length
  }

  /** False if no process can be started now. */
  #start(): boolean {
    try {
      let isReady = false
      this.#starting += 1
      const child: DialProcess = new DialProcess(this.#options.settings, {
        onReady: () => {
          isReady = true
          this.#started()
          this.#options.log({ event: 'dialler_ready', pid: child.pid })
        },
        onIdle: () => {
          this.#idle.set(child, setTimeout(() => this.#endIdle(child), IDLE_MS).unref())
          this.#next()
        },
        onEnd: end => {
          if (!isReady) this.#startFailed()
          this.#options.log({ event: 'dialler_ended', pid: child.pid, reason: end.reason, stderr: end.stderr })
          this.#firstStart.reject(cannotStart(end.stderr))
          this.#replace(child, end.wasUsed || end.reason === 'idle')
        },
        onGone: () => {
          this.#all.delete(child)
          if (this.#all.size === 0) this.#closed?.()
        },
      })
      this.#all.add(child)
      this.#living.add(child)
      this.#options.log({ event: 'dialler_started', pid: child.pid })
      return true
    } catch (cause) {
      // Out of processes or descriptors. Jobs wait, or end as busy, until some are available.
      this.#startFailed()
      this.#firstStart.reject(cannotStart(cause instanceof Error ? cause.message : ''))
      this.#options.log({ event: 'dialler_ended', pid: undefined, reason: 'not_started', stderr: '' })
      this.#startLater()
      return false
    }
  }

  #started(): void {
    this.#isFailing = false
    this.#starting -= 1
    this.#readyAtMs = performance.now()
    this.#firstStart.resolve()
    this.#lookAgain()
  }

  #startFailed(): void {
    this.#starting -= 1
    this.#isFailing = true
  }

  #startLater(): void {
    const delayMs = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failedStarts++)
    const timer = setTimeout(() => {
      this.#retries.delete(timer)
      this.#startWhereShort()
    }, delayMs)
    this.#retries.add(timer)
  }

  #leaveIdle(child: DialProcess): void {
    clearTimeout(this.#idle.get(child))
    this.#idle.delete(child)
  }

  #endIdle(child: DialProcess): void {
    if (this.#idle.has(child) && this.#living.size > 1) child.kill('idle')
  }

  #replace(child: DialProcess, wasGood: boolean): void {
    this.#leaveIdle(child)
    this.#living.delete(child)
    if (this.#closed !== null) return
    if (wasGood) {
      this.#failedStarts = 0
      this.#startWhereShort()
    } else this.#startLater()
  }
}
