/**
 * The only way to a customer: resolve, judge every address, connect to a judged address, each within its time.
 *
 * Sockets to customers are opened only here. The connection goes to the judged address, so that a name which resolves
 * differently the next time leads nowhere; the socket's user passes the name to TLS. Called by `postgres.ts` and
 * `endpoint.ts`, always in a process that may be killed.
 */
import type net from 'node:net'
import { type Endpoint, type HostPolicy, judgeAddresses, judgeHost } from '#server/domain/network/host-policy.ts'
import { type Failure, type FailureCode, failureSpec, type Stage } from '#shared/faults/failure.ts'
import { type Connect, connectFirst, connectToNumber } from './connect-first.ts'
import { isOwnPlace } from './own-places.ts'
import type { Resolver } from './resolver.ts'

/** A connected socket, nothing yet sent or read. The caller must close it; it already has an `error` listener. */
export interface Dialled {
  readonly socket: net.Socket
  /** The address that it is connected to. */
  readonly address: string
  /** Every judged address of the host. */
  readonly addresses: string[]
  /** True if every address is in a network that the installation has opened. */
  readonly open: boolean
}

/** A failed dial. The message comes from the failure table; no socket is left open. */
export class DialError extends Error {
  readonly failure: Failure
  /** Every judged address of the host; empty if it was refused or not resolved. */
  readonly addresses: readonly string[]
  /** The furthest stage that was passed. The dialled text has already been parsed. */
  readonly passed: Stage | null

  constructor(code: FailureCode, addresses: readonly string[], passed: Stage | null) {
    super(failureSpec(code).observed)
    this.name = 'DialError'
    this.failure = { code }
    this.addresses = addresses
    this.passed = passed
  }
}

/**
 * The target of a dial and its time limits. `signal` is the overall deadline; `connectTimeoutMs` applies to connecting
 * only.
 */
export interface DialRequest extends Endpoint {
  readonly policy: HostPolicy
  readonly resolver: Resolver
  readonly signal: AbortSignal
  readonly connectTimeoutMs: number
  /** The database of a PostgreSQL session; omitted for anything else. */
  readonly database?: string
  /** Addresses, as `address|port`, that are blocked for now: too many logins were refused there. */
  readonly avoid?: readonly string[]
  /** Called once the host's addresses are known and allowed, before connecting to any. */
  readonly onFound?: () => void
  /** For tests only, to observe the address that would be connected to. */
  readonly connect?: Connect
}

/**
 * Dials. Throws only `DialError`, and then no socket is open. Settles within the signal's time, and within the
 * resolver's limit plus `connectTimeoutMs`.
 */
export async function dial(request: DialRequest): Promise<Dialled> {
  const { addresses, open } = await findAddresses(request)
  const isAvoided = addresses.some(address => request.avoid?.includes(`${address}|${request.port}`))
  if (isAvoided) throw new DialError('budget_exhausted', addresses, 'resolve')
  request.onFound?.()
  const limit = new AbortController()
  const stop = () => limit.abort()
  const timer = setTimeout(stop, request.connectTimeoutMs)
  request.signal.addEventListener('abort', stop, { once: true })
  if (request.signal.aborted) stop()
  const { port, connect = connectToNumber } = request
  const result = await connectFirst({ addresses, port, connect, signal: limit.signal })
  clearTimeout(timer)
  request.signal.removeEventListener('abort', stop)
  if (!result.ok) throw new DialError(result.code, addresses, 'policy')
  return { socket: result.socket, address: result.address, addresses, open }
}

const FAILED = { ok: false, code: 'resolver_failed' } as const

/** The host to look up and judge. */
export type AddressesRequest = Pick<
  DialRequest,
  'host' | 'port' | 'purpose' | 'policy' | 'resolver' | 'signal' | 'database'
>

/**
 * The judged addresses of the host. A literal address needs no look-up, and a refused name gets none. Throws
 * `DialError` for a refusal.
 */
export async function findAddresses(request: AddressesRequest): Promise<{ addresses: string[]; open: boolean }> {
  const found = await resolveAllowed(request)
  const { port, database } = request
  const place = { addresses: found.addresses, port, ...(database === undefined ? {} : { database }) }
  if (await isOwnPlace(place, request.policy.ownPlaces ?? [])) throw new DialError('host_refused', [], 'resolve')
  return found
}

async function resolveAllowed(request: AddressesRequest): Promise<{ addresses: string[]; open: boolean }> {
  const literal = judgeHost(request, request.policy)
  if (literal.verdict === 'refuse') throw new DialError(literal.code, [], 'parse')
  if (literal.verdict === 'address') return { addresses: [literal.address], open: literal.open }
  // An error of the resolver ends the dial, and its text is ignored.
  const answer = await request.resolver.resolve(literal.name, request.signal).catch(() => FAILED)
  if (!answer.ok) throw new DialError(answer.code, [], 'parse')
  const verdict = judgeAddresses(answer.addresses, request, request.policy)
  if (verdict.verdict === 'refuse') throw new DialError(verdict.code, [], 'resolve')
  return verdict
}
