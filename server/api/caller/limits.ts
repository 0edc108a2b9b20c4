/**
 * Admits a request: identifies the caller, counts the call and checks the rate limits. Each key counts for itself and for
 * its organization, so that a noisy one is slowed down and its neighbours are not; failed logins count for the address
 * that they come from. The counts are in memory for one process, and in our own PostgreSQL for several.
 */
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { Principal } from '#server/domain/access/scope.ts'
import { networkOf } from '#server/domain/network/client-address.ts'
import type { SettledCounts } from '#server/store/access/settled-counts.ts'
import { Fault } from '#shared/faults/fault.ts'
import { authenticate, elsewhere, type Headers, type ReadAhead, type Registry } from './principal.ts'

/** Validations of a capability per hour. */
export const VALIDATIONS = { points: 60, windowSeconds: 3_600 }

/** Sign-ins with a terminal code, right or wrong, per minute. */
export const LOCAL_SIGN_INS = { points: 10, windowSeconds: 60 }

/** The rate limit counters of a web process. */
export interface Limits {
  readonly perKey: Counter
  readonly perOrganization: Counter
  readonly failedLogins: Counter
  /** Pushes without a key, by the network that they come from and by the datasource that they name. */
  readonly pushAddress: Counter
  readonly pushDatasource: Counter
  /** Validations of a capability: each is a dial of the caller's choice. */
  readonly validations: Counter
  /** Attempts with terminal codes. */
  readonly localSignIn: Counter
}

/** A request to be admitted. A tRPC batch contains several calls. */
export interface Arrival {
  readonly headers: Headers
  readonly address: string | null
  readonly calls: number
  /** The read that it needs anyway; absent if that is not known before it is admitted. */
  readonly ahead?: ReadAhead<unknown> | null
}

/** The admitted principal, or the refusal, and the `RateLimit-*` headers of the answer. */
export interface Admission {
  readonly principal: Principal | Fault
  /** The refused principal: a known caller over a rate limit; null if the caller is unknown or not refused. */
  readonly refused: Principal | null
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Authenticates and counts. Refusals are values: the faults of credentials, and `rate_limit_exceeded` with its
 * `Retry-After`. Other errors are thrown. A valid key passes however many invalid ones came from its address, since
 * many callers may share one.
 */
export async function admit(arrival: Arrival, parts: Registry & { limits: Limits }): Promise<Admission> {
  const { limits } = parts
  const principal = await authenticate(arrival.headers, parts, arrival.ahead).catch((thrown: unknown) => {
    if (thrown instanceof Fault) return thrown
    throw thrown
  })
  if (principal instanceof Fault) {
    const count = await limits.failedLogins.take(networkOf(arrival.address), 1)
    return count.isOver ? refused(count, null) : { principal, refused: null, headers: {} }
  }
  const ofKey = await limits.perKey.take(principal.id, arrival.calls)
  // Refused calls of a noisy key do not use up the limit of its organization.
  if (ofKey.isOver) return refusedFor(ofKey, principal, parts)
  const ofOrganization = await limits.perOrganization.take(principal.organizationId, arrival.calls)
  if (ofOrganization.isOver) return refusedFor(ofOrganization, principal, parts)
  const gone = elsewhere(principal)
  if (gone !== null) return { principal: gone, refused: null, headers: gone.headers }
  const nearer = ofKey.remaining <= ofOrganization.remaining ? ofKey : ofOrganization
  return { principal, refused: null, headers: headersOf(nearer) }
}

function refusedFor(count: Count, principal: Principal, { seenKeys, clock }: Registry): Admission {
  seenKeys.overUntilMs.set(principal, clock().getTime() + count.resetMs)
  return refused(count, principal)
}

function refused(count: Count, known: Principal | null): Admission {
  const fault = over(count)
  return { principal: fault, refused: known, headers: fault.headers }
}

/** The refusal of a caller over a rate limit. */
export function over(count: Count): Fault {
  const headers = { ...headersOf(count), 'Retry-After': String(secondsOf(count.resetMs)) }
  return new Fault('rate_limit_exceeded', { headers })
}

/** The headers of draft-ietf-httpapi-ratelimit-headers, in the form that is in use (three fields and the policy). */
function headersOf({ points, windowSeconds, remaining, resetMs }: Count): Record<string, string> {
  return {
    'RateLimit-Limit': String(points),
    'RateLimit-Remaining': String(remaining),
    'RateLimit-Reset': String(secondsOf(resetMs)),
    'RateLimit-Policy': `${points};w=${windowSeconds}`,
  }
}

/** Rounded up, so that a caller who returns after this many seconds is not refused again. */
function secondsOf(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000))
}

/** The points that a key may take in one window. `name` separates the keys of different rules. */
export interface CounterRule {
  readonly name: string
  readonly points: number
  readonly windowSeconds: number
}

/** The state of a key's window after a charge. */
export interface Count {
  readonly isOver: boolean
  readonly points: number
  readonly windowSeconds: number
  readonly remaining: number
  /** The time until the window ends and all points are available again, in milliseconds. */
  readonly resetMs: number
}

/** Counts by one rule. */
export interface Counter {
  /** Takes points for a key. Never throws: while the database is unavailable, this process counts on its own. */
  take(key: string, points: number): Promise<Count>
}

/**
 * A counter over `shared`, the counts that several processes share, or in memory if it is null. Calls `onOver` for each
 * refusal.
 */
export function createCounter(rule: CounterRule, shared: SettledCounts | null, onOver: () => void): Counter {
  const inMemory = memoryCounter(rule, onOver)
  if (shared === null) return inMemory
  const { name, points: limit, windowSeconds } = rule
  const window = { limit, windowMs: windowSeconds * 1000 }
  return {
    async take(key, points) {
      const tally = await shared.take(`${name}:${key}`, points, window).catch(() => null)
      if (tally === null) return inMemory.take(key, points)
      const { used, resetMs } = tally
      const isOver = used > limit
      if (isOver) onOver()
      return { isOver, points: limit, windowSeconds, remaining: Math.max(0, limit - used), resetMs }
    },
  }
}

function memoryCounter(rule: CounterRule, onOver: () => void): Counter {
  const { name: keyPrefix, points: limit, windowSeconds } = rule
  const memory = new RateLimiterMemory({ keyPrefix, points: limit, duration: windowSeconds })
  return {
    async take(key, points) {
      let isOver = false
      const count = await memory.consume(key, points).catch((refused: unknown) => {
        isOver = true
        return countOf(refused)
      })
      if (isOver) onOver()
      const { remainingPoints: remaining, msBeforeNext: resetMs } = count
      return { isOver, points: limit, windowSeconds, remaining, resetMs: Math.max(0, resetMs) }
    },
  }
}

/** The library rejects with a count if a key exceeds its limit. */
function countOf(refused: unknown): RateLimiterRes {
  if (refused instanceof RateLimiterRes) return refused
  throw refused
}
