/**
 * Ends this process where it cannot end itself: a loop that a stranger's input holds hears no signal. A thread watches that
 * the main one goes on, and that a process which was told to stop is gone in time; else it kills the process, and what it
 * held goes to another one.
 *
 * It ends nothing in order, and says one line. Started by the entries.
 */
import { Worker } from 'node:worker_threads'
import { BEATS, ENDS_IN, type WatchdogOrder } from './watchdog-thread.ts'

const BEAT_MS = 500

/** A watch over this process. */
export interface Watchdog {
  /** However it goes on: in so many milliseconds the process is killed, if it has not ended by itself. */
  endWithin(ms: number): void
  stop(): Promise<void>
}

/** Watches from now on. The process is killed when its main thread does nothing for `stallMs`. */
export function startWatchdog(stallMs: number): Watchdog {
  const shared = new Int32Array(new SharedArrayBuffer(8))
  const timer = setInterval(() => Atomics.add(shared, BEATS, 1), BEAT_MS)
  timer.unref()
  const thread = new Worker(new URL('watchdog-thread.ts', import.meta.url), {
    workerData: { shared, stallMs } satisfies WatchdogOrder,
    execArgv: [],
    // Modules preloaded by NODE_OPTIONS are for the main thread: this one has no room for them.
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
