/**
 * The typed client: every procedure of the API with its inputs and outputs inferred. It takes types, and nothing else, from
 * the server, so it bundles for browsers.
 */
import {
  createTRPCClient,
  httpBatchLink,
  httpSubscriptionLink,
  splitLink,
  TRPCClientError,
  type TRPCLink,
} from '@trpc/client'
import type { inferRouterInputs, inferRouterOutputs } from '@trpc/server'
import { EventSource } from 'eventsource'
import { sealingLink } from '#client/core/sealing-link.ts'
import type { AppRouter } from '#server/api/router.ts'
import { withoutEnd } from '#shared/base/text.ts'
import type { FaultCode } from '#shared/faults/fault.ts'

// biome-ignore lint/performance/noBarrelFile: callers have one place to import from
export { type SealedConnectionString, sealConnectionString } from '#client/core/seal.ts'
export { sealingLink } from '#client/core/sealing-link.ts'

/** What every procedure takes and answers: `Inputs['datasources']['register']`. */
export type Inputs = inferRouterInputs<AppRouter>
/** What every procedure answers: `Outputs['datasources']['get']`. */
export type Outputs = inferRouterOutputs<AppRouter>

/** A client of one installation. */
export type Client = ReturnType<typeof createClient>

const MAX_BATCH = 20

/**
 * A client of the installation at `url` (its base address; `/trpc` is appended), calling with an API key or capability.
 * Calls made in the same tick travel as one batch. A call that is refused rejects with an error that `faultOf` reads.
 * Connection strings, and CA certificates beside them, are sealed before they are sent, unless `seal` is false. `links` come
 * behind the sealing, so that a logger among them sees boxes only; with a client of one's own, put `sealingLink()` first.
 */
export function createClient(options: {
  url: string
  key: string
  seal?: boolean
  links?: readonly TRPCLink<AppRouter>[]
}) {
  const url = `${withoutEnd(options.url, '/')}/trpc`
  const authorization = `Bearer ${options.key}`
  return createTRPCClient<AppRouter>({
    links: [
      ...(options.seal === false ? [] : [sealingLink()]),
      ...(options.links ?? []),
      splitLink({
        condition: operation => operation.type === 'subscription',
        // The browser's own EventSource cannot send a header, and a key in a URL is refused.
        true: httpSubscriptionLink({
          url,
          EventSource,
          eventSourceOptions: {
            fetch: (address, init) => fetch(address, { ...init, headers: { ...init.headers, authorization } }),
          },
        }),
        false: httpBatchLink({ url, maxItems: MAX_BATCH, headers: { authorization } }),
      }),
    ],
  })
}

/** The fault's code in what a call rejected with; null when the server was not reached or did not answer as Mooring does. */
export function faultOf(error: unknown): FaultCode | null {
  if (!(error instanceof TRPCClientError)) return null
  const fault: unknown = Reflect.get(Object(error.data), 'fault')
  // Sound: this server's formatter puts a code of the table there.
  return typeof fault === 'string' ? (fault as FaultCode) : null
}
