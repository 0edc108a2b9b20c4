/**
 * The process that generates the load: runs what `measure.ts` sends it, one load after the other, and sends back each
 * result.
 */
import { errorMessage } from '#shared/base/error-text.ts'
import { type Load, type Measured, type Pace, run } from './load.ts'

/** A request to this process. */
export interface LoadRequest {
  readonly load: Load
  readonly pace: Pace
}

/** The answer of this process. */
export type LoadAnswer = { readonly measured: Measured } | { readonly error: string }

process.on('message', ({ load, pace }: LoadRequest) => {
  run(load, pace).then(
    measured => process.send?.({ measured } satisfies LoadAnswer),
    (error: unknown) => process.send?.({ error: errorMessage(error) } satisfies LoadAnswer),
  )
})
