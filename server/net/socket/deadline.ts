/**
 * One clock for a whole dial: it ends when the time is over, or sooner when one phase of it takes too long, and says
 * then which failure that is. Nothing of a dial may wait without it.
 */
import type { FailureCode } from '#shared/faults/failure.ts'
import { SessionError } from './session-error.ts'

/** The clock of one dial. */
export interface Deadline {
  /** Aborted with a `SessionError` when time is up. */
  readonly signal: AbortSignal
  /** Begins a phase of at most `maxMs`, ending the one before. `code` is the failure if its time runs out. */
  phase(code: FailureCode, maxMs: number): void
  /** Milliseconds left of the whole, at least 1. */
  remainingMs(): number
  /** Ends the clock without aborting. To be called in any case. */
  stop(): void
}

/** A clock that runs from now, for `deadlineMs` at most. */
export function createDeadline(deadlineMs: number): Deadline {
  const controller = new AbortController()
  const ends = performance.now() + deadlineMs
  const remainingMs = () => Math.max(1, Math.ceil(ends - performance.now()))
  let timer: NodeJS.Timeout | undefined
  const phase = (code: FailureCode, maxMs: number) => {
    clearTimeout(timer)
    const limitMs = Math.min(maxMs, remainingMs())
    const found = code === 'login_timeout' ? { seconds: Math.ceil(limitMs / 1000) } : {}
    timer = setTimeout(() => controller.abort(new SessionError(code, found)), limitMs)
  }
  phase('connection_timeout', deadlineMs)
  return { signal: controller.signal, phase, remainingMs, stop: () => clearTimeout(timer) }
}

/** The value of a promise, unless the clock ends first. The work itself must end by the same signal. */
export async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  // Nobody waits for it any more: its rejection must not end the process.
  work.catch(() => {})
  signal.throwIfAborted()
  let stop = () => {}
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
