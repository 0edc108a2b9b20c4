/**
 * The typed client: every procedure of the API, with inferred inputs and outputs. It imports only types from the
 * server, so it can be bundled for browsers.
 */
import { createTRPCClient, type TRPCClient, TRPCClientError, type TRPCLink } from '@trpc/client'
import type { inferRouterInputs, inferRouterOutputs } from '@trpc/server'
import { retryLink } from '#client/core/retry-link.ts'
import { sealingLink } from '#client/core/sealing-link.ts'
import { type Sending, sendingLink } from '#client/core/sending-links.ts'
import { timeoutLink } from '#client/core/timeout-link.ts'
import type { AppRouter } from '#server/api/router.ts'
import { withoutEnd } from '#shared/base/text.ts'
import type { FaultCode } from '#shared/faults/fault.ts'

// biome-ignore lint/performance/noBarrelFile: callers have one place to import from
export { type SealedConnectionString, sealConnectionString } from '#client/core/seal.ts'
export { sealingLink } from '#client/core/sealing-link.ts'
export type { AppRouter, FaultCode }

/** The input of every procedure: `Inputs['datasources']['register']`. */
export type Inputs = inferRouterInputs<AppRouter>
/** The output of every procedure: `Outputs['datasources']['get']`. */
export type Outputs = inferRouterOutputs<AppRouter>

/** A client of one installation: `client.datasources.register.mutate(input)`, `client.datasources.get.query(input)`. */
export type Client = TRPCClient<AppRouter>

/** The options of a client; only `url` and `key` are required. */
export interface ClientOptions {
  /** The base address of the installation; `/trpc` is appended. */
  readonly url: string
  /**
   * An API key or a capability, or a function that returns one. The function is called before each request, so a new
   * key takes effect with the next one.
   */
  readonly key: Sending['key']
  /**
   * Whether connection strings, and the CA certificates sent with them, are sealed before they are sent. Default: true.
   */
  readonly seal?: boolean | undefined
  /** Links of the caller. They come after the sealing, so a logger among them sees only boxes. */
  readonly links?: readonly TRPCLink<AppRouter>[] | undefined
  /** Headers of each request, or a function that returns them. `Authorization` always comes from `key`. */
  readonly headers?: Sending['headers']
  /** Replaces the global `fetch`, for example for a proxy agent, cookies or a framework. */
  readonly fetch?: Sending['fetch']
  /**
   * The maximum duration of a call including its retries, in milliseconds, in addition to its `waitSeconds`. Default:
   * no limit.
   */
  readonly timeoutMs?: number | undefined
  /**
   * How often a call is retried after a fault that the fault table calls retryable, or if no answer came. A mutation
   * uses one idempotency key for all attempts, generated if it has none. A lease, which accepts no key, is retried only
   * if the fault guarantees that nothing was done. Default: 2. With 0, a call is sent once and no key is generated.
   */
  readonly retries?: number | undefined
}

const RETRIES = 2

/**
 * Creates a client of the installation at `url`; nothing is sent yet. Calls made in the same tick are sent as one
 * batch, except mutations that wait, which must not delay the others. A refused call rejects with a `TRPCClientError`
 * that `faultOf` reads; with `timeoutMs`, a call that takes longer rejects with an error without a fault. If you build
 * a tRPC client yourself, put `sealingLink()` first.
 */
export function createClient(options: ClientOptions): Client {
  const { key, headers, fetch, seal = true, links = [], timeoutMs, retries = RETRIES } = options
  return createTRPCClient<AppRouter>({
    links: [
      ...(timeoutMs === undefined ? [] : [timeoutLink(timeoutMs)]),
      ...(seal ? [sealingLink()] : []),
      ...links,
      retryLink(retries),
      sendingLink({ url: `${withoutEnd(options.url, '/')}/trpc`, key, headers, fetch }),
    ],
  })
}

/**
 * Returns the fault code of the error that a call rejected with, such as `entity_not_found`; null if the server could
 * not be reached or the answer did not come from Mooring. The codes are those of `/docs/faults`. Never throws.
 */
export function faultOf(error: unknown): FaultCode | null {
  if (!(error instanceof TRPCClientError)) return null
  const fault: unknown = Reflect.get(Object(error.data), 'fault')
  // Sound: the server's error formatter puts a code from the table there.
  return typeof fault === 'string' ? (fault as FaultCode) : null
}
