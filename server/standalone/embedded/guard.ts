/**
 * Keeps an embedded server running: if it ends for any reason, it is started again on its port, and a failed start is
 * retried with growing delays. It logs the reason each time, and never starts it more often than once a second.
 *
 * Connections break in the meantime, and the callers' pools reopen them. Called by the entry that serves.
 */
import { lookUp } from './process.ts'

/** On Linux a check reads two small files; elsewhere it starts a program. */
const LOOK_MS = process.platform === 'linux' ? 250 : 2_000
const FIRST_DELAY_MS = 1_000
const LONGEST_DELAY_MS = 30_000
/** A server that has run this long is healthy: its next end counts as the first one again. */
const WELL_MS = 60_000

/** The guarded server. */
export interface GuardedServer {
  readonly pid: number
  restart(): Promise<number>
  lastWords(): Promise<string>
}

/** Listeners for the guard's events. */
export interface GuardEvents {
  /** The server has ended, and is started again in `delayMs`. `lastWords` is the end of its log. */
  ended(event: { pid: number; lastWords: string; delayMs: number }): void
  failed(event: { cause: unknown; delayMs: number }): void
  runs(event: { pid: number }): void
}

/** Guards a server until it is disposed, which must happen before the server is stopped. */
export class Guard implements AsyncDisposable {
  readonly #server: GuardedServer
  readonly #events: GuardEvents
  #pid: number
  #started = ''
  #startedAt = performance.now()
  #delayMs = 0
  #timer: NodeJS.Timeout | undefined
  #isOver = false
  #step: Promise<void> = Promise.resolve()

  constructor(server: GuardedServer, events: GuardEvents) {
    this.#server = server
    this.#events = events
    this.#pid = server.pid
    this.#next(LOOK_MS, () => this.#look())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    clearTimeout(this.#timer)
    await this.#step
  }

  #next(ms: number, step: () => Promise<void>): void {
    if (this.#isOver) return
    this.#timer = setTimeout(() => {
      this.#step = step()
    }, ms)
    this.#timer.unref()
  }

  async #look(): Promise<void> {
    const living = await lookUp(this.#pid)
    if (living !== null && (this.#started === '' || living.started === this.#started)) {
      this.#started = living.started
      return this.#next(LOOK_MS, () => this.#look())
    }
    if (this.#isOver) return
    if (performance.now() - this.#startedAt > WELL_MS) this.#delayMs = 0
    const lastWords = await this.#server.lastWords().catch(() => '')
    this.#events.ended({ pid: this.#pid, lastWords, delayMs: this.#delayMs })
    this.#restartLater()
  }

  #restartLater(): void {
    const delayMs = this.#delayMs
    this.#delayMs = Math.min(LONGEST_DELAY_MS, Math.max(FIRST_DELAY_MS, 2 * delayMs))
    this.#next(delayMs, () => this.#restart())
  }

  async #restart(): Promise<void> {
    try {
      this.#pid = await this.#server.restart()
    } catch (cause) {
      this.#events.failed({ cause, delayMs: this.#delayMs })
      return this.#restartLater()
    }
    this.#started = ''
    this.#startedAt = performance.now()
    this.#events.runs({ pid: this.#pid })
    this.#next(LOOK_MS, () => this.#look())
  }
}
