/**
 * The dialler of first tries: what has not answered after a short while is cut off, so that no number of servers that take a
 * connection and say nothing keeps those from their turn that would answer. It is tried again for as long as is due to it, in
 * places of its own, before anything is said of the server. Held by the loop.
 */
import type { Dialler } from '#server/net/process/dialler.ts'
import type { Failure, FailureCode } from '#shared/faults/failure.ts'

/** How long a first try may take: far databases answer within one second, ten thousand tables are read in a little more. */
export const FIRST_TRY_MS = { dial: 2_000, catalog: 3_000 } as const

interface Ended {
  readonly failure: Failure | null
}

/** Thrown where a first try was cut off. `end` is what was seen until then, for whoever counts logins. */
export class Hung extends Error {
  readonly end: Ended

  constructor(end: Ended) {
    super('the first try was cut off')
    this.end = end
  }
}

/** The time was over: it says nothing of what would have come. */
const TIMED_OUT: ReadonlySet<FailureCode> = new Set<FailureCode>(['connection_timeout', 'query_timeout'])

/** Dials through `dialler`, each dial for a short while. A dial that is cut off rejects with `Hung`; no other one rejects. */
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
  // A process that has to be started first takes nothing from the try's own time.
  const end = await dial({ ...request, deadlineMs: Math.min(deadlineMs, maxMs) }, deadlineMs)
  if (end.failure === null || deadlineMs <= maxMs) return end
  // A process that was killed, or did not come free, at the end of its time was held by somebody who hung.
  if (TIMED_OUT.has(end.failure.code) || performance.now() - startedAt >= maxMs) throw new Hung(end)
  return end
}
