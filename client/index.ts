/**
 * The typed client: every procedure of the API with its inputs and outputs inferred. It takes types, and nothing else, from
 * the server, so it bundles for browsers.
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

/** A client of one installation. */
export type Client = TRPCClient<AppRouter>

/** The options of a client; `url` and `key` are enough. */
export interface ClientOptions {
  /** The installation's base address; `/trpc` is appended. */
  readonly url: string
  /** An API key or a capability, or a function that gives it, asked before each request: a new key counts from the next one. */
  readonly key: Sending['key']
  /** Whether connection strings, and CA certificates beside them, are sealed before they are sent. Default true. */
  readonly seal?: boolean | undefined
  /** Links of the caller's. They come behind the sealing, so that a logger among them sees boxes only. */
  readonly links?: readonly TRPCLink<AppRouter>[] | undefined
  /** Headers of each request, or a function that gives them. `Authorization` is always that of `key`. */
  readonly headers?: Sending['headers']
  /** In place of the global `fetch`: a proxy's agent, cookies, a framework's own. */
  readonly fetch?: Sending['fetch']
  /** How long a call may take with its retries, in milliseconds, beside its `waitSeconds`. Default: as long as it takes. */
  readonly timeoutMs?: number | undefined
  /**
   * How often a call is sent again after a fault that the fault table calls retryable, or when no answer came. A mutation
   * carries one idempotency key through all attempts, made for it where it brings none; a lease, which takes none, is sent
   * again only where the fault says that nothing was done. Default 2; 0 sends once, and makes no key.
   */
  readonly retries?: number | undefined
}

const RETRIES = 2

/**
 * A client of the installation at `url`. Calls made in the same tick travel as one batch, but for a mutation that waits,
 * which holds up no other. A call that is refused rejects with an error that `faultOf` reads. With a client of one's own,
 * put `sealingLink()` first.
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

/** The fault's code in what a call rejected with; null when the server was not reached or did not answer as Mooring does. */
export function faultOf(error: unknown): FaultCode | null {
  if (!(error instanceof TRPCClientError)) return null
  const fault: unknown = Reflect.get(Object(error.data), 'fault')
  // Sound: this server's formatter puts a code of the table there.
  return typeof fault === 'string' ? (fault as FaultCode) : null
}
