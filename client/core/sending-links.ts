/**
 * The links that send: calls of the same tick in one batch, a mutation that waits in a request of its own, and
 * subscriptions over an event stream with the key in a header. Called by `index.ts`, after every other link.
 */
import {
  type HTTPHeaders,
  type HTTPLinkOptions,
  httpBatchLink,
  httpLink,
  httpSubscriptionLink,
  splitLink,
  type TRPCLink,
} from '@trpc/client'
import { EventSource } from 'eventsource'
import type { AppRouter } from '#server/api/router.ts'
import { isWaiting } from './waiting.ts'

type Given<T> = T | (() => T | Promise<T>)

/** The destination of requests, and how to send them. */
export interface Sending {
  /** The base address including `/trpc`. */
  readonly url: string
  readonly key: Given<string>
  readonly headers?: Given<HTTPHeaders> | undefined
  readonly fetch?: HTTPLinkOptions<{ transformer: false; errorShape: object }>['fetch'] | undefined
}

const MAX_BATCH = 20

/** The last link of a client. Key and headers are requested before each request. */
export function sendingLink(sending: Sending): TRPCLink<AppRouter> {
  const { url, fetch } = sending
  const headers = () => headersOf(sending)
  const http = { url, headers, ...(fetch === undefined ? {} : { fetch }) }
  return splitLink({
    condition: operation => operation.type === 'subscription',
    true: httpSubscriptionLink({
      url,
      // The browser's own EventSource cannot send headers, and a key in a URL is refused.
      EventSource,
      eventSourceOptions: { fetch: eventFetch(sending) },
    }),
    // A batch is answered with its slowest call, so a call that waits would delay the others.
    false: splitLink({
      condition: isWaiting,
      true: httpLink(http),
      false: httpBatchLink({ ...http, maxItems: MAX_BATCH }),
    }),
  })
}

type EventFetch = NonNullable<ConstructorParameters<typeof EventSource>[1]>['fetch']

function eventFetch(sending: Sending): NonNullable<EventFetch> {
  return async (address, init) => {
    const headers = { ...(await headersOf(sending)), ...init.headers }
    const send = sending.fetch ?? globalThis.fetch
    // Sound: a `fetch` that serves calls returns a readable body; otherwise it could not answer batches either.
    return (await send(address, { ...init, headers })) as Awaited<ReturnType<NonNullable<EventFetch>>>
  }
}

/**
 * Returns the caller's headers and the key. Any `Authorization` header of the caller, in any case, is replaced by the
 * key.
 */
async function headersOf({ key, headers }: Sending): Promise<Record<string, string>> {
  const given = typeof headers === 'function' ? await headers() : headers
  const all = new Headers()
  for (const [name, value] of Object.entries(given ?? {})) for (const one of [value ?? []].flat()) all.append(name, one)
  all.set('authorization', `Bearer ${typeof key === 'function' ? await key() : key}`)
  return Object.fromEntries(all)
}
