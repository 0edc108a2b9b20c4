/**
 * Sends a call again where that can help: for faults that the fault table calls retryable, and where nothing of Mooring's
 * answered. A mutation is given one idempotency key, before it is first sent, so that however often it arrives it is done
 * once. Called by `index.ts`, before the links that send.
 */
import { type Operation, TRPCClientError, type TRPCLink } from '@trpc/client'
import { observable, type Unsubscribable } from '@trpc/server/observable'
import type { AppRouter } from '#server/api/router.ts'
import { KEYLESS_MUTATIONS } from './waiting.ts'

const FIRST_DELAY_MS = 250
/** Asked to wait longer than this, the caller is told rather than kept. */
const MAX_DELAY_MS = 30_000
/** Faults that say that nothing was done: a mutation without an idempotency key may follow them. */
const UNTOUCHED = ['rate_limit_exceeded', 'service_unavailable', 'organization_moving']

/** A link that sends a call at most `retries` times again. Subscriptions resume by themselves and pass through. */
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
        // A request under way is aborted by its own signal; between two attempts there is no request.
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

/** A mutation with an idempotency key: the caller's, or a new one. */
function withIdempotencyKey(op: Operation): Operation {
  if (op.type !== 'mutation' || KEYLESS_MUTATIONS.includes(op.path) || !isPlain(op.input)) return op
  const { idempotencyKey = randomKey() } = op.input
  return { ...op, input: { ...op.input, idempotencyKey } }
}

/** An instance of a class spells itself in its own way, and is left alone. */
function isPlain(input: unknown): input is Readonly<Record<string, unknown>> {
  if (typeof input !== 'object' || input === null) return false
  const prototype: unknown = Object.getPrototypeOf(input)
  return prototype === null || prototype === Object.prototype
}

/** 128 bits. `crypto.randomUUID` is there in secure contexts only, which a page on a local network is not. */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}

/** How long to wait before a call is sent again; null where it is not to be. */
function delayBeforeRetry(op: Operation, error: unknown, attempt: number): number | null {
  if (!(error instanceof TRPCClientError) || op.signal?.aborted === true) return null
  if (!mayRetry(op, error)) return null
  const asked = retryAfterMs(Reflect.get(Object(error.meta), 'response'))
  if (asked !== null) return asked > MAX_DELAY_MS ? null : asked
  // Full jitter above half: calls that failed together do not come back together.
  return FIRST_DELAY_MS * 2 ** attempt * (0.5 + Math.random() / 2)
}

function mayRetry(op: Operation, error: TRPCClientError<AppRouter>): boolean {
  const isSafe = op.type === 'query' || Reflect.get(Object(op.input), 'idempotencyKey') !== undefined
  const { fault, retryable } = Object(error.data) as { fault?: unknown; retryable?: unknown } // anything, and looked at as such
  if (typeof fault === 'string') return retryable === true && (isSafe || UNTOUCHED.includes(fault))
  // `fetch` rejects with a TypeError where no answer came, and what is not JSON is of a proxy that could not reach Mooring.
  return isSafe && (error.cause instanceof TypeError || error.cause instanceof SyntaxError)
}

/** `Retry-After` in milliseconds; null where the answer has none in seconds. */
function retryAfterMs(response: unknown): number | null {
  const headers: unknown = Reflect.get(Object(response), 'headers')
  const text = headers instanceof Headers ? (headers.get('retry-after') ?? '') : ''
  return /^\d{1,9}$/.test(text) ? Number(text) * 1000 : null
}
