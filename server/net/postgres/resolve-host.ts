/**
 * The judged addresses of a host, without a connection: a lease tells its holder to dial them.
 *
 * Runs in a dialling process, like every look-up, because the name is a customer's text. It opens no socket to a
 * customer.
 */

import { DialError, findAddresses } from '#server/net/socket/dial.ts'
import type { Failure } from '#shared/faults/failure.ts'
import type { SessionDeps } from './with-session.ts'

/** The host and port to resolve. */
export interface LocateRequest {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly deadlineMs: number
}

/** The judged addresses, in the resolver's order; empty if `failure` is set. */
export interface Located {
  readonly addresses: readonly string[]
  /** True if every address is in a network that the installation has opened. */
  readonly openNetwork: boolean
  readonly failure: Failure | null
}

/** Resolves and judges the addresses. Throws only for a bug in our own code. */
export async function resolveHost(request: LocateRequest, { policy, resolver }: SessionDeps): Promise<Located> {
  const { deadlineMs, ...place } = request
  const signal = AbortSignal.timeout(deadlineMs)
  try {
    const { addresses, open } = await findAddresses({ ...place, purpose: 'postgres', policy, resolver, signal })
    return { addresses, openNetwork: open, failure: null }
  } catch (error) {
    if (!(error instanceof DialError)) throw error
    return { addresses: [], openNetwork: false, failure: error.failure }
  }
}
