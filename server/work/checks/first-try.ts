/**
 * The dialler for first attempts, which aborts a dial that gets no answer within a short time, so that servers that
 * accept a connection and then stay silent cannot delay those that would answer. The task is retried with its full time
 * limit, in separate slots, before anything is concluded about the server. Held by the loop.
 */
import type { Dialler } from '#server/net/process/dialler.ts'
import type { Failure, FailureCode } from '#shared/faults/failure.ts'

/**
 * The time limit of a first attempt: remote databases answer within a second, and ten thousand tables take a little
 * longer.
 */
export const FIRST_TRY_MS = { dial: 2_000, catalog: 3_000 } as const

interface Ended {
  readonly failure: Failure | null
}

/** Thrown if a first attempt was aborted. `end` holds what was observed by then, for counting logins. */
export class Hung extends Error {
  readonly end: Ended

  constructor(end: Ended) {
    super('the first try was cut off')
    this.end = end
  }
}

/** Failures that mean that the time was over, and nothing about what would have followed. */
const TIMED_OUT: ReadonlySet<FailureCode> = new Set<FailureCode>(['connection_timeout', 'query_timeout'])

/**
 * Dials through `dialler`, with a short limit for each dial. An aborted dial rejects with `Hung`; no other one rejects.
 */
export function firstTries(dialler: Dialler): Dialler {
  return {
    ready: () => dialler.ready(),
    canDial: () => dialler.canDial(),
    counts: () => dialler.counts(),
    close: () => dialler.close(),
    probe: (request, how) =>
      within(FIRST_TRY_MS.dial, request, (short, waitMs) => dialler.probe(short, { ...how, waitMs })),
    describe: request => within(FIRST_TRY_MS.catalog, request, dialler.describe),
    locate: request => within(FIRST_TRY_MS.dial, request, dialler.locate),
    request: request => within(FIRST_TRY_MS.dial, request, dialler.request),
  }
}

async function within<R extends { readonly deadlineMs: number }, T extends Ended>(
  maxMs: number,
  request: R,
  dial: (request: R, waitMs: number) => Promise<T>,
): Promise<T> {
  const { deadlineMs } = request
  const startedAt = performance.now()
  // The start of a new process does not count towards the attempt's own time.
  const end = await dial({ ...request, deadlineMs: Math.min(deadlineMs, maxMs) }, deadlineMs)
  if (end.failure === null || deadlineMs <= maxMs) return end
  // If the process was killed or unavailable when the time was over, a hanging server was occupying it.
  if (TIMED_OUT.has(end.failure.code) || performance.now() - startedAt >= maxMs) throw new Hung(end)
  return end
}
