/**
 * One clock for a whole dial: it ends when the time is over, or sooner if one phase takes too long, and then says which
 * failure that is. No part of a dial may wait without it.
 */
import type { FailureCode } from '#shared/faults/failure.ts'
import { SessionError } from './session-error.ts'

/** The clock of one dial. */
export interface Deadline {
  /** Aborted with a `SessionError` when the time is over. */
  readonly signal: AbortSignal
  /** Begins a phase of at most `maxMs`, ending the previous one. `code` is the failure if its time runs out. */
  phase(code: FailureCode, maxMs: number): void
  /** The milliseconds left in total, at least 1. */
  remainingMs(): number
  /** Stops the clock without aborting. Must be called in any case. */
  stop(): void
}

/** A clock that runs from now, for at most `deadlineMs`. */
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

/** The value of a promise, unless the clock ends first. The same signal must end the work itself. */
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
