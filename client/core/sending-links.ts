/**
 * The links that send: calls of the same tick in one batch, a mutation that waits in a request of its own, and subscriptions
 * over an event stream that carries its key in a header. Called by `index.ts`, behind every other link.
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

/** The destination of requests, and their options. */
export interface Sending {
  /** Base address with `/trpc`. */
  readonly url: string
  readonly key: Given<string>
  readonly headers?: Given<HTTPHeaders> | undefined
  readonly fetch?: HTTPLinkOptions<{ transformer: false; errorShape: object }>['fetch'] | undefined
}

const MAX_BATCH = 20

/** The last link of a client. Key and headers are asked for before each request. */
export function sendingLink(sending: Sending): TRPCLink<AppRouter> {
  const { url, fetch } = sending
  const headers = () => headersOf(sending)
  const http = { url, headers, ...(fetch === undefined ? {} : { fetch }) }
  return splitLink({
    condition: operation => operation.type === 'subscription',
    true: httpSubscriptionLink({
      url,
      // The browser's own EventSource cannot send a header, and a key in a URL is refused.
      EventSource,
      eventSourceOptions: { fetch: eventFetch(sending) },
    }),
    // A batch is answered when the last of its calls is: one that waits would hold up the others.
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
    // Sound: what serves as `fetch` for calls gives a body that can be read as a stream, or it could not answer batches either.
    return (await send(address, { ...init, headers })) as Awaited<ReturnType<NonNullable<EventFetch>>>
  }
}

/** The caller's headers and the key. A caller's own `Authorization` never stands beside the key, in any spelling. */
async function headersOf({ key, headers }: Sending): Promise<Record<string, string>> {
  const given = typeof headers === 'function' ? await headers() : headers
  const all = new Headers()
  for (const [name, value] of Object.entries(given ?? {})) for (const one of [value ?? []].flat()) all.append(name, one)
  all.set('authorization', `Bearer ${typeof key === 'function' ? await key() : key}`)
  return Object.fromEntries(all)
}
