/**
 * Ends a call that takes too long. The time includes retries and the request for the key, but not the wait that the
 * call itself asks for. Called by `index.ts`, before every other link.
 */
import { TRPCClientError, type TRPCLink } from '@trpc/client'
import { observable } from '@trpc/server/observable'
import type { AppRouter } from '#server/api/router.ts'
import { askedWaitMs } from './waiting.ts'

/**
 * A link that rejects a call after `timeoutMs` plus its own `waitSeconds`. The cause of the error is a `DOMException`
 * named `TimeoutError`, like that of `AbortSignal.timeout`; the server may continue with the call. Subscriptions have
 * no timeout.
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
