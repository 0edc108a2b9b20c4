/**
 * Counts, times and traces dials, and logs those that fail, by kind of request and by failure code. It keeps nothing
 * about the address or the conversation. The wiring puts it around the real dialler.
 */
import { helpingSetting } from '#server/domain/network/helping-setting.ts'
import type { Log } from '#server/log.ts'
import type { Meter } from '#server/metrics/meter.ts'
import type { Dialler } from '#server/net/process/dialler.ts'
import { inSpan } from '#server/tracing/span.ts'
import { runningTask } from '#server/work/about-task.ts'
import { type Failure, failureSpec } from '#shared/faults/failure.ts'

interface Ended {
  readonly failure: Failure | null
}

/** Dials through `dialler` and counts each dial. */
export function observedDialler(dialler: Dialler, { meter, log }: { meter: Meter; log: Log }): Dialler {
  const observed = <T extends Ended>(dial: string, run: () => Promise<T>): Promise<T> =>
    inSpan({ name: 'dial', kind: 'client', attributes: () => ({ 'mooring.dial': dial }) }, async span => {
      const startedAt = performance.now()
      const end = await run()
      const result = end.failure?.code ?? 'ok'
      meter.count('mooring_dials_total', { dial, result })
      meter.observe('mooring_dial_seconds', { dial }, (performance.now() - startedAt) / 1000)
      span.note({ 'mooring.result': result })
      if (end.failure === null) return end
      span.failed(result)
      const { code: failure } = end.failure
      log.info(
        { ...runningTask(), stage: failureSpec(failure).stage, dial, failure, ...helpingSetting(failure) },
        'dial failed',
      )
      return end
    })
  meterProcesses(dialler, meter)
  return {
    ...dialler,
    probe: (request, how) => observed('probe', () => dialler.probe(request, how)),
    describe: (request, waitMs) => observed('describe', () => dialler.describe(request, waitMs)),
    locate: (request, waitMs) => observed('locate', () => dialler.locate(request, waitMs)),
    request: (request, waitMs) => observed('request', () => dialler.request(request, waitMs)),
  }
}

function meterProcesses(dialler: Dialler, meter: Meter): void {
  meter.gauge('mooring_dial_processes', () => {
    const { starting, idle, busy } = dialler.counts()
    return Object.entries({ starting, idle, busy }).map(([state, value]) => ({ labels: { state }, value }))
  })
  meter.gauge('mooring_dials_waiting', () => [{ labels: {}, value: dialler.counts().waiting }])
}
