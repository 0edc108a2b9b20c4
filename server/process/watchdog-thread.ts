/**
 * The thread of the watchdog: counts its own ticks, so that a machine that was suspended, or a process that was stopped
 * and resumed, is not mistaken for one that hangs.
 *
 * It shares two numbers with the main thread and nothing else. Started by `watchdog.ts`.
 */
import { writeSync } from 'node:fs'
import { isMainThread, workerData } from 'node:worker_threads'

/** The index of the counter that the main thread increments. */
export const BEATS = 0
/** The index of the milliseconds until the process has to end; 0 while there is no deadline. */
export const ENDS_IN = 1

/** The input of the thread. */
export interface WatchdogOrder {
  readonly shared: Int32Array
  readonly stallMs: number
}

const TURN_MS = 250

function watch({ shared, stallMs }: WatchdogOrder): void {
  let [lastBeat, stalledMs, endingMs] = [Atomics.load(shared, BEATS), 0, 0]
  setInterval(() => {
    const beat = Atomics.load(shared, BEATS)
    stalledMs = beat === lastBeat ? stalledMs + TURN_MS : 0
    lastBeat = beat
    const endsIn = Atomics.load(shared, ENDS_IN)
    if (endsIn > 0) endingMs += TURN_MS
    if (stalledMs >= stallMs) end('the main thread did nothing for too long')
    if (endsIn > 0 && endingMs >= endsIn) end('the process did not stop in time')
  }, TURN_MS)
}

function end(why: string): void {
  try {
    writeSync(1, `${JSON.stringify({ level: 60, time: Date.now(), msg: `killed: ${why}` })}\n`)
  } finally {
    process.kill(process.pid, 'SIGKILL')
  }
}

// Sound: `watchdog.ts` starts the thread with an order.
if (!isMainThread) watch(workerData as WatchdogOrder)
