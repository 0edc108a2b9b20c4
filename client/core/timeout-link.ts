/**
 * Ends a call that takes too long: with its retries and the key that is asked for before it, and beside the wait that it asks
 * for itself. Called by `index.ts`, before every other link.
 */
import { TRPCClientError, type TRPCLink } from '@trpc/client'
import { observable } from '@trpc/server/observable'
import type { AppRouter } from '#server/api/router.ts'
import { askedWaitMs } from './waiting.ts'

/**
 * A link that rejects a call after `timeoutMs`, beside its `waitSeconds`. The error's cause is a `DOMException` named
 * `TimeoutError`, as that of `AbortSignal.timeout`; the server may go on with the call. Subscriptions have no end.
 */
export function timeoutLink(timeoutMs: number): TRPCLink<AppRouter> {
  return () =>
    ({ op, next }) => {
      if (op.type === 'subscription') return next(op)
      return observable(observer => {
        const sent = next(op).subscribe(observer)
        const timer = setTimeout(() => {
          sent.unsubscribe()
          const cause = new DOMException(`The call has taken longer than ${timeoutMs} ms.`, 'TimeoutError')
          observer.error(TRPCClientError.from(cause))
        }, timeoutMs + askedWaitMs(op))
        return () => {
          clearTimeout(timer)
          sent.unsubscribe()
        }
      })
    }
}
