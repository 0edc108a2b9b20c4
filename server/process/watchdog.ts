/**
 * Kills this process if it cannot end itself: an event loop blocked by a stranger's input receives no signals. A thread
 * verifies that the main one keeps running, and that a process told to stop ends in time; otherwise it kills the
 * process, and another one takes over its work.
 *
 * It does not shut down in order, and prints one line. Started by the entries.
 */
import { Worker } from 'node:worker_threads'
import { BEATS, ENDS_IN, type WatchdogOrder } from './watchdog-thread.ts'

const BEAT_MS = 500

/** A watchdog over this process. */
export interface Watchdog {
  /** Kills the process after `ms` milliseconds if it has not ended by itself. */
  endWithin(ms: number): void
  stop(): Promise<void>
}

/** Starts watching. Kills the process if its main thread is blocked for `stallMs`. */
export function startWatchdog(stallMs: number): Watchdog {
  const shared = new Int32Array(new SharedArrayBuffer(8))
  const timer = setInterval(() => Atomics.add(shared, BEATS, 1), BEAT_MS)
  timer.unref()
  const thread = new Worker(new URL('watchdog-thread.ts', import.meta.url), {
    workerData: { shared, stallMs } satisfies WatchdogOrder,
    execArgv: [],
    // Modules preloaded by NODE_OPTIONS are for the main thread: this one has no memory for them.
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 },
  })
  thread.unref()
  return {
    endWithin: ms => void Atomics.store(shared, ENDS_IN, Math.max(1, ms)),
    async stop() {
      clearInterval(timer)
      await thread.terminate()
    },
  }
}
