/**
 * Retries a call if that can help: after faults that the fault table calls retryable, and if no Mooring server
 * answered. A mutation gets an idempotency key before it is first sent, so it takes effect once however often it
 * arrives. Called by `index.ts`, before the links that send.
 */
import { type Operation, TRPCClientError, type TRPCLink } from '@trpc/client'
import { observable, type Unsubscribable } from '@trpc/server/observable'
import type { AppRouter } from '#server/api/router.ts'
import { KEYLESS_MUTATIONS } from './waiting.ts'

const FIRST_DELAY_MS = 250
/** The longest delay that the client waits out; if the server asks for more, the caller gets the error. */
const MAX_DELAY_MS = 30_000
/** Faults that guarantee that nothing was done, so a mutation without an idempotency key may be retried. */
const UNTOUCHED = ['rate_limit_exceeded', 'service_unavailable', 'organization_moving']

/** A link that retries a call up to `retries` times. Subscriptions resume by themselves and pass through unchanged. */
export function retryLink(retries: number): TRPCLink<AppRouter> {
  return () =>
    ({ op: given, next }) => {
      if (given.type === 'subscription' || retries <= 0) return next(given)
      const op = withIdempotencyKey(given)
      return observable(observer => {
        let sent: Unsubscribable | null = null
        let timer: ReturnType<typeof setTimeout> | undefined
        let isOver = false
        const send = (attempt: number) => {
          sent = next(op).subscribe({
            next: value => observer.next(value),
            complete: () => observer.complete(),
            error: error => {
              const delayMs = isOver || attempt >= retries ? null : delayBeforeRetry(op, error, attempt)
              if (delayMs === null) observer.error(error)
              else timer = setTimeout(send, delayMs, attempt + 1)
            },
          })
        }
        const stop = () => {
          isOver = true
          clearTimeout(timer)
          sent?.unsubscribe()
        }
        // A request in flight is aborted by its own signal, but between two attempts there is no request.
        const abort = () => {
          stop()
          observer.error(TRPCClientError.from(Object(op.signal?.reason)))
        }
        op.signal?.addEventListener('abort', abort, { once: true })
        send(0)
        return () => {
          op.signal?.removeEventListener('abort', abort)
          stop()
        }
      })
    }
}

/** Returns the operation; a mutation has an idempotency key, either the caller's or a new one. */
function withIdempotencyKey(op: Operation): Operation {
  if (op.type !== 'mutation' || KEYLESS_MUTATIONS.includes(op.path) || !isPlain(op.input)) return op
  const { idempotencyKey = randomKey() } = op.input
  return { ...op, input: { ...op.input, idempotencyKey } }
}

/** An instance of a class serializes itself in its own way and is left alone. */
function isPlain(input: unknown): input is Readonly<Record<string, unknown>> {
  if (typeof input !== 'object' || input === null) return false
  const prototype: unknown = Object.getPrototypeOf(input)
  return prototype === null || prototype === Object.prototype
}

/** 128 random bits. `crypto.randomUUID` exists only in secure contexts, and a page on a local network is not one. */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}

/** The delay before a retry in milliseconds; null if the call must not be retried. */
function delayBeforeRetry(op: Operation, error: unknown, attempt: number): number | null {
  if (!(error instanceof TRPCClientError) || op.signal?.aborted === true) return null
  if (!mayRetry(op, error)) return null
  const asked = retryAfterMs(Reflect.get(Object(error.meta), 'response'))
  if (asked !== null) return asked > MAX_DELAY_MS ? null : asked
  // Jitter between half and the full delay, so that calls that failed together are not retried together.
  return FIRST_DELAY_MS * 2 ** attempt * (0.5 + Math.random() / 2)
}

function mayRetry(op: Operation, error: TRPCClientError<AppRouter>): boolean {
  const isSafe = op.type === 'query' || Reflect.get(Object(op.input), 'idempotencyKey') !== undefined
  const { fault, retryable } = Object(error.data) as { fault?: unknown; retryable?: unknown } // any value; the fields are checked below
  if (typeof fault === 'string') return retryable === true && (isSafe || UNTOUCHED.includes(fault))
  // `fetch` rejects with a TypeError if no answer came. An answer that is not JSON comes from a proxy that could not
  // reach Mooring.
  return isSafe && (error.cause instanceof TypeError || error.cause instanceof SyntaxError)
}

/** `Retry-After` in milliseconds; null if the answer does not have it in seconds. */
function retryAfterMs(response: unknown): number | null {
  const headers: unknown = Reflect.get(Object(response), 'headers')
  const text = headers instanceof Headers ? (headers.get('retry-after') ?? '') : ''
  return /^\d{1,9}$/.test(text) ? Number(text) * 1000 : null
}
