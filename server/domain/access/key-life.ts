/**
 * How long an organization's key remains valid after its replacement: the web tier may cache it for a while, and so may
 * a caller who fetched it for sealing. Pure arithmetic, used by the web tier and the worker.
 */

/** How long a web process may seal to a key without reading its row again. */
export const KEY_CACHE_MS = 30_000

/** How long callers may still send boxes sealed to a retired key. */
export const CALLER_GRACE_MS = 600_000

/**
 * The minimum time between a key's retirement and the destruction of its secret half: no sealed task is left by then,
 * either.
 */
const DESTROY_AFTER_MS = CALLER_GRACE_MS + 900_000

/** True if boxes that callers sealed to this key are still accepted. */
export function isAcceptedFromCallers(key: { retiredAt: Date | null }, now: Date): boolean {
  return key.retiredAt === null || now.getTime() - key.retiredAt.getTime() <= CALLER_GRACE_MS
}

/** The time from which a retired key's secret half may be destroyed, provided that nothing sealed to it remains. */
export function destroyableAt(retiredAt: Date): Date {
  return new Date(retiredAt.getTime() + DESTROY_AFTER_MS)
}
