/**
 * The process of the load: runs what `measure.ts` sends it, one after the other, and sends back what came of it.
 */
import { errorMessage } from '#shared/base/error-text.ts'
import { type Load, type Measured, type Pace, run } from './load.ts'

/** What the process is asked. */
export interface LoadRequest {
  readonly load: Load
  readonly pace: Pace
}

/** What it answers. */
export type LoadAnswer = { readonly measured: Measured } | { readonly error: string }

process.on('message', ({ load, pace }: LoadRequest) => {
  run(load, pace).then(
    measured => process.send?.({ measured } satisfies LoadAnswer),
    (error: unknown) => process.send?.({ error: errorMessage(error) } satisfies LoadAnswer),
  )
})
